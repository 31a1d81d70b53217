"""Exchanges over memory streams and loopback sockets: early answers, cuts, time-outs, and the account of what left."""

import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import trio
import trio.testing

from nscr_cli.wire.channel import Channel
from nscr_cli.wire.connection import Connection
from nscr_cli.wire.dialing import CountedStream, TcpDialer
from nscr_cli.wire.messages import PARTLY_UNREAD, UNREAD, Exchange, Request, Stage, Trouble
from nscr_cli.wire.sending import SMALL
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts

T = TypeVar("T")
Serve = Callable[[trio.abc.Stream], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LARGE = 4 * SMALL


def request(method: str = "GET", body: bytes = b"", *, chunked: bool = False) -> Request:
    pieces = [body[start : start + 7000] for start in range(0, len(body), 7000)]
    return Request(method=method, target="/", headers=(("Host", "h"),), body=pieces, chunked=chunked)


def in_virtual_time(main: Callable[[], Awaitable[T]]) -> T:
    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def converse(
    serve: Serve, *requests: Request, time_outs: TimeOuts | None = None
) -> tuple[list[tuple[Exchange, bytes]], bool]:
    """One connection, whose other end `serve` has; what became of each request, and may another one follow."""

    async def main() -> tuple[list[tuple[Exchange, bytes]], bool]:
        ours, theirs = trio.testing.memory_stream_pair()
        connection = Connection(ours)
        ends = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, theirs)
            for each in requests:
                sink = Sink(keep=100)
                ends.append((await connection.exchange(each, sink, time_outs or TimeOuts()), bytes(sink.kept)))
            nursery.cancel_scope.cancel()
        return ends, connection.is_usable()

    return in_virtual_time(main)


