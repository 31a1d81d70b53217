"""The proxy on real sockets, between a client of ours and a small server that says what reached it."""

from collections.abc import Callable
from typing import Any

import httptools
import pytest
import trio

from nscr_cli.history.faults import BlackHole, Cut, Direction, DropReply, Ending, Fault, Latency, Slice, Step
from nscr_cli.nemesis.exchange import Strike
from nscr_cli.nemesis.proxy import Proxy, ProxyDialer
from nscr_cli.wire.channel import Channel
from nscr_cli.wire.messages import Exchange, Request
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts

PUT = Step.PUT_MANIFEST


class Server:
    """Answers each request with 201 and keeps its body; notes how connections ended."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.ends: list[str] = []

    async def serve(self, stream: trio.SocketStream) -> None:
        try:
            while await self._one(stream):
                await stream.send_all(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello")
            self.ends.append("end")
        except trio.BrokenResourceError:
            self.ends.append("broken")

    async def _one(self, stream: trio.SocketStream) -> bool:
        message = Message()
        parser = httptools.HttpRequestParser(message)
        while not message.is_whole:
            data = await stream.receive_some()
            if not data:
                return False
            parser.feed_data(bytes(data))
        self.bodies.append(message.body)
        return True


class Message:
    def __init__(self) -> None:
        self.body = b""
        self.is_whole = False

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_whole = True


def put(number: int, body: bytes) -> Request:
    headers = (("Host", "r"), ("X-Request-Id", f"run-{number}.1"), ("Content-Length", str(len(body))))
    return Request(method="PUT", target="/v2/a/manifests/t", headers=headers, body=(body,))


def fault(*toxics: Any, **fields: Any) -> Fault:
    return Fault(**{"name": "f", "steps": (PUT,), "toxics": toxics, "share": 1.0, **fields})


@pytest.fixture
def exchange() -> Callable[..., Any]:
    """Puts bodies through a proxy, one after another on one channel."""

    def run(faults: list[Fault], *bodies: bytes, armed: bool = True) -> tuple[list[Exchange], Server, list[Strike]]:
        server, strikes, exchanges = Server(), list[Strike](), list[Exchange]()

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
                nursery.start_soon(trio.serve_listeners, server.serve, listeners)
                upstream = listeners[0].socket.getsockname()[1]
                proxy = Proxy("127.0.0.1", upstream, faults=faults, seed=7, report=strikes.append)
                port = await nursery.start(proxy.serve)
                if armed:
                    proxy.arm()
                channel = Channel(ProxyDialer(port), "r", 1, time_outs=TimeOuts())
                for number, body in enumerate(bodies):
                    exchanges.append(await channel.exchange(put(number, body), Sink()))
                await channel.aclose()
                nursery.cancel_scope.cancel()

        trio.run(main)
        return exchanges, server, strikes

    return run


def statuses(exchanges: list[Exchange]) -> list[int | None]:
    return [one.response.status if one.response and not one.failure else None for one in exchanges]


@pytest.mark.parametrize("armed", [True, False])
def test_nothing_changes_where_nothing_is_planned_or_it_is_healed(exchange: Callable[..., Any], armed: bool) -> None:
    done, server, strikes = exchange([fault(DropReply())] if not armed else [], b"one", b"x" * 300_000, armed=armed)
    assert statuses(done) == [201, 201]
    assert server.bodies == [b"one", b"x" * 300_000]
    assert strikes == []


def test_a_lost_reply_is_of_a_request_that_arrived(exchange: Callable[..., Any]) -> None:
    done, server, strikes = exchange([fault(DropReply(), share=0.0, nth=(2,))], b"one", b"two", b"three")
    assert statuses(done) == [201, None, 201]
    assert server.bodies == [b"one", b"two", b"three"]
    assert [(one.fault, one.toxic, one.step, one.request_id, one.match) for one in strikes] == [
        ("f", "drop-reply", PUT, "run-1.1", 2)
    ]


def test_a_swallowed_request_never_arrives(exchange: Callable[..., Any]) -> None:
    done, server, strikes = exchange([fault(BlackHole(hold_s=0.01), share=0.0, nth=(1,))], b"one", b"two")
    assert statuses(done) == [None, 201]
    assert done[0].sent.anything
    assert server.bodies == [b"two"]
    assert [one.direction for one in strikes] == [Direction.REQUEST]


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_a_request_is_cut_within_its_body(exchange: Callable[..., Any], ending: Ending) -> None:
    cut = Cut(after_bytes=(100_000, 100_000), ending=ending)
    done, server, strikes = exchange([fault(cut)], b"short", b"x" * 200_000)
    assert statuses(done) == [201, None]
    assert server.bodies == [b"short"]
    assert [one.request_id for one in strikes] == ["run-1.1"]


def test_a_reply_is_cut_in_its_middle(exchange: Callable[..., Any]) -> None:
    cut = Cut(after_bytes=(44, 44), ending=Ending.CLOSE, direction=Direction.REPLY)
    (done,), server, strikes = exchange([fault(cut)], b"one")
    assert (done.response.status, done.failure is not None) == (201, True)
    assert server.bodies == [b"one"]
    assert [(one.direction, one.request_id) for one in strikes] == [(Direction.REPLY, "run-0.1")]


def test_after_a_half_close_the_next_request_on_the_connection_is_struck_as_well(exchange: Callable[..., Any]) -> None:
    whole = Cut(after_bytes=(3, 3), ending=Ending.HALF_CLOSE)
    done, server, strikes = exchange([fault(whole, share=0.0, nth=(1,))], b"one", b"two")
    assert server.bodies == [b"one"]
    assert statuses(done) == [201, None]
    assert [one.request_id for one in strikes] == ["run-0.1", "run-1.1"]


def test_slow_lines_lose_nothing(exchange: Callable[..., Any]) -> None:
    slow = fault(Latency(delay_s=0.01), Slice(size=7, most=20), Slice(size=3, most=9, direction=Direction.REPLY))
    done, server, strikes = exchange([slow], b"x" * 100_000, b"two")
    assert statuses(done) == [201, 201]
    assert server.bodies == [b"x" * 100_000, b"two"]
    assert {one.toxic for one in strikes} == {"latency", "slice"}
