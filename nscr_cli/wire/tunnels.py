"""Dialers that lead through an HTTP proxy.

A proxy that refuses a tunnel is told as what it answered: whose fault it is must show. Follows RFC 9110, section 9.3.6.
"""

import trio

from nscr_cli.wire.dialing import CountedStream, TcpDialer
from nscr_cli.wire.messages import Headers, Request

_MOST_HEAD = 64 * 1024


class FixedDialer:
    """Plain TCP to one place, whatever was asked for: requests in absolute form tell the proxy there where to go."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def dial(self, host: str, port: int) -> CountedStream:
        """See `Dialer.dial`."""
        try:
            return await TcpDialer().dial(self._host, self._port)
        except OSError as error:
            raise OSError(f"the proxy {self._host}:{self._port} does not answer: {error}") from None


class TunnelDialer:
    """A tunnel that the proxy at the end of another dialer opens.

    Args:
        headers: what the proxy is told besides.
    """

    def __init__(self, below: FixedDialer, headers: Headers) -> None:
        self._below = below
        self._headers = headers

    async def dial(self, host: str, port: int) -> CountedStream:
        """See `Dialer.dial`. What the stream says was sent counts from the tunnel's beginning."""
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        request = Request(method="CONNECT", target=authority, headers=(("Host", authority), *self._headers))
        stream = await self._below.dial(host, port)
        try:
            await stream.send_all(request.head())
            status = _status_of(await _head(stream))
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        if not 200 <= status < 300:
            await trio.aclose_forcefully(stream)
            raise OSError(f"the proxy answers {status} to CONNECT {authority}")
        return stream


async def _head(stream: CountedStream) -> bytes:
    """The head of an answer, byte by byte: what follows it belongs to whoever uses the tunnel."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        piece = await stream.receive_some(1)
        if not piece or len(head) > _MOST_HEAD:
            raise OSError(f"the proxy answers no HTTP to CONNECT, but {bytes(head[:40])!r}")
        head += piece
    return bytes(head)


def _status_of(head: bytes) -> int:
    version, _, rest = head.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise OSError(f"the proxy answers no HTTP to CONNECT, but {head[:40]!r}")
    return int(status)
