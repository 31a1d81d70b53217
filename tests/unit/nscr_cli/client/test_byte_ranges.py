"""Bodies of several parts, taken apart; and those that cannot be."""

import hashlib

import pytest

from nscr_cli.client.byte_ranges import parts_of
from nscr_cli.history.ops import Slice

KIND = 'multipart/byteranges; boundary="b"'


def part(head: str, body: bytes) -> bytes:
    return f"--b\r\n{head}\r\n\r\n".encode() + body + b"\r\n"


def slice_of(first: int, body: bytes) -> Slice:
    return Slice(first, first + len(body) - 1, f"sha256:{hashlib.sha256(body).hexdigest()}")


def test_each_part_is_cut_out_by_its_own_length_whatever_its_bytes_look_like() -> None:
    tricky = b"\r\n--b--\r\n"
    body = part("Content-Type: x\r\nCONTENT-RANGE: bytes 4-12/20", tricky) + part("Content-Range: bytes 0-1/20", b"ab")
    assert parts_of(KIND, b"preamble\r\n" + body + b"--b--\r\n") == (slice_of(4, tricky), slice_of(0, b"ab"))


@pytest.mark.parametrize("kind", [None, "", "application/octet-stream", "multipart/mixed; boundary=b"])
def test_another_body_has_no_parts(kind: str | None) -> None:
    assert parts_of(kind, b"--b--") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        part("Content-Range: bytes 0-1/9", b"ab"),
        part("Content-Range: bytes 0-2/9", b"ab") + b"--b--",
        part("Content-Range: bytes */9", b"") + b"--b--",
        part("Content-Type: x", b"ab") + b"--b--",
        b"--b\r\nContent-Range: bytes 0-1/9\r\n",
    ],
)
def test_one_that_is_broken_has_none_that_can_be_told(body: bytes) -> None:
    assert parts_of(KIND, body) == ()
    assert parts_of("multipart/byteranges", body) == ()
