"""Streams of server-sent events: what is sent, how many are counted, and how each of them ends."""

import json
import logging
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from nscr.http import broadcast, events
from nscr.http.broadcast import Broadcast, Event
from nscr.http.log_events import LogEvents

pytestmark = pytest.mark.anyio

STREAMS = ("/api/logs/stream", "/api/repositories/stream", "/api/throughput/stream")


class Listener:
    """One open stream."""

    def __init__(self) -> None:
        self.has_left = anyio.Event()
        self.status = 0
        self.frames: list[bytes] = []
        self.is_over = False
        self._news = anyio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"]:
            self.frames.append(message["body"])
        self.is_over = message["type"] == "http.response.body" and not message.get("more_body", False)
        self._news.set()

    async def wait_next(self) -> None:
        self._news = anyio.Event()
        await self._news.wait()

    async def wait_frame(self, number: int) -> tuple[str, Any]:
        while len(self.frames) <= number:
            await self.wait_next()
        name, data, end = self.frames[number].split(b"\n", 2)
        assert end == b"\n"
        return name.decode().removeprefix("event: "), json.loads(data.removeprefix(b"data: "))


@asynccontextmanager
async def listening(client: Any, path: str, *, method: str = "GET") -> AsyncIterator[Listener]:
    listener = Listener()
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.application, scope, listener.receive, listener.send)
        yield listener
        listener.has_left.set()


@pytest.mark.parametrize("path", STREAMS)
async def test_clients_are_counted_while_they_are_connected(client: Any, path: str) -> None:
    async def counted() -> int:
        if path != STREAMS[0]:
            services = client.services
            return int((services.repository_events if path == STREAMS[1] else services.throughput_events).clients)
        state = (await client("GET", "/api/registry/state")).json["health"]["logStreamClients"]
        health = (await client("GET", "/api/registry/health")).json["metrics"]["logStreamClients"]
        assert state == health == (await client("GET", "/api/web/status")).json["logStreamClients"]
        return int(state)

    async with listening(client, path) as one:
        assert await one.wait_frame(0) == ("connected", {"timestamp": 1_000_000})
        assert await counted() == 1
        async with listening(client, path) as two:
            await two.wait_frame(0)
            assert await counted() == 2
        assert two.is_over
        assert await counted() == 1
    assert await counted() == 0


async def test_the_count_drops_in_the_step_in_which_the_client_leaves(client: Any) -> None:
    async with listening(client, STREAMS[0]) as listener:
        await listener.wait_frame(0)
        listener.has_left.set()
        await anyio.wait_all_tasks_blocked()
        assert client.services.log_events.clients == 0


async def test_a_head_request_leaves_nobody_behind(client: Any) -> None:
    async with listening(client, STREAMS[0], method="HEAD") as listener:
        await anyio.wait_all_tasks_blocked()
        assert (listener.status, listener.frames, listener.is_over) == (200, [], True)
        assert client.services.log_events.clients == 0


async def test_log_lines(client: Any) -> None:
    handler = LogEvents(client.services.log_events, lambda publish, event: publish(event))
    logger = logging.getLogger("test.of.the.stream")
    logger.addHandler(handler)
    try:
        logger.warning("nobody listens")
        async with listening(client, STREAMS[0]) as listener:
            await listener.wait_frame(0)
            logger.warning("two\nlines and %s", "an argument")
            name, line = await listener.wait_frame(1)
    finally:
        logger.removeHandler(handler)
    assert name == "log"
    assert set(line) == {"timestamp", "level", "message", "logger", "thread"}
    assert (line["level"], line["message"]) == ("WARNING", "two\nlines and an argument")
    assert (line["logger"], line["thread"]) == ("test.of.the.stream", "MainThread")


async def test_changes_of_repositories_in_order(client: Any) -> None:
    async with listening(client, STREAMS[1]) as listener:
        await listener.wait_frame(0)
        await client.push_image("team/app", "one", b"layer")
        await client("DELETE", "/v2/team/app")
        await client("DELETE", "/v2/team/app")
        await client.push_image("b", "t")
        told = [await listener.wait_frame(number) for number in (1, 2, 3)]
        assert len(listener.frames) == 4
    assert told == [
        ("repository_update", {"action": action, "repository": repository, "timestamp": 1_000_000})
        for action, repository in (
            ("manifest_added", "team/app"),
            ("repository_deleted", "team/app"),
            ("manifest_added", "b"),
        )
    ]


async def test_a_refused_push_is_no_change(client: Any) -> None:
    async with listening(client, STREAMS[1]) as listener:
        await listener.wait_frame(0)
        assert (await client("PUT", "/v2/a/manifests/t", b"{", {"content-type": "x"})).status == 400
        await anyio.wait_all_tasks_blocked()
        assert len(listener.frames) == 1


async def test_closing_ends_all_streams_and_those_that_come_later(client: Any) -> None:
    async with (
        listening(client, STREAMS[0]) as one,
        listening(client, STREAMS[1]) as two,
        listening(client, STREAMS[2]) as three,
    ):
        for each in (one, two, three):
            await each.wait_frame(0)
        client.application.close_streams()
        await anyio.wait_all_tasks_blocked()
        async with listening(client, STREAMS[0]) as late:
            await anyio.wait_all_tasks_blocked()
            assert [each.is_over for each in (one, two, three, late)] == [True] * 4
    assert client.services.log_events.clients == 0


async def test_where_nothing_happens_a_comment_shows_that_the_stream_lives(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.01)
    async with listening(client, STREAMS[0]) as listener:
        await listener.wait_frame(0)
        await listener.wait_next()
        await listener.wait_next()
    assert listener.frames[1:3] == [b": 0 dropped\n\n"] * 2


async def test_a_slow_listener_loses_the_oldest_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "HELD_EVENTS", 2)
    source = Broadcast()
    slow, quick = source.subscribe(), source.subscribe()
    for number in range(4):
        source.publish(Event("n", b"%d" % number))
        assert await quick.wait_next() == Event("n", b"%d" % number)
    assert (slow.dropped, quick.dropped) == (2, 0)
    assert [await slow.wait_next(), await slow.wait_next()] == [Event("n", b"2"), Event("n", b"3")]