async def read_head(stream: trio.abc.Stream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        head += await stream.receive_some()
    return head


async def read_all(stream: trio.abc.Stream, size: int) -> None:
    while size > 0:
        size -= len(await stream.receive_some())


def saying(answer: bytes, *, close: bool = False) -> Serve:
    async def serve(stream: trio.abc.Stream) -> None:
        while True:
            await read_head(stream)
            await stream.send_all(answer)
            if close:
                await stream.aclose()
                return

    return serve


def test_one_connection_serves_one_exchange_after_another() -> None:
    ends, is_usable = converse(saying(OK), request(), request(), request())
    assert [(end.response.status if end.response else None, body) for end, body in ends] == [(200, b"ok")] * 3
    assert all(end.failure is None and end.sent.whole for end, _ in ends)
    assert is_usable


def test_head_answers_do_not_eat_the_next_one() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await read_head(stream)
        await stream.send_all(OK)

    ends, is_usable = converse(serve, request("HEAD"), request())
    assert [body for _, body in ends] == [b"", b"ok"]
    assert is_usable


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_arrives_as_it_was_framed(chunked: bool) -> None:
    body = bytes(range(256)) * 300
    got = b""

    async def serve(stream: trio.abc.Stream) -> None:
        nonlocal got
        end = b"0\r\n\r\n" if chunked else body[-1000:]
        while not got.endswith(end):
            got += await stream.receive_some()
        await stream.send_all(OK)

    sent = request("PUT", body, chunked=chunked)
    ((end, _),), is_usable = converse(serve, sent)
    assert got == sent.head() + b"".join(sent.pieces())
    assert end.failure is None
    assert (end.sent.head, end.sent.body) == (len(sent.head()), len(got) - len(sent.head()))
    assert is_usable


def test_an_early_answer_is_heard_while_we_still_send() -> None:
    async def main() -> Exchange:
        ours, theirs = trio.testing.lockstep_stream_pair()
        connection = Connection(ours)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refuse, theirs)
            end = await connection.exchange(request("PUT", bytes(LARGE)), Sink(), TimeOuts())
            nursery.cancel_scope.cancel()
        assert not connection.is_usable()
        return end

    async def refuse(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await trio.sleep_forever()

    end = in_virtual_time(main)
    assert end.response is not None
    assert end.response.status == 413
    assert end.failure is None
    assert not end.sent.whole


@pytest.mark.parametrize(
    ("answer", "trouble", "stage", "status"),
    [
        (b"", Trouble.CLOSED, Stage.FIRST_BYTE, None),
        (b"HTTP/1.1 200 OK\r\nCont", Trouble.CLOSED, Stage.READ, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", Trouble.CLOSED, Stage.READ, 200),
        (b"garbage\r\n\r\n", Trouble.MALFORMED, Stage.READ, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", Trouble.MALFORMED, Stage.READ, 200),
    ],
)
def test_cut_and_malformed_answers(answer: bytes, trouble: Trouble, stage: Stage, status: int | None) -> None:
    ((end, _),), is_usable = converse(saying(answer, close=True), request())
    assert end.failure is not None
    assert (end.failure.trouble, end.failure.stage) == (trouble, stage)
    assert (end.response.status if end.response else None) == status
    assert end.sent.whole
    assert not is_usable


def test_a_body_may_end_with_the_connection() -> None:
    ((end, body),), is_usable = converse(saying(b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True), request())
    assert (end.failure, body, is_usable) == (None, b"all of it", False)


def test_time_outs_by_stage() -> None:
    limits = TimeOuts(send=3, first_byte=5, read=7)

    async def mute(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async def stalls(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")
        await trio.sleep_forever()

    async def drips(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            await trio.sleep(6)
            await stream.send_all(b".")

    ((silent, _),), _ = converse(mute, request(), time_outs=limits)
    assert str(silent.failure) == "timed out while waiting for the answer: 5 s without progress"
    ((stalled, _),), _ = converse(stalls, request(), time_outs=limits)
    assert str(stalled.failure) == "timed out while reading the answer: 7 s without progress"
    ((dripping, _),), _ = converse(drips, request(), time_outs=limits)
    assert dripping.failure is None
    total = TimeOuts(send=3, first_byte=5, read=7, total=20)
    ((overall, _),), _ = converse(drips, request(), time_outs=total)
    assert str(overall.failure) == "timed out while reading the answer: 20 s for the whole exchange"


def test_a_registry_that_takes_nothing_times_out_while_sending() -> None:
    async def main() -> Exchange:
        ours, _theirs = trio.testing.lockstep_stream_pair()
        limits = TimeOuts(send=3)
        return await Connection(ours).exchange(request("PUT", bytes(LARGE)), Sink(), limits)

    end = in_virtual_time(main)
    assert str(end.failure) == "timed out while sending the request: 3 s without progress"
    assert end.sent.anything  # a stream that cannot tell may have delivered it
    assert not end.sent.whole


def test_cancellation_closes_the_connection() -> None:
    async def main() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        connection = Connection(ours)
        with trio.move_on_after(1) as scope:
            await connection.exchange(request(), Sink(), TimeOuts())
        assert scope.cancelled_caught
        assert not connection.is_usable()
        await read_head(theirs)
        assert await theirs.receive_some() == b""

    in_virtual_time(main)


class Peer:
    """A listening loopback socket; each connection goes to the next of the given functions."""

    def __init__(self, *serves: Serve) -> None:
        self._serves = list(serves)
        self.connections = 0

    async def run(self, task_status: trio.TaskStatus[int]) -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(listener.socket.getsockname()[1])
        await trio.serve_listeners(self._handle, [listener])

    async def _handle(self, stream: trio.SocketStream) -> None:
        serve = self._serves[min(self.connections, len(self._serves) - 1)]
        self.connections += 1
        await serve(stream)
        await stream.aclose()


def test_an_idle_connection_that_was_closed_is_replaced_before_sending() -> None:
    async def answers_once(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(OK)

    async def main() -> None:
        peer = Peer(answers_once)
        async with trio.open_nursery() as nursery:
            port = await nursery.start(peer.run)
            channel = Channel(TcpDialer(), "127.0.0.1", port, time_outs=TimeOuts())
            assert (await channel.exchange(request(), Sink())).failure is None
            idle = channel._connection
            assert idle is not None
            with trio.fail_after(5):
                while idle.is_usable():  # the end of the stream is on its way
                    await trio.lowlevel.checkpoint()
            assert (await channel.exchange(request(), Sink())).failure is None
            assert peer.connections == 2
            await channel.aclose()
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.parametrize(
    ("answers", "is_read", "size", "told"),
    [
        (1, False, 0, UNREAD),
        (1, False, LARGE, PARTLY_UNREAD),
        (1, True, 0, ""),  # whoever read it, owes an answer
        (0, False, 0, ""),  # so does who took a new connection
    ],
)
def test_a_request_that_crosses_the_end_of_a_kept_connection_is_told(
    answers: int, *, is_read: bool, size: int, told: str
) -> None:
    async def main() -> str:
        async def serve(stream: trio.SocketStream) -> None:
            for _ in range(answers):
                await read_head(stream)
                await stream.send_all(OK)
            await sent.wait()
            if is_read:
                await read_head(stream)
            await stream.aclose()

        listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        sent = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, serve, [listener])
            port = listener.socket.getsockname()[1]
            connection = Connection(await TcpDialer().dial("127.0.0.1", port))
            for _ in range(answers):
                assert (await connection.exchange(request(), Sink(), TimeOuts())).failure is None
            ends: list[Exchange] = []

            async def ask() -> None:
                ends.append(await connection.exchange(request("PUT", b"x" * size), Sink(), TimeOuts()))
                nursery.cancel_scope.cancel()

            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            sent.set()
        failure = ends[0].failure
        assert failure is not None
        assert failure.trouble is Trouble.CLOSED
        return failure.detail.rpartition(", ")[2] if "request was read" in failure.detail else ""

    assert trio.run(main) == told


def test_nothing_is_sent_where_nobody_listens() -> None:
    async def main() -> Exchange:
        with socket.socket() as bound:  # and never listening: so nobody else can be there
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            return await Channel(TcpDialer(), "127.0.0.1", port, time_outs=TimeOuts()).exchange(request(), Sink())

    end = trio.run(main)
    assert end.failure is not None
    assert (end.failure.trouble, end.failure.stage) == (Trouble.UNREACHABLE, Stage.CONNECT)
    assert "refused" in end.failure.detail
    assert not end.sent.anything


def test_connecting_times_out() -> None:
    class Stuck:
        async def dial(self, host: str, port: int) -> trio.abc.Stream:
            await trio.sleep_forever()
            raise AssertionError

    async def main() -> Exchange:
        channel = Channel(Stuck(), "registry", 1, time_outs=TimeOuts(connect=4))
        return await channel.exchange(request(), Sink())

    end = in_virtual_time(main)
    assert str(end.failure) == "timed out while connecting: 4 s without progress"
    assert not end.sent.anything


def test_bytes_that_left_are_counted_exactly_on_a_socket() -> None:
    async def main() -> tuple[Exchange, int]:
        taken = 0

        async def takes_some(stream: trio.abc.Stream) -> None:
            nonlocal taken
            await read_all(stream, 100_000)
            await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            port = await nursery.start(Peer(takes_some).run)
            stream = await TcpDialer().dial("127.0.0.1", port)
            connection = Connection(stream)
            limits = TimeOuts(send=0.05)
            end = await connection.exchange(request("PUT", bytes(64 << 20)), Sink(), limits)
            nursery.cancel_scope.cancel()
        assert isinstance(stream, CountedStream)
        return end, stream.bytes_sent

    end, counted = trio.run(main)
    assert end.failure is not None
    assert (end.failure.trouble, end.failure.stage) == (Trouble.TIMEOUT, Stage.SEND)
    assert end.sent.head + end.sent.body == counted
    assert 100_000 < counted < 64 << 20


def test_a_request_that_cannot_be_written_leaves_the_connection_alone() -> None:
    async def main() -> None:
        ours, _theirs = trio.testing.memory_stream_pair()
        connection = Connection(ours)
        with pytest.raises(ValueError, match="control character"):
            await connection.exchange(Request(method="GET", target="/ ", headers=()), Sink(), TimeOuts())
        assert connection.is_usable()

    in_virtual_time(main)


def test_exact_count_of_a_stream_that_breaks() -> None:
    """What the operating system did not take was not sent, even where nothing else would tell."""

    async def main() -> Exchange:
        async with trio.open_nursery() as nursery:

            async def leaves(stream: trio.abc.Stream) -> None:
                return

            port = await nursery.start(Peer(leaves).run)
            stream = await TcpDialer().dial("127.0.0.1", port)
            with trio.fail_after(5):
                while stream.is_quiet():
                    await trio.lowlevel.checkpoint()
            await stream.aclose()
            end = await Connection(stream).exchange(request(), Sink(), TimeOuts())
            nursery.cancel_scope.cancel()
        return end

    end = trio.run(main)
    assert end.failure is not None
    assert (end.sent.anything, end.sent.whole) == (False, False)
