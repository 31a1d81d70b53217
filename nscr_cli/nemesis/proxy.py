"""The fault proxy: a TCP listener on loopback between the clients and the registry, one connection for one connection.

It reads along to learn which exchange it carries, asks the schedule whether that one is struck, and sends the bytes
through the toxics. What it cannot read it carries. Replies are not parsed, but to alter them: a client has one exchange
open at a time, so that what comes back belongs to the request that went out last. TLS is not taken apart.
"""

import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from random import Random

import trio

from nscr_cli.history.faults import Direction, Ending, Fault, Step
from nscr_cli.nemesis.aim import Head, RequestReader
from nscr_cli.nemesis.exchange import Exchange, Report
from nscr_cli.nemesis.replies import Alteration, Answer
from nscr_cli.nemesis.schedule import Schedule
from nscr_cli.nemesis.toxics import Parcel
from nscr_cli.wire.dialing import CountedStream

RECEIVE_SIZE = 64 * 1024
_WAITING = 16
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class ProxyDialer:
    """Dials the proxy, whatever host is asked for."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def dial(self, host: str, port: int) -> CountedStream:
        """See wire.dialing.Dialer."""
        return CountedStream(await trio.open_tcp_stream("127.0.0.1", self.port))


class Proxy:
    """Carries connections to one host and port, and strikes while it is armed.

    Args:
        report: told of each strike, before it takes effect.
        replies: what is told instead of the registry's replies to struck requests, by the name of the fault.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        faults: Sequence[Fault],
        seed: int,
        report: Report,
        replies: Mapping[str, Answer | Alteration] | None = None,
    ) -> None:
        self._replies = replies or {}
        self._host = host
        self._port = port
        self._schedule = Schedule(faults, seed)
        self._report = report
        self._armed_at: float | None = None
        self._connections = 0

    def arm(self) -> None:
        """The main phase begins."""
        self._armed_at = trio.current_time()

    def heal(self) -> None:
        """Strike no more."""
        self._armed_at = None

    async def serve(self, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry connections until cancelled; `task_status` is told the port."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port: int = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._carry, listeners)
            task_status.started(port)

    async def _carry(self, client: trio.SocketStream) -> None:
        self._connections += 1
        number = self._connections
        try:
            registry = await trio.open_tcp_stream(self._host, self._port)
        except OSError:
            _reset(client)
            return
        await _Passage(client, registry, lambda head, ordinal: self._exchange(head, ordinal, number)).run()

    def _exchange(self, head: Head, ordinal: int, connection: int) -> Exchange:
        struck: list[tuple[Fault, int, Random]] = []
        if self._armed_at is not None:
            struck.extend(self._schedule.strikes(head.step, ordinal, trio.current_time() - self._armed_at))
        return Exchange(head, struck, connection=connection, report=self._report, replies=self._replies)


class _Passage:
    """Two sockets, and what goes between them."""

    def __init__(
        self, client: trio.SocketStream, registry: trio.SocketStream, exchange_of: Callable[[Head, int], Exchange]
    ) -> None:
        self._client = client
        self._registry = registry
        self._exchange_of = exchange_of
        self._exchange: Exchange | None = None
        self._reader = RequestReader()
        self._step: Step | None = None
        self._ordinal = 0
        self._is_turned_away = False
        self._ways: dict[Direction, trio.MemorySendChannel[Parcel]] = {}

    async def run(self) -> None:
        """Carry until either side ends it or a toxic does."""
        async with self._client, self._registry, trio.open_nursery() as nursery:
            for direction, source, sink in (
                (Direction.REQUEST, self._client, self._registry),
                (Direction.REPLY, self._registry, self._client),
            ):
                self._ways[direction], waiting = trio.open_memory_channel[Parcel](_WAITING)
                nursery.start_soon(self._read, direction, source)
                nursery.start_soon(self._write, waiting, sink, nursery.cancel_scope)

    async def _read(self, direction: Direction, source: trio.SocketStream) -> None:
        ending = Ending.CLOSE
        try:
            while data := bytes(await source.receive_some(RECEIVE_SIZE)):
                for way, parcel in self._passed_on(direction, data):
                    await self._ways[way].send(parcel)
        except _BROKEN:
            ending = Ending.RESET
        if direction is Direction.REPLY and self._exchange is not None and self._exchange.is_answered_though_cut:
            return  # an end now could cross the client's next request, and nobody would know that it was ours
        for parcel in self._hand_on(direction, Parcel(trio.current_time(), ending)):
            await self._ways[direction].send(parcel)

    def _passed_on(self, direction: Direction, data: bytes) -> list[tuple[Direction, Parcel]]:
        now = trio.current_time()
        answered: bytes | None = None
        if direction is Direction.REQUEST:
            head, data = self._reader.feed(data)
            if head is not None:
                if self._exchange is not None and self._exchange.denies(head):
                    return [(direction, Parcel(now, Ending.RESET))]
                self._ordinal = self._ordinal + 1 if head.step is self._step else 1
                self._step = head.step
                self._exchange = self._exchange_of(head, self._ordinal)
                answered = self._exchange.answered()
            if answered is not None or self._is_turned_away:
                return self._turned_away(now, answered)
        return [(direction, parcel) for parcel in self._hand_on(direction, Parcel(now, data))] if data else []

    def _turned_away(self, now: float, answer: bytes | None) -> list[tuple[Direction, Parcel]]:
        """The answer at once, and the end once the client has sent all of its request: to close on what it still sends
        would take the answer from it."""
        self._is_turned_away = True
        told: list[bytes | Ending] = [] if answer is None else [answer]
        if self._reader.is_between:
            told.append(Ending.CLOSE)
        return [(Direction.REPLY, Parcel(now, what)) for what in told]

    def _hand_on(self, direction: Direction, parcel: Parcel) -> list[Parcel]:
        return [parcel] if self._exchange is None else self._exchange.hand_on(direction, parcel)

    async def _write(
        self, parcels: trio.MemoryReceiveChannel[Parcel], sink: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        try:
            async for parcel in parcels:
                await trio.sleep_until(parcel.due_s)
                match parcel.what:
                    case Ending.HALF_CLOSE:
                        await sink.send_eof()
                    case Ending.CLOSE:
                        break
                    case Ending.RESET:
                        _reset(self._client)
                        _reset(self._registry)
                        break
                    case data:
                        await sink.send_all(data)
        except _BROKEN:
            _reset(self._client)
            _reset(self._registry)
        scope.cancel()


def _reset(stream: trio.SocketStream) -> None:
    """Closing it will send a reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
