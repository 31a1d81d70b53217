"""Dialers: from host and port to a connected trio stream.

The seam between HTTP and the network: TCP, TLS above it, memory streams in tests and simulations. `CountedStream` knows
how many bytes the operating system took, so that a request of which nothing left can be told from one that may have
arrived.
"""

import select
import socket
import ssl
import struct
import sys
from typing import Protocol

import trio

RECEIVE_SIZE = 128 * 1024
_TCP_CLOSE = 7  # the state of a socket after a reset (Linux, include/net/tcp_states.h)


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

    It takes the socket of `stream` over, to reach it without a scheduler's turn for every call.

    Attributes:
        bytes_sent: bytes that the operating system has taken from us.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._socket = socket.socket(fileno=stream.socket.detach())
        self._socket.setblocking(False)
        self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self.bytes_sent = 0

    def send_nowait(self, data: bytes) -> int:
        """Give to the operating system what it takes at once, and say how many bytes that were.

        Raises:
            trio.BrokenResourceError: the connection is gone.
        """
        try:
            taken = self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError(f"send failed: {error}") from error
        self.bytes_sent += taken
        return taken

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
        while self._socket.fileno() >= 0:
            # To try first would be in vain: who asks for an answer has only just sent the question.
            try:
                await trio.lowlevel.wait_readable(self._socket)
                return self._socket.recv(RECEIVE_SIZE if max_bytes is None else max_bytes)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError(f"receive failed: {error}") from error
        raise trio.ClosedResourceError("the socket was closed")

    async def send_eof(self) -> None:
        """End our side of the stream; the other side can still be read."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close at once."""
        await self._stream.aclose()

    def wake_reader(self) -> None:
        """Whoever waits for bytes has a ClosedResourceError instead; the socket stays open."""
        trio.lowlevel.notify_closing(self._socket)

    def reset_on_close(self) -> None:
        """Closing it will send a reset, and drop what was not sent yet."""
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def is_unread(self) -> bool:
        """The other side had closed the socket before it read all that was sent: its system answered with a reset.

        Where it had read everything, the end of the stream comes without one. False where the system does not tell.
        """
        if sys.platform != "linux" or self._socket.fileno() < 0:
            return False
        return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE

    def is_quiet(self) -> bool:
        """Nothing to read: neither bytes, nor the end of the stream, nor a reset."""
        return not self._poll.poll(0)


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
