"""What counts as the monitoring API: what has its form, and no page that is answered to any path."""

import json

import pytest
import trio

from nscr_cli.client.monitoring import Poll
from nscr_cli.gate.offered import why_absent

NO_FORM = b'{"hello": 1}'
METRICS = dict.fromkeys(
    ("totalRepositories", "totalManifests", "totalBlobs", "activeSessions", "logStreamClients"), 0
)  # fmt: skip
HEALTH = json.dumps(
    {"status": "healthy", "timestamp": 1, "uptime": 1, "checks": {}, "metrics": METRICS, "warnings": []}
).encode()


def absence(status: int | None, body: bytes, others: dict[str, tuple[int, bytes]] | None = None) -> str | None:
    async def ask(path: str) -> Poll:
        other, told = (others or {}).get(path, (404, b""))
        return Poll(path=path, status=other, body=told, start_s=0, end_s=0)

    async def asked() -> str | None:
        return await why_absent(Poll(path="/api/registry/state", status=status, body=body, start_s=0, end_s=0), ask)

    return trio.run(asked)


@pytest.mark.parametrize(
    ("status", "body", "is_there"),
    [
        (200, b'{"summary": {"totalBlobs": "many"}}', True),
        (200, b'{"summary": {}}', False),
        (200, b'{"summary": "all is well"}', False),
        (200, b"{}", False),
        (200, b"<html>", False),
        (200, b"[]", False),
        (404, b"", False),
        (401, b"", False),
        (None, b"", False),
    ],
)
def test_a_state_by_itself(status: int | None, body: bytes, is_there: bool) -> None:
    assert (absence(status, body) is None) == is_there


@pytest.mark.parametrize("body", [NO_FORM, b'{"summary": "none"}', b"<html>", b"[]", b""])
@pytest.mark.parametrize("status", [200, 500])
def test_whoever_serves_another_path_has_the_api(body: bytes, status: int) -> None:
    assert absence(200, body, {"/api/registry/health": (status, HEALTH)}) is None


@pytest.mark.parametrize("body", [NO_FORM, b"<html>", HEALTH])
def test_whoever_answers_every_path_alike_has_none(body: bytes) -> None:
    paths = ("/api/registry/health", "/api/registry/blobs", "/api/registry/sessions", "/api/garbage-collect/stats")
    told = absence(200, body, dict.fromkeys(paths, (200, body)))
    assert told == "the registry does not offer it (200 with something else)"


def test_a_document_with_the_status_of_an_error_is_none_of_the_api() -> None:
    stats = json.dumps(
        dict.fromkeys(
            ("totalBlobs", "totalManifests", "unreferencedBlobs", "orphanedManifests", "estimatedSpaceToFree"), 0
        )
    ).encode()
    path = "/api/garbage-collect/stats"
    assert absence(200, NO_FORM, {path: (200, stats)}) is None
    assert absence(200, NO_FORM, {path: (500, stats)}) is not None
