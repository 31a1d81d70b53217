"""Figures of the monitoring API: the same names wherever they stand, nothing from what is not as documented."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.history.figures import Figures, read_figures

SUMMARY = {
    "totalRepositories": 3,
    "totalManifests": 15,
    "totalBlobs": 45,
    "unreferencedBlobs": 2,
    "orphanedManifests": 1,
    "estimatedSpaceToFree": 1048576,
}
TOTALS = {"manifests": 15, "blobs": 45}
WASTE = {"unreferenced_blobs": 2, "orphaned_manifests": 1, "space_to_free": 1048576}


@pytest.mark.parametrize(
    ("endpoint", "document", "figures"),
    [
        (
            "/api/registry/state",
            {
                "summary": SUMMARY,
                "activeSessions": {"count": 2},
                "health": {"status": "healthy", "uptime": 9, "logStreamClients": 1},
                "generation": 7,
            },
            Figures(
                repositories=3,
                **TOTALS,
                **WASTE,
                sessions=2,
                status="healthy",
                uptime_ms=9,
                log_stream_clients=1,
                generation=7,
            ),
        ),
        (
            "/api/registry/health",
            {"status": "degraded", "uptime": 9, "metrics": SUMMARY | {"activeSessions": 4, "logStreamClients": 5}},
            Figures(repositories=3, **TOTALS, status="degraded", uptime_ms=9, sessions=4, log_stream_clients=5),
        ),
        ("/api/registry/sessions", {"totalActiveSessions": 4}, Figures(sessions=4)),
        ("/api/registry/blobs", {"totalBlobs": 45}, Figures(blobs=45)),
        ("/api/garbage-collect/stats", SUMMARY, Figures(**TOTALS, **WASTE)),
        ("/api/registry/repositories/api/registry/state", {"tagCount": 5}, Figures(tags=5)),
        ("/api/unknown", SUMMARY, Figures()),
    ],
)
def test_each_endpoint(endpoint: str, document: object, figures: Figures) -> None:
    assert read_figures(endpoint, json.dumps(document).encode()) == figures


@pytest.mark.parametrize(
    "body", [None, b"", b"<html>", b"[]", b"3", b"null", b'{"totalBlobs":"45"}', b'{"totalBlobs":true}']
)
def test_what_is_not_as_documented_is_not_there(body: bytes | None) -> None:
    assert read_figures("/api/registry/blobs", body) == Figures()


@given(st.binary())
def test_any_bytes_are_survived(body: bytes) -> None:
    read_figures("/api/registry/state", body)
