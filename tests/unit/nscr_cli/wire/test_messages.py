"""Requests are written byte for byte, and cannot be made to hold another one."""

import pytest

from nscr_cli.wire.messages import Failure, Request, Stage, Trouble
from nscr_cli.wire.sinks import Sink


def test_head_is_exact() -> None:
    request = Request(method="PUT", target="/v2/a?b=c", headers=(("Host", "h:1"), ("x-CASE", " kept ")))
    assert request.head() == b"PUT /v2/a?b=c HTTP/1.1\r\nHost: h:1\r\nx-CASE:  kept \r\n\r\n"


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/a\x00", "/a\x7f"])
def test_a_target_cannot_forge_a_line(target: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        Request(method="GET", target=target, headers=()).head()


@pytest.mark.parametrize("header", [("X", "a\r\nY: b"), ("X", "a\nb"), ("X Y", "a"), ("X\r\nY", "a")])
def test_a_header_cannot_forge_a_line(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="control character"):
        Request(method="GET", target="/", headers=(header,)).head()


def test_body_as_it_is() -> None:
    request = Request(method="PUT", target="/", headers=(), body=(b"ab", b"", b"c"))
    assert b"".join(request.pieces()) == b"abc"


def test_body_as_chunks_never_ends_early() -> None:
    request = Request(method="PATCH", target="/", headers=(), body=(b"ab", b"", b"c" * 16), chunked=True)
    assert b"".join(request.pieces()) == b"2\r\nab\r\n10\r\n" + b"c" * 16 + b"\r\n0\r\n\r\n"


def test_failure_in_words() -> None:
    failure = Failure(trouble=Trouble.CLOSED, stage=Stage.FIRST_BYTE, detail="the stream ended")
    assert str(failure) == "connection closed while waiting for the answer: the stream ended"


def test_sink_hashes_all_and_keeps_some() -> None:
    sink = Sink(keep=4)
    for piece in (b"abc", b"def"):
        sink.write(piece)
    assert (bytes(sink.kept), sink.length, sink.is_whole) == (b"abcd", 6, False)
    assert sink.digest == "sha256:bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
    other = Sink(algorithm="sha512")
    assert other.is_whole
    assert other.digest.startswith("sha512:cf83e1357eefb8bd")
