"""Polls over loopback, plain and with TLS under a private authority, and the registry client over the same."""

import ssl
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from nscr_cli.client.admission import check_admission
from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.monitoring.polling import retry_after_of
from nscr_cli.client.target import Credentials, Target, parse_target
from nscr_cli.errors import TargetRefused, TargetUnreachable

ANN = Credentials("ann", "s3cret")


async def answering(answer: bytes, seen: list[bytes], stream: trio.abc.Stream) -> None:
    try:
        while data := await stream.receive_some():
            seen.append(bytes(data))
            await stream.send_all(answer)
    except trio.BrokenResourceError:
        pass  # a client that does not trust the certificate hangs up


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(
    answer: bytes,
    question: Callable[[Target], Awaitable[object]],
    *,
    context: ssl.SSLContext | None = None,
    **options: object,
) -> tuple[object, list[bytes]]:
    """What a question to a one-answer server brings, and the requests that the server saw."""
    seen: list[bytes] = []

    async def main() -> object:
        async with trio.open_nursery() as nursery:
            serve = partial(answering, answer, seen)
            if context is None:
                start = partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
            else:
                start = partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1")
            (listener,) = await nursery.start(start)
            transport = listener.transport_listener if context is not None else listener
            port = transport.socket.getsockname()[1]
            scheme = "http" if context is None else "https"
            target, _ = parse_target(f"{scheme}://127.0.0.1:{port}", **options)  # type: ignore[arg-type]
            try:
                return await question(target)
            except (TargetRefused, TargetUnreachable) as error:
                return error
            finally:
                nursery.cancel_scope.cancel()

    return trio.run(main), seen


def polling(
    path: str = "/api/registry/state", credentials: Credentials | None = None, etag: str | None = None
) -> Callable[[Target], Awaitable]:
    async def poll(target: Target) -> object:
        async with Monitoring(target, credentials) as monitoring:
            return await monitoring.poll(path, etag=etag)

    return poll


def getting(credentials: Credentials | None = None) -> Callable[[Target], Awaitable]:
    async def get(target: Target) -> object:
        async with Monitoring(target, credentials) as monitoring:
            return await monitoring.get("/api/registry/health")

    return get


def test_poll() -> None:
    poll, seen = ask(reply("200 OK", b"{}"), polling(credentials=ANN))
    assert (poll.status, poll.body, poll.error, poll.path) == (200, b"{}", None, "/api/registry/state")
    assert poll.end_s >= poll.start_s
    assert b"authorization: basic yw5uonmzy3jlda==" in seen[0].lower()
    assert b"user-agent: nscr/" in seen[0].lower()


def test_an_entity_tag_is_offered_and_the_new_one_is_told() -> None:
    poll, seen = ask(reply("304 Not Modified", b"", 'ETag: W/"2"'), polling(etag='W/"1"'))
    assert (poll.status, poll.body, poll.etag) == (304, b"", 'W/"2"')
    assert b'if-none-match: w/"1"' in seen[0].lower()
    assert b"if-none-match" not in ask(reply("200 OK"), polling())[1][0].lower()


@pytest.mark.parametrize("forged", ['"a b"', "unquoted", '"\xff"', '"' + "x" * 2000 + '"', '"a", "b"'])
def test_an_entity_tag_that_cannot_be_sent_back_is_none(forged: str) -> None:
    answer = reply("200 OK", b"{}").replace(b"\r\n\r\n", b"\r\nETag: " + forged.encode("latin-1") + b"\r\n\r\n", 1)
    poll, _ = ask(answer, polling())
    assert (poll.status, poll.etag) == (200, None)


