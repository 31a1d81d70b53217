"""Small requests over loopback sockets: one send, one wait, and time-outs that a patrol keeps for all of them."""

import socket
import struct
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from nscr_cli.wire.connection import Connection
from nscr_cli.wire.dialing import CountedStream, TcpDialer
from nscr_cli.wire.messages import Exchange, Request, Trouble
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts

Serve = Callable[[trio.SocketStream], Awaitable[None]]
REQUEST = Request(method="GET", target="/", headers=(("Host", "h"),))


def exchanges(serve: Serve, *time_outs: TimeOuts) -> list[tuple[Exchange, bool]]:
    """What became of requests on one connection each, all at the same time, and whether it can be used again."""

    async def main() -> list[tuple[Exchange, bool]]:
        ends: list[tuple[Exchange, bool]] = []

        async def ask(limits: TimeOuts, port: int) -> None:
            connection = Connection(await TcpDialer().dial("127.0.0.1", port))
            end = await connection.exchange(REQUEST, Sink(keep=10), limits)
            ends.append((end, connection.is_usable()))
            await connection.aclose()

        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, serve, listeners)
            with trio.fail_after(30):
                async with trio.open_nursery() as asking:
                    for limits in time_outs:
                        asking.start_soon(ask, limits, listeners[0].socket.getsockname()[1])
            nursery.cancel_scope.cancel()
        return ends

    return trio.run(main)


async def mute(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    await trio.sleep_forever()


async def half(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")
    await trio.sleep_forever()


async def drips(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    for _ in range(4):
        await trio.sleep(0.4)
        await stream.send_all(b".")
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("serve", "limits", "failure"),
    [
        (mute, TimeOuts(first_byte=0.05), "timed out while waiting for the answer: 0.05 s without progress"),
        (half, TimeOuts(read=0.05), "timed out while reading the answer: 0.05 s without progress"),
        (mute, TimeOuts(total=0.05), "timed out while waiting for the answer: 0.05 s for the whole exchange"),
    ],
)
def test_time_outs(serve: Serve, limits: TimeOuts, failure: str) -> None:
    ((end, is_usable),) = exchanges(serve, limits)
    assert str(end.failure) == failure
    assert end.sent.whole
    assert not is_usable


def test_each_sign_of_progress_counts() -> None:
    ((end, is_usable),) = exchanges(drips, TimeOuts(read=1.2))
    assert (end.failure, is_usable) == (None, True)
    ((slow, _),) = exchanges(drips, TimeOuts(total=0.3))
    assert str(slow.failure) == "timed out while reading the answer: 0.3 s for the whole exchange"


def test_only_who_is_overdue_is_woken() -> None:
    async def answers_late(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await trio.sleep(0.4)
        await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        await trio.sleep_forever()

    ends = exchanges(answers_late, TimeOuts(first_byte=0.05), TimeOuts(first_byte=30))
    assert [(end.failure is None, is_usable) for end, is_usable in ends] == [(False, False), (True, True)]


def test_cancellation_closes_the_connection() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, mute, listeners)
            connection = Connection(await TcpDialer().dial("127.0.0.1", listeners[0].socket.getsockname()[1]))
            with trio.move_on_after(0.05) as scope:
                await connection.exchange(REQUEST, Sink(), TimeOuts())
            assert scope.cancelled_caught
            assert not connection.is_usable()
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_request_that_the_socket_takes_in_part_goes_on() -> None:
    """A full send buffer: what was not taken at once follows, and the count is of all of it."""

    async def main() -> tuple[Exchange, int]:
        received = 0

        async def reads_late(stream: trio.SocketStream) -> None:
            nonlocal received
            await trio.sleep(0.1)
            while received < size:
                received += len(await stream.receive_some(1 << 20))
            await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")

        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, reads_late, listeners)
            stream = await TcpDialer().dial("127.0.0.1", listeners[0].socket.getsockname()[1])
            filling = 0
            while taken := stream.send_nowait(bytes(1 << 16)):
                filling += taken
            size = filling + len(REQUEST.head())
            with trio.fail_after(30):
                end = await Connection(stream).exchange(REQUEST, Sink(), TimeOuts())
            await stream.aclose()
            nursery.cancel_scope.cancel()
        assert isinstance(stream, CountedStream)
        return end, received - filling

    end, received = trio.run(main)
    assert end.failure is None
    assert (end.sent.head, end.sent.whole) == (received, True)


def test_a_connection_that_was_reset_has_sent_nothing() -> None:
    async def main() -> Exchange:
        async def resets(stream: trio.SocketStream) -> None:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await stream.aclose()

        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, resets, listeners)
            stream = await TcpDialer().dial("127.0.0.1", listeners[0].socket.getsockname()[1])
            with trio.fail_after(5):
                while stream.is_quiet():
                    await trio.lowlevel.checkpoint()
            end = await Connection(stream).exchange(REQUEST, Sink(), TimeOuts())
            nursery.cancel_scope.cancel()
        return end

    end = trio.run(main)
    assert end.failure is not None
    assert (end.failure.trouble, end.sent.anything) == (Trouble.CLOSED, False)
