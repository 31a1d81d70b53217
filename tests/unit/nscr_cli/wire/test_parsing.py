"""Responses as bytes: what is complete, what is cut, what is malformed, and what may follow on the connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.wire.parsing import HEAD_LIMIT, MalformedResponse, ResponseReader
from nscr_cli.wire.sinks import Sink


def read(data: bytes, *, method: str = "GET", end: bool = False) -> tuple[ResponseReader, bytes]:
    sink = Sink(keep=1 << 20)
    reader = ResponseReader(method, sink)
    reader.feed(data)
    if end:
        reader.feed_end()
    return reader, bytes(sink.kept)


def test_content_length() -> None:
    reader, body = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello")
    assert reader.response is not None
    assert (reader.response.status, reader.response.reason, body) == (200, "OK", b"hello")
    assert reader.response.headers == (("Content-Length", "5"), ("X-A", "1"), ("x-a", "2"))
    assert reader.response.header("X-a") == "1"
    assert reader.response.content_length == 5
    assert reader.can_continue


def test_chunks() -> None:
    reader, body = read(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: 1\r\n\r\n"
    )
    assert body == b"hello world"
    assert reader.can_continue


@given(st.integers(0, 90))
def test_pieces_make_no_difference(cut: int) -> None:
    whole = b"HTTP/1.1 201 Created\r\nLocation: /v2/a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    sink = Sink(keep=100)
    reader = ResponseReader("PUT", sink)
    reader.feed(whole[:cut])
    reader.feed(whole[cut:])
    assert reader.can_continue
    assert bytes(sink.kept) == b"abc"
    assert reader.response is not None
    assert reader.response.header("location") == "/v2/a"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 404 Not Found\r\n\r\n"),
        ("PUT", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_answers_without_a_body_are_complete_at_once(method: str, answer: bytes) -> None:
    reader, body = read(answer, method=method)
    assert reader.can_continue
    assert body == b""


def test_interim_answers_are_passed_over() -> None:
    reader, body = read(
        b"HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    assert reader.response is not None
    assert reader.response.headers == (("Content-Length", "2"),)
    assert (reader.response.status, reader.response.reason, body) == (200, "OK", b"ok")


def test_interim_then_head() -> None:
    reader, _ = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", method="HEAD")
    assert reader.can_continue


def test_the_end_of_the_stream_ends_an_unframed_body() -> None:
    reader, body = read(b"HTTP/1.1 200 OK\r\n\r\nhello", end=True)
    assert reader.is_complete
    assert not reader.can_continue
    assert body == b"hello"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_the_end_of_the_stream_anywhere_else_is_a_truncation(answer: bytes) -> None:
    reader, _ = read(answer, end=True)
    assert not reader.is_complete


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (HEAD_LIMIT + 1),
    ],
)
def test_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedResponse):
        read(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok surplus",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok surplus",
    ],
)
def test_complete_answers_after_which_the_connection_is_not_used_again(answer: bytes) -> None:
    reader, body = read(answer)
    assert reader.is_complete
    assert body == b"ok"
    assert not reader.can_continue


def test_a_body_after_the_answer_to_head_is_surplus() -> None:
    reader, body = read(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", method="HEAD")
    assert reader.is_complete
    assert body == b""
    assert not reader.can_continue


def test_http_1_0_may_keep_alive() -> None:
    reader, _ = read(b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n")
    assert reader.can_continue