@pytest.mark.parametrize(
    ("retry_after", "date", "seconds"),
    [
        ("7", None, 7),
        ("Thu, 26 Nov 2026 20:00:30 GMT", "Thu, 26 Nov 2026 20:00:00 GMT", 30),
        ("Thu, 26 Nov 2026 19:00:00 GMT", "Thu, 26 Nov 2026 20:00:00 GMT", 0),
        ("Thu, 26 Nov 2026 20:00:30 GMT", None, None),
        ("soon", "Thu, 26 Nov 2026 20:00:00 GMT", None),
        ("Thu, 26 Nov 2026 20:00:30 GMT", "Thu, 26 Nov 2026 20:00:00", None),
        (None, None, None),
    ],
)
def test_retry_after(retry_after: str | None, date: str | None, seconds: float | None) -> None:
    assert retry_after_of(retry_after, date) == seconds


def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    connections: list[int] = []

    async def serve(stream: trio.SocketStream) -> None:
        connections.append(0)
        await stream.receive_some()
        if len(connections) < 3:
            await stream.send_all(reply("200 OK", b"once"))
            await stream.receive_some()
        await stream.aclose()

    async def main() -> list[object]:
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            target, _ = parse_target(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
            async with Monitoring(target) as monitoring:
                polls = [await monitoring.poll("/") for _ in range(3)]
            nursery.cancel_scope.cancel()
        return [poll.body or "RemoteProtocolError" in (poll.error or "") for poll in polls]

    # The third crosses the end of the second connection, and is not answered on a new one.
    assert trio.run(main) == [b"once", b"once", True]
    assert len(connections) == 3


def test_redirects_are_not_followed() -> None:
    poll, seen = ask(reply("302 Found", b"", "Location: http://evil.example/"), polling(credentials=ANN))
    assert (poll.status, len(seen)) == (302, 1)


def test_no_answer_is_told_not_raised() -> None:
    poll, _ = ask(b"garbage\r\n\r\n", polling())
    assert poll.status is None
    assert "RemoteProtocolError" in poll.error


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (reply("401 Unauthorized", b"", "WWW-Authenticate: Basic"), TargetRefused, "(status 401)"),
        (reply("404 Not Found"), TargetRefused, "answers 404"),
        (b"garbage\r\n\r\n", TargetUnreachable, "does not answer"),
    ],
)
def test_get(answer: bytes, error: type[Exception], said: str) -> None:
    assert ask(reply("200 OK", b"body"), getting())[0] == b"body"
    raised, _ = ask(answer, getting())
    assert isinstance(raised, error)
    assert said in raised.message


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (reply("401 Unauthorized", b"", "WWW-Authenticate: Bearer realm=x"), TargetRefused, "Bearer"),
        (reply("200 OK", b"{}"), None, ""),
        (reply("301 Moved Permanently"), TargetRefused, "answers 301 to GET /v2/"),
        (b"SSH-2.0-OpenSSH\r\n", TargetUnreachable, "malformed answer"),
    ],
)
def test_ping(answer: bytes, error: type[Exception] | None, said: str) -> None:
    raised, _ = ask(answer, lambda target: check_admission(target, None))
    assert type(raised) is (error or type(None))
    assert said in getattr(raised, "message", "")


def test_who_serves_nobody_for_a_moment_is_greeted_again() -> None:
    answers = [reply("503 Service Unavailable", b"", "Retry-After: 0"), reply("200 OK", b"{}")]

    async def serve(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            await stream.send_all(answers.pop(0))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            target, _ = parse_target(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
            await check_admission(target, None)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert answers == []


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context, and the certificate that vouches for it."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.mark.needs("openssl")
def test_tls(authority: tuple[ssl.SSLContext, Path]) -> None:
    context, certificate = authority
    answer = reply("200 OK", b"{}")

    async def ping_twice(target: Target) -> None:
        await check_admission(target, None)
        await check_admission(target, ANN)

    for options in ({"ca_cert": certificate}, {"is_verified": False}):
        poll, _ = ask(answer, polling(), context=context, **options)
        assert poll.status == 200
        nothing, seen = ask(answer, ping_twice, context=context, **options)
        assert (nothing, len(seen)) == (None, 2)
    poll, _ = ask(answer, polling(), context=context)
    assert "certificate verify failed" in poll.error
    refused, seen = ask(answer, lambda target: check_admission(target, ANN), context=context)
    assert "certificate verify failed" in refused.message
    assert seen == []
