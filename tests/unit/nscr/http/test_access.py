"""Every method of every route with no, bad and good credentials: who is not let in learns and changes nothing."""

import base64
from copy import deepcopy
from typing import Any

import bcrypt
import pytest

from nscr.config import ServerConfig
from nscr.http.routes import ROUTES
from nscr.oci.digest import digest_of
from nscr.oci.manifests import OCI_MANIFEST
from nscr.stores.memory import Shelf

pytestmark = pytest.mark.anyio

SECRET = "pa:ss wörd"
ANNA = "anna:" + SECRET
REQUESTS = [(method, route.template) for route in ROUTES for method in route.handlers]


def basic(credentials: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


REFUSED: list[dict[str, str]] = [
    {},
    basic(""),
    basic("anna"),
    basic("anna:"),
    basic("anna:wrong"),
    basic("bob:" + SECRET),
    basic("anna:" + "x" * 73),
    {"authorization": "Basic !!"},
    {"authorization": "Bearer " + base64.b64encode(ANNA.encode()).decode()},
]


@pytest.fixture(params=["one user", "htpasswd"])
def closed(request: pytest.FixtureRequest, make_client: Any, tmp_path: Any) -> Any:
    """A registry that asks for credentials and holds something to be read, changed or deleted."""
    config = ServerConfig(auth_username="anna", auth_password=SECRET, shutdown_endpoint_enabled=True)
    if request.param == "htpasswd":
        hashed = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
        (tmp_path / "htpasswd").write_text(f"anna:{hashed}\n")
        config = ServerConfig(auth_htpasswd=tmp_path / "htpasswd", shutdown_endpoint_enabled=True)
    return config


async def furnished(make_client: Any, config: ServerConfig, stopped: list[str]) -> tuple[Any, Shelf]:
    shelf = Shelf()
    builder = make_client(ServerConfig(), shelf)
    await builder.push_image("gone", "t", b"waits for a collection")
    await builder("DELETE", "/v2/gone")
    await builder.push_image("team/app", "t", b"layer")
    upload = (await builder.start_upload("team/app")).rpartition("/")[2]
    assert upload in shelf.sessions
    client = make_client(config, shelf, request_shutdown=lambda: stopped.append("stopped"))
    await client.registry.recover()
    return client, shelf


def request_for(method: str, template: str, shelf: Shelf) -> tuple[str, bytes, dict[str, str]]:
    """A target, body and headers with which the method would do something."""
    target = template.format(
        name="team/app", upload=next(iter(shelf.sessions)), digest=digest_of(b"layer"), reference="t"
    )
    if template.endswith("/manifests/{reference}") and method == "PUT":
        (content,) = (manifest.content for manifest in shelf.manifests.values())
        return target.removesuffix("t") + "new", content, {"content-type": OCI_MANIFEST}
    if template.endswith(("/uploads/", "/uploads", "/uploads/{upload}")) and method in {"POST", "PUT"}:
        return f"{target}?digest={digest_of(b'new')}", b"new", {}
    return target, b"new" if method == "PATCH" else b"", {}


@pytest.mark.parametrize(("method", "template"), REQUESTS)
async def test_who_is_not_let_in_changes_nothing(
    closed: ServerConfig, make_client: Any, method: str, template: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    stopped: list[str] = []
    client, shelf = await furnished(make_client, closed, stopped)
    target, body, headers = request_for(method, template, shelf)
    before = deepcopy(shelf)
    for credentials in REFUSED:
        reply = await client(method, target, body, {**headers, **credentials})
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert method == "HEAD" or set(reply.json) == (
            {"error", "message"} if target.startswith("/api") else {"errors"}
        )
        assert "etag" not in reply.headers
        assert shelf == before
    services = client.services
    streams = (services.log_events, services.repository_events, services.throughput_events)
    assert (stopped, [stream.clients for stream in streams]) == ([], [0, 0, 0])

    if not template.endswith("/stream"):
        reply = await client(method, target, body, {**headers, **basic(ANNA)})
        assert reply.status in {200, 201, 202, 204}, reply
        changes = method not in {"GET", "HEAD"}
        assert (shelf != before or bool(stopped)) is changes
    for text in (SECRET, "wrong", base64.b64encode(ANNA.encode()).decode(), "authorization"):
        assert text not in caplog.text
