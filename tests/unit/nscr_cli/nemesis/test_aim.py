"""What a request is, and where its head ends, however its bytes are cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.history.faults import Step, operation_of
from nscr_cli.nemesis.aim import Head, RequestReader, step_of

REQUESTS = (
    b"POST /v2/a/b/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nX-Request-Id: run-7.1\r\nContent-Length: 0\r\n\r\n",
    (
        b"PATCH /up/1?s=2 HTTP/1.1\r\nHost: x\r\nX-Request-Id: run-7.2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\n\r\n"
    ),
    b"PUT /v2/a/b/manifests/t HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
)
STEPS = [(Step.START_UPLOAD, "run-7.1"), (Step.PATCH_UPLOAD, "run-7.2"), (Step.PUT_MANIFEST, "")]


@pytest.mark.parametrize(
    ("method", "target", "step"),
    [
        ("GET", "/v2/", Step.PING),
        ("POST", "/v2/a/blobs/uploads/", Step.START_UPLOAD),
        ("POST", "/p/v2/a/blobs/uploads/?digest=sha256:1", Step.POST_BLOB),
        ("POST", "/v2/a/blobs/uploads/?mount=sha256:1&from=b", Step.MOUNT_BLOB),
        ("PATCH", "/anywhere/1?state=x", Step.PATCH_UPLOAD),
        ("PUT", "/v2/a/blobs/uploads/1?digest=sha256:1", Step.FINISH_UPLOAD),
        ("PUT", "/anywhere/1?digest=sha256:1", Step.FINISH_UPLOAD),
        ("GET", "/v2/a/blobs/uploads/1", Step.GET_UPLOAD),
        ("DELETE", "/v2/a/blobs/uploads/1", Step.CANCEL_UPLOAD),
        ("GET", "/v2/a/blobs/sha256:1", Step.GET_BLOB),
        ("HEAD", "/v2/a/blobs/sha256:1", Step.HEAD_BLOB),
        ("DELETE", "/v2/a/blobs/sha256:1", Step.DELETE_BLOB),
        ("PUT", "/v2/a/manifests/t", Step.PUT_MANIFEST),
        ("DELETE", "/v2/a/manifests/t", Step.DELETE_MANIFEST),
        ("GET", "/v2/a/tags/list?n=3", Step.LIST_TAGS),
        ("GET", "/v2/a/referrers/sha256:1", Step.LIST_REFERRERS),
        ("GET", "/api/registry/health", Step.OTHER),
        ("OPTIONS", "*", Step.OTHER),
    ],
)
def test_steps(method: str, target: str, step: Step) -> None:
    assert step_of(method, target) is step


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_heads_are_found_in_whatever_pieces(sizes: list[int]) -> None:
    reader, heads, handed_on = RequestReader(), [], b""
    for request in REQUESTS:
        position, turn = 0, 0
        while position < len(request):
            size = sizes[turn % len(sizes)]
            head, data = reader.feed(request[position : position + size])
            position, turn = position + size, turn + 1
            handed_on += data
            heads += [head] if head is not None else []
            assert not reader.is_between or position >= len(request)
        assert reader.is_between
    assert handed_on == b"".join(REQUESTS)
    assert [(head.step, head.request_id) for head in heads] == STEPS
    assert heads[2] == Head(Step.PUT_MANIFEST, "", len(REQUESTS[2]) - 4, "PUT")


def test_what_is_not_http_passes() -> None:
    reader = RequestReader()
    assert reader.feed(b"\x16\x03\x01 not http") == (None, b"\x16\x03\x01 not http")
    assert reader.feed(b"more") == (None, b"more")


@pytest.mark.parametrize(
    ("request_id", "index"), [("20260102t030405z-a1b2c3-41.2", 41), ("x", None), ("", None), ("a-b.1", None)]
)
def test_a_request_names_its_operation(request_id: str, index: int | None) -> None:
    assert operation_of(request_id) == index
