"""Requests that go out slowly, in part, after leave to go on, or with an end of their own; and what comes back."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import parse_target
from nscr_cli.client.transport import Reply
from nscr_cli.history.invocation import Content
from nscr_cli.wire.connection import Connection
from nscr_cli.wire.dialing import TcpDialer
from nscr_cli.wire.manner import Farewell, Manner
from nscr_cli.wire.messages import Exchange, Request, Stage, Trouble
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts

CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
HEAD = b"PUT / HTTP/1.1\r\nContent-Length: 6\r\n\r\n"
BODY = b"abcdef"


class Peer:
    """The other end of a connection: what it received and when, and how the stream ended.

    Args:
        answers: what to say once so many bytes are there, or (-1) at the end of the stream.
    """

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self._answers = list(answers)
        self.received = b""
        self.times: list[float] = []
        self.ending = ""

    async def serve(self, stream: trio.abc.Stream) -> None:
        try:
            while data := await stream.receive_some():
                self.received += data
                self.times += [trio.current_time()]
                while self._answers and 0 <= self._answers[0][0] <= len(self.received):
                    await stream.send_all(self._answers.pop(0)[1])
            self.ending = "end"
            for _, answer in self._answers:
                await stream.send_all(answer)
        except trio.BrokenResourceError:
            self.ending = "reset"
        await stream.aclose()


def put(manner: Manner, body: bytes = BODY, *, chunked: bool = False, is_last: bool = False) -> Request:
    headers = (("Transfer-Encoding", "chunked"),) if chunked else (("Content-Length", "6"),)
    return Request(
        method="PUT", target="/", headers=headers, body=(body,), chunked=chunked, manner=manner, is_last=is_last
    )


def send(request: Request, peer: Peer, *, time_outs: TimeOuts | None = None) -> tuple[Exchange, bool]:
    """What became of one request in virtual time, and whether another may follow."""

    async def main() -> tuple[Exchange, bool]:
        ours, theirs = trio.testing.memory_stream_pair()
        connection = Connection(ours)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.serve, theirs)
            end = await connection.exchange(request, Sink(), time_outs or TimeOuts())
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        return end, connection.is_usable()

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def over_tcp(peer: Peer, request: Request) -> Exchange:
    """What became of one request, once its peer has seen the end of the stream."""

    async def main() -> Exchange:
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, peer.serve, listeners)
            stream = await TcpDialer().dial("127.0.0.1", listeners[0].socket.getsockname()[1])
            with trio.fail_after(10):
                end = await Connection(stream).exchange(request, Sink(), TimeOuts())
                while not peer.ending:
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        return end

    return trio.run(main)


def status(end: Exchange) -> int | None:
    return end.response.status if end.response is not None else None


def test_the_body_waits_for_leave_to_go_on() -> None:
    peer = Peer((len(HEAD), b"HTTP/1.1 100 Continue\r\n\r\n"), (len(HEAD) + 6, CREATED))
    end, is_usable = send(put(Manner(continue_s=5)), peer)
    assert (status(end), end.interim, peer.received) == (201, (100,), HEAD + BODY)
    assert (end.sent.whole, is_usable) == (True, True)
    assert peer.times == [0, 0]


def test_a_final_answer_in_place_of_leave_keeps_the_body_back() -> None:
    peer = Peer((len(HEAD), b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"))
    end, is_usable = send(put(Manner(continue_s=5)), peer)
    assert (status(end), end.failure, peer.received) == (417, None, HEAD)
    assert (end.sent.head, end.sent.body, end.sent.whole) == (len(HEAD), 0, False)
    assert not is_usable


def test_a_server_that_gives_no_leave_gets_the_body_after_the_wait() -> None:
    peer = Peer((len(HEAD) + 6, CREATED))
    end, _ = send(put(Manner(continue_s=5)), peer, time_outs=TimeOuts(send=1))
    assert (status(end), end.interim, peer.times) == (201, (), [0, 5])


def test_after_leave_the_answer_is_awaited_as_an_answer() -> None:
    peer = Peer((len(HEAD), b"HTTP/1.1 100 Continue\r\n\r\n"))
    end, _ = send(put(Manner(continue_s=5)), peer, time_outs=TimeOuts(first_byte=3, read=7))
    assert str(end.failure) == "timed out while waiting for the answer: 3 s without progress"


@pytest.mark.parametrize(
    ("manner", "received"),
    [
        (Manner(cut_head=9), HEAD[:9]),
        (Manner(cut_head=0), b""),
        (Manner(cut_body=0), HEAD),
        (Manner(cut_body=4), HEAD + b"abcd"),
    ],
)
def test_a_request_that_is_cut(manner: Manner, received: bytes) -> None:
    peer = Peer()
    end, is_usable = send(put(manner), peer, time_outs=TimeOuts(first_byte=3))
    assert peer.received == received
    assert (end.sent.head + end.sent.body, end.sent.whole) == (len(received), False)
    assert str(end.failure) == "timed out while waiting for the answer: 3 s without progress"
    assert not is_usable


def test_a_cut_request_may_be_answered() -> None:
    peer = Peer((len(HEAD) + 4, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"))
    end, is_usable = send(put(Manner(cut_body=4)), peer)
    assert (status(end), end.failure, is_usable) == (408, None, False)


def test_a_cut_counts_the_framing_of_chunks() -> None:
    peer = Peer()
    send(put(Manner(cut_body=5), chunked=True), peer, time_outs=TimeOuts(first_byte=1))
    assert peer.received.endswith(b"\r\n\r\n6\r\nab")


def test_bytes_that_trickle() -> None:
    peer = Peer((len(HEAD) + 6, CREATED))
    end, is_usable = send(put(Manner(piece=10, pause_s=2)), peer, time_outs=TimeOuts(send=1))
    pieces = -(-len(HEAD) // 10) + 1
    assert peer.times == [2 * number for number in range(pieces)]
    assert (status(end), end.sent.whole, is_usable) == (201, True, True)


def test_a_half_closed_connection_is_answered() -> None:
    peer = Peer((-1, CREATED))
    end, is_usable = send(put(Manner(farewell=Farewell.HALF_CLOSE)), peer)
    assert (peer.received, peer.ending) == (HEAD + BODY, "end")
    assert (status(end), end.sent.whole, is_usable) == (201, True, False)


def test_one_side_of_a_stream_that_cannot_be_halved() -> None:
    async def main() -> None:
        stream, _ = trio.testing.memory_stream_pair()
        halves = _Whole(stream)
        with pytest.raises(ValueError, match="TLS"):
            await Connection(halves).exchange(put(Manner(farewell=Farewell.HALF_CLOSE)), Sink(), TimeOuts())

    trio.run(main)


class _Whole(trio.abc.Stream):
    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()


@pytest.mark.parametrize(("farewell", "ending"), [(Farewell.CLOSE, "end"), (Farewell.RESET, "reset")])
def test_a_client_that_leaves(farewell: Farewell, ending: str) -> None:
    peer = Peer()
    end = over_tcp(peer, put(Manner(cut_body=4, farewell=farewell)))
    assert peer.ending == ending
    assert end.failure is not None
    assert (end.failure.trouble, end.failure.stage) == (Trouble.LEFT, Stage.FIRST_BYTE)
    assert (end.sent.body, end.response) == (4, None)
    if farewell is Farewell.CLOSE:  # a reset may overtake what was sent
        assert peer.received == HEAD + b"abcd"


def test_half_closed_over_tcp() -> None:
    peer = Peer((-1, CREATED))
    end = over_tcp(peer, put(Manner(farewell=Farewell.HALF_CLOSE)))
    assert (status(end), peer.received) == (201, HEAD + BODY)


def test_whatever_head_is_meant_is_sent() -> None:
    peer = Peer((20, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
    raw = Request(method="GET", target="", headers=(), raw_head=b"GET\t/ HTTP/9\nHost:h\n\n", is_last=True)
    end, is_usable = send(raw, peer)
    assert (peer.received, status(end), is_usable) == (b"GET\t/ HTTP/9\nHost:h\n\n", 400, False)


def test_a_request_whose_length_lies_is_the_last_of_its_connection() -> None:
    peer = Peer((len(HEAD) + 3, CREATED))
    end, is_usable = send(put(Manner(), b"abc", is_last=True), peer)
    assert (status(end), peer.received, is_usable) == (201, HEAD + b"abc", False)


def client(answer: bytes, ask: Callable[[RegistryClient], Awaitable[Reply]]) -> tuple[Reply, bytes]:
    """What a registry's client sends, and the reply; the answer comes half a second after the last byte."""

    async def main() -> tuple[Reply, bytes]:
        ours, theirs = trio.testing.memory_stream_pair()
        received = b""

        class Dialer:
            async def dial(self, host: str, port: int) -> trio.abc.Stream:
                return ours

        async def serve() -> None:
            nonlocal received
            while True:
                with trio.move_on_after(0.5) as quiet:
                    data = await theirs.receive_some()
                if quiet.cancelled_caught:
                    return await theirs.send_all(answer)
                if not data:
                    return None
                received += data

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            reply = await ask(RegistryClient(Dialer(), parse_target("http://h:1")[0], user_agent="us"))
        return reply, received

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_registry_client_sends_exactly() -> None:
    reply, received = client(
        CREATED,
        lambda registry: registry.send_exactly(
            "PATCH", "/upload", (("Content-Length", "1000"),), (b"only ", b"this"), request_id="7.1"
        ),
    )
    assert received == (
        b"PATCH /upload HTTP/1.1\r\nHost: h:1\r\nUser-Agent: us\r\nX-Request-Id: 7.1\r\n"
        b"Content-Length: 1000\r\n\r\nonly this"
    )
    assert reply.status == 201


def test_a_registry_client_dies_amid_a_chunk() -> None:
    reply, received = client(
        b"",
        lambda registry: registry.patch_upload(
            "/upload", Content.of_bytes(BODY), 0, 6, manner=Manner(cut_body=2, farewell=Farewell.CLOSE)
        ),
    )
    assert received.endswith(b"Content-Range: 0-5\r\nContent-Length: 6\r\n\r\nab")
    assert reply.exchange.failure is not None
    assert reply.exchange.failure.trouble is Trouble.LEFT
    assert (reply.exchange.sent.body, reply.status) == (2, None)


def test_a_registry_client_asks_for_leave() -> None:
    reply, received = client(
        CREATED,
        lambda registry: registry.put_manifest("r", "t", Content.of_bytes(BODY), "a/b", manner=Manner(continue_s=0.1)),
    )
    assert b"\r\nExpect: 100-continue\r\n" in received
    assert received.endswith(b"\r\n\r\nabcdef")
    assert reply.status == 201
