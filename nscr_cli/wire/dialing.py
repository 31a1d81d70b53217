"""Dialers: from host and port to a connected trio stream.

The seam between HTTP and the network: TCP, TLS above it, memory streams in tests and simulations. `CountedStream` knows
how many bytes the operating system took, so that a request of which nothing left can be told from one that may have
arrived.
"""

import socket
import ssl
import struct
from typing import Protocol

import trio


class Dialer(Protocol):
    """Opens streams."""

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        """A connected stream, past any handshake.

        Raises:
            OSError: no connection.
            trio.BrokenResourceError: the handshake failed.
        """
        ...


class CountedStream(trio.abc.HalfCloseableStream):
    """A TCP socket that counts what left, and that can be asked whether it is still quiet.

    Attributes:
        bytes_sent: bytes that the operating system has taken from us.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self.bytes_sent = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As the protocol says; `bytes_sent` is exact after any failure, cancellation included."""
        below = self._stream.socket
        if not data:
            await trio.lowlevel.checkpoint()
        with memoryview(data) as rest:
            position = 0
            while position < len(rest):
                try:
                    with rest[position:] as unsent:
                        taken = await below.send(unsent)
                except OSError as error:
                    raise trio.BrokenResourceError(f"send failed: {error}") from error
                position += taken
                self.bytes_sent += taken

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket takes bytes."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Bytes as they come; empty at the end."""
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """End our side of the stream; the other side can still be read."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close at once."""
        await self._stream.aclose()

    def reset_on_close(self) -> None:
        """Closing it will send a reset, and drop what was not sent yet."""
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def is_quiet(self) -> bool:
        """Nothing to read: neither bytes, nor the end of the stream, nor a reset."""
        return not self._stream.socket.is_readable()


class TcpDialer:
    """Plain TCP."""

    async def dial(self, host: str, port: int) -> CountedStream:
        """See `Dialer.dial`."""
        return CountedStream(await trio.open_tcp_stream(host, port))


class TlsDialer:
    """TLS above another dialer's stream; the certificate is checked as the context says."""

    def __init__(self, context: ssl.SSLContext, below: Dialer) -> None:
        self._context = context
        self._below = below

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        """See `Dialer.dial`."""
        stream = trio.SSLStream(
            await self._below.dial(host, port), self._context, server_hostname=host, https_compatible=True
        )
        try:
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream


def socket_below(stream: trio.abc.Stream) -> CountedStream | None:
    """The counted socket that a stream stands on, if it stands on one."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream if isinstance(stream, CountedStream) else None


def reason_of(error: BaseException) -> str:
    """What the operating system or the TLS library said, below the wrappings."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif error.__cause__ is not None:
            error = error.__cause__
        elif not str(error) and error.__context__ is not None:
            error = error.__context__
        else:
            return str(error) or type(error).__name__
