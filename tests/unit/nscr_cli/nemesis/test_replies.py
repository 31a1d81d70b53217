"""Replies of the proxy's own, and replies altered, in whatever pieces they come."""

import json

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.nemesis.replies import Alteration, Altering, Answer, DamagedBody, MovedRange, ShortBody

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nDocker-Content-Digest: sha256:1\r\n\r\n0123456789"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class Parsed:
    """What a client makes of a reply."""

    def __init__(self, data: bytes) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.is_whole = False
        self.parser = httptools.HttpResponseParser(self)
        self.parser.feed_data(data)
        self.status = self.parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_whole = True


def altered(alteration: Alteration, data: bytes, size: int = 1 << 20) -> tuple[bytes, Altering]:
    altering = Altering(alteration)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(altering.feed(piece) for piece in pieces), altering


def test_an_answer_is_what_a_registry_would_say() -> None:
    reply = Parsed(Answer(status=429, headers=(("Retry-After", "3"),)).reply("GET"))
    assert (reply.status, reply.is_whole, reply.headers["retry-after"]) == (429, True, "3")
    assert json.loads(reply.body)["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert Parsed(Answer(status=401).reply("PUT")).headers["www-authenticate"].startswith("Basic ")
    bearer = Answer(status=401, headers=(("WWW-Authenticate", "Bearer realm=x"),)).reply("PUT")
    assert Parsed(bearer).headers["www-authenticate"] == "Bearer realm=x"
    assert Answer(status=503).reply("HEAD").endswith(b"\r\n\r\n")


@given(size=st.integers(1, 80), is_continued=st.booleans())
def test_half_of_a_body_and_its_length_agree(size: int, is_continued: bool) -> None:
    data, altering = altered(ShortBody(), INTERIM * is_continued + WHOLE, size)
    reply = Parsed(data.removeprefix(INTERIM))
    assert (reply.status, reply.is_whole, reply.body, reply.headers["content-length"]) == (200, True, b"01234", "5")
    assert reply.headers["docker-content-digest"] == "sha256:1"
    assert (altering.has_struck, altering.is_over) == (True, True)
    assert altering.feed(b"more") == b""


@given(size=st.integers(1, 80))
def test_one_byte_of_a_body_is_another(size: int) -> None:
    data, altering = altered(DamagedBody(), WHOLE, size)
    assert data == WHOLE.replace(b"\n0123", b"\n1123")
    assert (altering.has_struck, altering.is_over) == (True, False)


@pytest.mark.parametrize(
    ("header", "moved"),
    [
        (b"Range: 0-499", b"Range: 0-498"),
        (b"range:0-0", b"range:0-0"),
        (b"Content-Range: bytes 5-9/20", b"Content-Range: bytes 4-8/20"),
        (b"Content-Range: bytes 0-9/20", b"Content-Range: bytes 1-10/20"),
        (b"Content-Range: bytes */20", b"Content-Range: bytes */20"),
        (b"Accept-Ranges: bytes", b"Accept-Ranges: bytes"),
    ],
)
def test_ranges_are_one_byte_off(header: bytes, moved: bytes) -> None:
    reply = b"HTTP/1.1 206 Partial Content\r\n%b\r\nContent-Length: 12\r\n\r\nRange: 5-9\r\n"
    for size in (1, 7, 1000):
        data, altering = altered(MovedRange(), reply % header, size)
        assert data == reply % moved
        assert altering.has_struck == (header != moved)


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 304 Not Modified\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
)
@pytest.mark.parametrize("alteration", [ShortBody(), DamagedBody()])
def test_nothing_is_struck_where_there_is_no_body(alteration: Alteration, reply: bytes) -> None:
    data, altering = altered(alteration, reply)
    assert (data, altering.has_struck, altering.is_over) == (reply, False, False)
