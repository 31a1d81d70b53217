"""The way of one request into a stream, with the account of how much of it left.

The count is exact on a TCP socket. Elsewhere it is an upper bound: bytes that may have left count as sent, because
`nothing was sent` must never be said of a request that a registry may act on.
"""

import itertools
from collections.abc import Iterable, Iterator

import trio

from nscr_cli.wire.dialing import reason_of, socket_below
from nscr_cli.wire.manner import PLAIN, Farewell
from nscr_cli.wire.messages import Request, Sent, Stage
from nscr_cli.wire.watchdog import Watchdog

# A request up to this size goes in one piece before the answer is awaited: any socket buffer takes it.
SMALL = 16 * 1024


class Sending:
    """Sends one request.

    Attributes:
        is_small: sending it cannot block for long, so nothing needs to listen meanwhile.
        is_whole: every byte of the request was taken by the stream.
        broken: why sending ended early, where it did.

    Raises:
        ValueError: the request cannot be written, or not in this manner.
    """

    def __init__(self, stream: trio.abc.Stream, request: Request) -> None:
        self._stream = stream
        self._socket = socket_below(stream)
        self._manner = request.manner
        is_halved = self._manner is not PLAIN and self._manner.farewell is Farewell.HALF_CLOSE
        if is_halved and not isinstance(stream, trio.abc.HalfCloseableStream):
            raise ValueError("one side of this connection alone cannot be ended: TLS does not tell")
        head = request.head()
        self._head_size = len(head)
        self._left = 0
        self.is_whole = False
        self.broken: str | None = None
        self._answer: trio.Event | None = None
        self._is_answered = False
        if self._manner is not PLAIN:
            self.is_small = False
            self._answer = trio.Event()
            self._outgoing: Iterable[bytes] = _sliced(
                itertools.chain(
                    _cut((head,), self._manner.cut_head),
                    _cut(request.pieces(), self._manner.cut_body if self._manner.cut_head is None else 0),
                ),
                self._manner.piece,
            )
            return
        if not request.body and not request.chunked:
            self.is_small = True
            self._outgoing = (head,)
            return
        gathered, size = [head], len(head)
        pieces = iter(request.pieces())
        for piece in pieces:
            gathered.append(piece)
            size += len(piece)
            if size > SMALL:
                self.is_small = False
                self._outgoing = itertools.chain(gathered, pieces)
                break
        else:
            self.is_small = True
            self._outgoing = (b"".join(gathered),)

    def is_over_at_once(self) -> bool:
        """Send a small request without waiting, as far as that goes; where it is not over by that, `run` goes on."""
        if self._socket is None or self._socket is not self._stream:
            return False
        (whole,) = self._outgoing
        try:
            self._left = self._socket.send_nowait(whole)
        except trio.BrokenResourceError as error:
            self.broken = reason_of(error)
            return True
        self.is_whole = self._left == len(whole)
        self._outgoing = (whole[self._left :],)
        return self.is_whole

    async def run(self, watchdog: Watchdog) -> None:
        """Send until all is out or the stream breaks; a broken stream is noted, not raised: an answer may be there."""
        try:
            if await self._send_all(watchdog):
                self.is_whole = not self._manner.is_cut
                await self._take_leave()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.broken = reason_of(error)
        watchdog.progress(Stage.FIRST_BYTE)

    def heard(self, *, is_final: bool) -> None:
        """Told by who reads: an interim answer came, or the head of the final one."""
        self._is_answered = self._is_answered or is_final
        if self._answer is not None:
            self._answer.set()

    def sent(self) -> Sent:
        """How much has left so far."""
        head = min(self._left, self._head_size)
        return Sent(head=head, body=self._left - head, whole=self.is_whole)

    async def _send_all(self, watchdog: Watchdog) -> bool:
        """Send what is to go out; False where a final answer came in place of leave to send the body."""
        for piece in self._outgoing:
            if self._answer is None:
                await self._send(piece)
                if not self.is_small:
                    watchdog.progress(Stage.SEND)
                continue
            if self._manner.pause_s and self._left:
                watchdog.progress(Stage.SEND, more_s=self._manner.pause_s)
                await trio.sleep(self._manner.pause_s)
            if self._manner.continue_s is not None and self._left == self._head_size:
                watchdog.progress(Stage.SEND, more_s=self._manner.continue_s)
                with trio.move_on_after(self._manner.continue_s):
                    await self._answer.wait()
                if self._is_answered:
                    return False
            await self._send(piece)
            watchdog.progress(Stage.SEND)
        return True

    async def _take_leave(self) -> None:
        match self._manner.farewell:
            case Farewell.HALF_CLOSE if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            case Farewell.RESET if self._socket is not None:
                self._socket.reset_on_close()

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


def _cut(pieces: Iterable[bytes], most: int | None) -> Iterator[bytes]:
    """The first `most` bytes of the pieces."""
    for piece in pieces:
        if most is None:
            yield piece
            continue
        if most <= 0:
            return
        yield piece[:most]
        most -= len(piece)


def _sliced(pieces: Iterable[bytes], size: int | None) -> Iterator[bytes]:
    for piece in pieces:
        if size is None:
            yield piece
        else:
            yield from (piece[start : start + size] for start in range(0, len(piece), size))
