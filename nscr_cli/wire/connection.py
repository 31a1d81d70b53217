"""One HTTP/1.1 connection: sends a request, reads its answer, tells exactly what became of both.

Never a retry. A large body is sent while the answer is already awaited, so that an early refusal is heard. Any failure,
and any cancellation, closes the connection: what is left of an abandoned answer must never meet the next request.
Follows RFC 9112, sections 9.3 to 9.6: who has answered may close the connection at any time, and the next request may
cross that. Then it was never read, which the failure tells.
"""

import trio

from nscr_cli.wire.dialing import RECEIVE_SIZE, CountedStream, reason_of, socket_below
from nscr_cli.wire.manner import Farewell, Manner
from nscr_cli.wire.messages import PARTLY_UNREAD, UNREAD, Exchange, Failure, Request, Stage, Trouble
from nscr_cli.wire.parsing import MalformedResponse, ResponseReader
from nscr_cli.wire.patrol import Vigil, patrol
from nscr_cli.wire.sending import Sending
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts, Watchdog


class Connection:
    """A connected stream that serves one exchange after another."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._socket = socket_below(stream)
        self._patrol = patrol()
        self._is_open = True
        self._has_served = False

    def is_usable(self) -> bool:
        """Open and quiet: a registry that closed the idle connection, or spoke unasked, is noticed before sending."""
        return self._is_open and (self._socket is None or self._socket.is_quiet())

    async def aclose(self) -> None:
        """Close at once, without farewell."""
        self._is_open = False
        await trio.aclose_forcefully(self._stream)

    async def exchange(self, request: Request, sink: Sink, time_outs: TimeOuts) -> Exchange:
        """Send one request and read its answer; the body goes to `sink`.

        Raises:
            ValueError: the request cannot be written, or not in its manner; nothing was sent.
        """
        sending = Sending(self._stream, request)
        reader = ResponseReader(request.method, sink)
        failure: Failure | None = None
        is_done = False
        try:
            if self._socket is not None and sending.is_small and sending.is_over_at_once():
                failure = await self._read_on_patrol(reader, sending, time_outs, self._socket)
            else:
                failure = await self._send_and_read(reader, sending, time_outs, request.manner)
            is_done = True
        finally:
            reader.release()
            may_follow = sending.is_whole and reader.can_continue and not request.is_last
            self._has_served = True
            if not (is_done and failure is None and may_follow) or request.manner.farewell is not Farewell.NOTHING:
                await self.aclose()
        return Exchange(sent=sending.sent(), response=reader.response, failure=failure, interim=reader.interim)

    async def _read_on_patrol(
        self, reader: ResponseReader, sending: Sending, time_outs: TimeOuts, socket: CountedStream
    ) -> Failure | None:
        vigil = self._patrol.watch(time_outs, socket)
        try:
            failure = await self._read(reader, sending, vigil)
        finally:
            self._patrol.release(vigil)
        return vigil.failure() if failure is not None and vigil.is_overdue else failure

    async def _send_and_read(
        self, reader: ResponseReader, sending: Sending, time_outs: TimeOuts, manner: Manner
    ) -> Failure | None:
        watchdog = Watchdog(time_outs)
        failure: Failure | None = None
        with watchdog.scope:
            if sending.is_small:
                await sending.run(watchdog)
                failure = await self._read(reader, sending, watchdog)
            else:
                failure = await self._read_while_sending(reader, sending, watchdog, manner)
        if watchdog.scope.cancelled_caught and not reader.is_complete:
            return failure or watchdog.failure()
        return failure

    async def _read_while_sending(
        self, reader: ResponseReader, sending: Sending, watchdog: Watchdog, manner: Manner
    ) -> Failure | None:
        failure: Failure | None = Failure(trouble=Trouble.LEFT, stage=Stage.FIRST_BYTE, detail=manner.farewell)

        async def send(everything: trio.CancelScope) -> None:
            await sending.run(watchdog)
            if manner.leaves and sending.broken is None:
                everything.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, nursery.cancel_scope)
            failure = await self._read(reader, sending, watchdog)
            nursery.cancel_scope.cancel()
        return failure

    async def _read(self, reader: ResponseReader, sending: Sending, watch: Watchdog | Vigil) -> Failure | None:
        while not reader.is_complete:
            try:
                data = await self._stream.receive_some(RECEIVE_SIZE)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                return self._closed(watch, reader, sending, reason_of(error))
            if not data:
                reader.feed_end()
                closed = self._closed(watch, reader, sending, sending.broken or "the stream ended")
                return None if reader.is_complete else closed
            try:
                reader.feed(bytes(data))
            except MalformedResponse as error:
                return Failure(trouble=Trouble.MALFORMED, stage=Stage.READ, detail=str(error))
            if not reader.is_complete:
                if reader.interim or reader.response is not None:
                    sending.heard(is_final=reader.response is not None)
                watch.progress(Stage.READ if reader.has_begun else watch.stage)
        return None

    def _closed(self, watch: Watchdog | Vigil, reader: ResponseReader, sending: Sending, detail: str) -> Failure:
        if self._has_served and not reader.has_begun and self._socket is not None and self._socket.is_unread():
            detail = f"{detail}, {UNREAD if sending.is_small else PARTLY_UNREAD}"
        return Failure(trouble=Trouble.CLOSED, stage=watch.stage, detail=detail)
