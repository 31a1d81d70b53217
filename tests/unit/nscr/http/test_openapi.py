"""/openapi.json describes every route of /api, and every reply is of the shape that it describes."""

import json
from typing import Any

import msgspec
import pytest

from nscr.config import ServerConfig
from nscr.http import documents
from nscr.http.openapi import OPERATIONS
from nscr.http.routes import ROUTES

pytestmark = pytest.mark.anyio


def test_every_route_of_the_api_is_described_and_no_other() -> None:
    routes = {
        (method, route.template) for route in ROUTES if route.template.startswith("/api/") for method in route.handlers
    }
    assert set(OPERATIONS) == routes


async def test_the_document_is_whole(client: Any) -> None:
    reply = await client("GET", "/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    document = reply.json
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in schemas
    for template, methods in document["paths"].items():
        for operation in methods.values():
            assert {"401", "500"} <= set(operation["responses"])
            named = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert named == (["name"] if "{name}" in template else [])


@pytest.mark.parametrize(
    ("method", "template"),
    [key for key, operation in OPERATIONS.items() if not isinstance(operation.replies[200], str)],
)
async def test_replies_are_of_the_type_that_is_described(make_client: Any, method: str, template: str) -> None:
    client = make_client(ServerConfig(shutdown_endpoint_enabled=True), request_shutdown=lambda: None)
    await client.push_image("a/b", "t", b"layer")
    await client.start_upload("a/b")
    reply = await client(method, template.format(name="a/b"))
    kind = OPERATIONS[method, template].replies[200]
    assert not isinstance(kind, str)
    read = msgspec.json.decode(reply.body, type=kind)
    assert json.loads(msgspec.json.encode(read)) == reply.json
    assert isinstance(read, documents.Document)
