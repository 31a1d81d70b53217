"""The entry: authentication before anything else, unknown paths and methods, request ids, unforeseen failures."""

import base64
from typing import Any

import anyio
import pytest

from nscr.config import ServerConfig
from nscr.errors import StoreFault, StoreFull
from nscr.http.app import SKIPPED_BODY_LIMIT
from nscr.http.routes import ROUTES
from nscr.oci.digest import digest_of

pytestmark = pytest.mark.anyio

PATHS = [
    *(
        route.template.format(name="a/b", upload="upload-1", digest=digest_of(b""), reference="latest")
        for route in ROUTES
        if "{" in route.template
    ),
    *(route.template for route in ROUTES if "{" not in route.template),
    "/",
    "/v2/nothing",
    "/api/nothing",
]


@pytest.fixture
def closed(make_client: Any) -> Any:
    return make_client(ServerConfig(auth_username="user", auth_password="päss:word"))


def basic(credentials: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
async def test_without_credentials_nothing_is_told_and_nothing_happens(closed: Any, method: str, path: str) -> None:
    for headers in ({}, basic("user:wrong"), {"authorization": "Basic !!"}, {"authorization": "Bearer user"}):
        reply = await closed(method, f"{path}?digest={digest_of(b'')}", b"", headers)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
    assert closed.stores.census.generation == 0
    assert await closed.stores.content.uploads() == []


async def test_with_credentials(closed: Any) -> None:
    for scheme in ("Basic", "basic"):
        headers = {"authorization": scheme + basic("user:päss:word")["authorization"][5:]}
        assert (await closed("GET", "/v2/", headers=headers)).status == 200


async def test_the_two_forms_of_a_refusal(closed: Any) -> None:
    assert (await closed("GET", "/v2/")).code == "UNAUTHORIZED"
    assert set((await closed("GET", "/api/registry/state")).json) == {"error", "message"}


@pytest.mark.parametrize("path", ["/", "/v1/", "/v2/a", "/v2/a/blobs", "/v2/a/tags", "/v2/a/b/manifests/"])
async def test_unknown_paths(client: Any, path: str) -> None:
    reply = await client("GET", path)
    assert (reply.status, reply.code) == (404, "UNSUPPORTED")


async def test_unknown_methods(client: Any) -> None:
    reply = await client("POST", "/v2/a/manifests/latest")
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "UNSUPPORTED", "DELETE, GET, HEAD, PUT")


@pytest.mark.parametrize("path", ["/v2/A/tags/list", "/v2/a..b/manifests/t", "/v2/a/../b/blobs/uploads/"])
async def test_names_outside_the_grammar(client: Any, path: str) -> None:
    reply = await client("POST" if path.endswith("/uploads/") else "GET", path)
    assert (reply.status, reply.code) == (400, "NAME_INVALID")


@pytest.mark.parametrize("name", ["blobs", "manifests/b", "a/blobs/uploads", "tags/list", "a/manifests"])
async def test_repositories_named_like_routes(client: Any, name: str) -> None:
    digest = await client.push_image(name, "t", b"layer")
    assert (await client("GET", f"/v2/{name}/manifests/{digest}")).status == 200
    assert (await client("GET", f"/v2/{name}/blobs/{digest_of(b'layer')}")).body == b"layer"
    assert (await client("GET", f"/v2/{name}/tags/list")).json == {"name": name, "tags": ["t"]}


async def test_every_reply_of_v2_names_the_version(client: Any) -> None:
    for path in ("/v2/", "/v2/a/tags/list", "/v2/nothing"):
        assert (await client("GET", path)).headers["docker-distribution-api-version"] == "registry/2.0"
    assert "docker-distribution-api-version" not in (await client("GET", "/api/registry/state")).headers


@pytest.mark.parametrize(("sent", "returned"), [("run-1/op:7", "run-1/op:7"), ("a b", None), ("x" * 129, None)])
async def test_a_clean_request_id_comes_back(client: Any, sent: str, returned: str | None) -> None:
    for path in ("/v2/", "/v2/absent/tags/list"):
        assert (await client("GET", path, headers={"x-request-id": sent})).headers.get("x-request-id") == returned


async def test_a_body_above_the_limit(make_client: Any) -> None:
    small = make_client(ServerConfig(max_upload_size_mb=1))
    data = b"x" * (1024 * 1024 + 1)
    location = await small.start_upload("a")
    for headers in ({}, {"transfer-encoding": "chunked"}):
        reply = await small("PATCH", location, data, headers)
        assert (reply.status, reply.code) == (413, "SIZE_INVALID")
    assert (await small("GET", location)).headers["range"] == "0-0"
    assert (await small("PATCH", location, data[1:])).status == 202
    assert (await small("PATCH", location, b"x")).status == 413


@pytest.mark.parametrize(("fault", "status"), [(StoreFault("broken"), 500), (StoreFull("no room"), 507)])
async def test_a_store_that_fails(client: Any, fault: StoreFault, status: int) -> None:
    async def fail(*_: object) -> None:
        raise fault

    client.stores.manifests.tags = fail
    reply = await client("GET", "/v2/a/tags/list")
    assert (reply.status, reply.code) == (status, "UNKNOWN")


async def test_an_unforeseen_failure_is_a_plain_500(client: Any) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    client.stores.manifests.tags = fail
    reply = await client("GET", "/v2/a/tags/list")
    assert (reply.status, reply.code) == (500, "UNKNOWN")
    assert b"secret" not in reply.body


async def test_a_failure_after_the_reply_began_reaches_the_server(client: Any) -> None:
    digest = await client.push_blob("a", b"data")

    async def open_broken(*_: object) -> Any:
        class Broken:
            size = 4

            async def read(self, start: int, length: int) -> bytes:
                raise StoreFault("the disk broke")

            async def aclose(self) -> None: ...

        return Broken()

    client.stores.content.open = open_broken
    with pytest.raises(StoreFault, match="the disk broke"):
        await client("GET", f"/v2/a/blobs/{digest}")


async def test_a_body_that_nobody_asked_for_is_read_away_and_a_very_long_one_left(client: Any) -> None:
    await client("GET", "/v2/", b"x" * 1000)
    assert client.read_messages == 1
    await client("GET", "/v2/", b"x" * (SKIPPED_BODY_LIMIT + 1))
    await client("GET", "/v2/", b"x" * 1000, {"expect": "100-continue"})
    assert client.read_messages == 1


async def test_a_drain_waits_for_requests_and_can_give_them_up(client: Any) -> None:
    begun = anyio.Event()
    ended: list[str] = []

    async def never(*_: object) -> None:
        begun.set()
        await anyio.sleep_forever()

    async def list_tags() -> None:
        reply = await client("GET", "/v2/a/tags/list")
        assert (reply.status, reply.headers["retry-after"], reply.headers["connection"]) == (503, "5", "close")
        ended.append("request")

    async def wait_idle() -> None:
        await client.application.wait_idle()
        ended.append("idle")

    client.stores.manifests.tags = never
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(list_tags)
        await begun.wait()
        tasks.start_soon(wait_idle)
        await anyio.wait_all_tasks_blocked()
        assert ended == []
        assert client.application.abandon() == 1
    assert sorted(ended) == ["idle", "request"]
    assert client.application.abandon() == 0
    await client.application.wait_idle()
