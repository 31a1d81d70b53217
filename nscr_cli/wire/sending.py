"""The way of one request into a stream, with the account of how much of it left.

The count is exact on a TCP socket. Elsewhere it is an upper bound: bytes that may have left count as sent, because
`nothing was sent` must never be said of a request that a registry may act on.
"""

import itertools
from collections.abc import Iterable

import trio

from nscr_cli.wire.dialing import reason_of, socket_below
from nscr_cli.wire.messages import Request, Sent, Stage
from nscr_cli.wire.watchdog import Watchdog

# A request up to this size goes in one piece before the answer is awaited: any socket buffer takes it.
SMALL = 16 * 1024


class Sending:
    """Sends one request.

    Attributes:
        is_small: sending it cannot block for long, so nothing needs to listen meanwhile.
        is_whole: every byte was taken by the stream.
        broken: why sending ended early, where it did.

    Raises:
        ValueError: the request cannot be written.
    """

    def __init__(self, stream: trio.abc.Stream, request: Request) -> None:
        self._stream = stream
        self._socket = socket_below(stream)
        head = request.head()
        self._head_size = len(head)
        self._left = 0
        self.is_whole = False
        self.broken: str | None = None
        gathered, size = [head], len(head)
        pieces = iter(request.pieces())
        for piece in pieces:
            gathered.append(piece)
            size += len(piece)
            if size > SMALL:
                self.is_small = False
                self._outgoing: Iterable[bytes] = itertools.chain(gathered, pieces)
                break
        else:
            self.is_small = True
            self._outgoing = (b"".join(gathered),)

    async def run(self, watchdog: Watchdog) -> None:
        """Send until all is out or the stream breaks; a broken stream is noted, not raised: an answer may be there."""
        try:
            for piece in self._outgoing:
                await self._send(piece)
                if not self.is_small:
                    watchdog.progress(Stage.SEND)
            self.is_whole = True
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.broken = reason_of(error)
        watchdog.progress(Stage.FIRST_BYTE)

    def sent(self) -> Sent:
        """How much has left so far."""
        head = min(self._left, self._head_size)
        return Sent(head=head, body=self._left - head, whole=self.is_whole)

    async def _send(self, piece: bytes) -> None:
        before = 0 if self._socket is None else self._socket.bytes_sent
        is_out = False
        try:
            await self._stream.send_all(piece)
            is_out = True
        finally:
            self._left += len(piece) if is_out else self._may_have_left(len(piece), before)

    def _may_have_left(self, size: int, before: int) -> int:
        if self._socket is None:
            return size
        moved = self._socket.bytes_sent - before
        if self._stream is self._socket:
            return moved
        return size if moved else 0
