"""The fault proxy: a TCP listener on loopback between the clients and the registry, one connection for one connection.

It reads along to learn which exchange it carries, asks the schedule whether that one is struck, and sends the bytes
through the toxics. What it cannot read it carries. Replies are not parsed: a client of ours has one exchange open at a
time, so that what comes back belongs to the request that went out last. TLS is not taken apart; it is for plain HTTP.
"""

import socket
import struct
from collections.abc import Callable, Sequence
from random import Random

import msgspec
import trio

from nscr_cli.history.faults import Direction, Ending, Fault, Step
from nscr_cli.nemesis.aim import Head, RequestReader
from nscr_cli.nemesis.schedule import Schedule
from nscr_cli.nemesis.toxics import Link, Parcel, link, step
from nscr_cli.wire.dialing import CountedStream

RECEIVE_SIZE = 64 * 1024
_WAITING = 16
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that changed what an exchange was.

    Attributes:
        match: the i-th request that the fault was aimed at, from 1.
        connection: number of the connection, from 1.
        request_id: X-Request-Id of the request, or empty.
        passed: bytes that had gone in that direction of the exchange, the struck ones included.
    """

    fault: str
    toxic: str
    step: Step
    match: int
    connection: int
    request_id: str
    direction: Direction
    passed: int


Report = Callable[[Strike], None]


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
    """

    def __init__(self, host: str, port: int, *, faults: Sequence[Fault], seed: int, report: Report) -> None:
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

    def _exchange(self, head: Head, ordinal: int, connection: int) -> "_Exchange":
        struck: list[tuple[Fault, int, Random]] = []
        if self._armed_at is not None:
            struck.extend(self._schedule.strikes(head.step, ordinal, trio.current_time() - self._armed_at))
        return _Exchange(head, struck, connection=connection, report=self._report)


class _Line(msgspec.Struct):
    """One toxic of one fault on one direction of an exchange."""

    fault: str
    match: int
    chance: Random
    link: Link


class _Exchange:
    """One request and its reply, with the toxics that work on them."""

    def __init__(
        self, head: Head, struck: Sequence[tuple[Fault, int, Random]], *, connection: int, report: Report
    ) -> None:
        self._head = head
        self._connection = connection
        self._report = report
        self._passed = dict.fromkeys(Direction, 0)
        self._lines = {
            direction: [
                _Line(fault.name, number, chance, link(toxic, chance, uncounted=_uncounted(head, direction)))
                for fault, number, chance in struck
                for toxic in fault.toxics
                if toxic.direction is direction
            ]
            for direction in Direction
        }

    def hand_on(self, direction: Direction, parcel: Parcel) -> list[Parcel]:
        """What becomes of a parcel; a toxic that strikes for the first time is reported."""
        if not isinstance(parcel.what, Ending):
            self._passed[direction] += len(parcel.what)
        parcels = [parcel]
        for line in self._lines[direction]:
            handed_on: list[Parcel] = []
            had_struck = line.link.has_struck
            for each in parcels:
                line.link, made = step(line.link, each, line.chance)
                handed_on.extend(made)
            parcels = handed_on
            if line.link.has_struck and not had_struck:
                self._strike(line, self._head, direction)
        return parcels

    @property
    def is_answered_though_cut(self) -> bool:
        """Its request was cut, and an answer came all the same: the client may mean to go on."""
        return bool(self._passed[Direction.REPLY]) and any(one.link.is_over for one in self._lines[Direction.REQUEST])

    def denies(self, following: Head) -> bool:
        """No further request reaches the registry on this connection: then that one is struck as well."""
        for line in self._lines[Direction.REQUEST]:
            if line.link.is_over:
                self._strike(line, following, Direction.REQUEST)
                return True
        return False

    def _strike(self, line: _Line, head: Head, direction: Direction) -> None:
        self._report(
            Strike(
                fault=line.fault,
                toxic=str(line.link.toxic.__struct_config__.tag),
                step=head.step,
                match=line.match,
                connection=self._connection,
                request_id=head.request_id,
                direction=direction,
                passed=self._passed[direction],
            )
        )


class _Passage:
    """Two sockets, and what goes between them."""

    def __init__(
        self, client: trio.SocketStream, registry: trio.SocketStream, exchange_of: Callable[[Head, int], _Exchange]
    ) -> None:
        self._client = client
        self._registry = registry
        self._exchange_of = exchange_of
        self._exchange: _Exchange | None = None
        self._reader = RequestReader()
        self._step: Step | None = None
        self._ordinal = 0

    async def run(self) -> None:
        """Carry until either side ends it or a toxic does."""
        async with self._client, self._registry, trio.open_nursery() as nursery:
            for direction, source, sink in (
                (Direction.REQUEST, self._client, self._registry),
                (Direction.REPLY, self._registry, self._client),
            ):
                parcels, waiting = trio.open_memory_channel[Parcel](_WAITING)
                nursery.start_soon(self._read, direction, source, parcels)
                nursery.start_soon(self._write, waiting, sink, nursery.cancel_scope)

    async def _read(
        self, direction: Direction, source: trio.SocketStream, parcels: trio.MemorySendChannel[Parcel]
    ) -> None:
        ending = Ending.CLOSE
        try:
            while data := bytes(await source.receive_some(RECEIVE_SIZE)):
                for parcel in self._passed_on(direction, data):
                    await parcels.send(parcel)
        except _BROKEN:
            ending = Ending.RESET
        if direction is Direction.REPLY and self._exchange is not None and self._exchange.is_answered_though_cut:
            return  # an end now could cross the client's next request, and nobody would know that it was ours
        for parcel in self._hand_on(direction, Parcel(trio.current_time(), ending)):
            await parcels.send(parcel)

    def _passed_on(self, direction: Direction, data: bytes) -> list[Parcel]:
        now = trio.current_time()
        if direction is Direction.REQUEST:
            head, data = self._reader.feed(data)
            if head is not None:
                if self._exchange is not None and self._exchange.denies(head):
                    return [Parcel(now, Ending.RESET)]
                self._ordinal = self._ordinal + 1 if head.step is self._step else 1
                self._step = head.step
                self._exchange = self._exchange_of(head, self._ordinal)
        return self._hand_on(direction, Parcel(now, data)) if data else []

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


def _uncounted(head: Head, direction: Direction) -> int:
    return head.size if direction is Direction.REQUEST else 0


def _reset(stream: trio.SocketStream) -> None:
    """Closing it will send a reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
