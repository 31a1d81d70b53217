"""A registry that answers from a script, over memory streams."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
import trio
import trio.testing

from nscr_cli.client.completions import Completion
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.uploads import Locations
from nscr_cli.history.invocation import Invocation
from nscr_cli.wire.watchdog import TimeOuts

Answer = str | tuple[str, bytes] | None


class Seen(msgspec.Struct, frozen=True):
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


class Script:
    """A dialer whose other end gives one answer after another; None hangs up without any."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.seen: list[Seen] = []
        self.dials: list[tuple[str, int]] = []
        self.nursery: trio.Nursery | None = None

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        self.dials.append((host, port))
        ours, theirs = trio.testing.memory_stream_pair()
        assert self.nursery is not None
        self.nursery.start_soon(self._serve, theirs)
        return ours

    async def _serve(self, stream: trio.abc.Stream) -> None:
        async with stream:
            while (seen := await _read_request(stream)) is not None:
                self.seen.append(seen)
                answer = self._answers.pop(0)
                if answer is None:
                    return
                head, body = answer if isinstance(answer, tuple) else (answer, b"")
                is_head = seen.line.startswith("HEAD")
                framing = "" if is_head or "Content-Length" in head else f"\r\nContent-Length: {len(body)}"
                await stream.send_all(f"HTTP/1.1 {head}{framing}\r\n\r\n".encode() + (b"" if is_head else body))

    @property
    def lines(self) -> list[str]:
        return [seen.line.removesuffix(" HTTP/1.1") for seen in self.seen]


async def _read_request(stream: trio.abc.Stream) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = await stream.receive_some()
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    if "Transfer-Encoding" in headers:
        while not body.endswith(b"0\r\n\r\n"):
            body += await stream.receive_some()
    while len(body) < int(headers.get("Content-Length", 0)):
        body += await stream.receive_some()
    return Seen(line, headers, body)


class Performed(msgspec.Struct, frozen=True):
    """What an operation came to, and what the registry saw of it."""

    completion: Completion
    seen: list[Seen]
    lines: list[str]


TARGET = Target(scheme="http", host="registry.test", port=5000)


@pytest.fixture
def play() -> Callable[..., Performed]:
    """Perform an invocation against scripted answers, in virtual time."""

    def run(invocation: Invocation, *answers: Answer, target: Target = TARGET) -> Performed:
        script = Script(answers)

        async def main() -> Completion:
            async with trio.open_nursery() as nursery:
                script.nursery = nursery
                registry = RegistryClient(
                    script, target, Credentials("ann", "s3cret"), time_outs=TimeOuts(first_byte=5)
                )
                completion = await perform(registry, invocation, "r-7")
                await registry.aclose()
            return completion

        completion = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        return Performed(completion, script.seen, script.lines)

    return run


class PerformedInTurn(msgspec.Struct, frozen=True):
    """What operations of several clients came to, and what the registry saw of them."""

    completions: list[Completion]
    seen: list[Seen]
    lines: list[str]


@pytest.fixture
def play_in_turn() -> Callable[..., PerformedInTurn]:
    """Perform invocations one after another, each by a client of its own, against scripted answers."""

    def run(invocations: Sequence[Invocation], *answers: Answer) -> PerformedInTurn:
        script = Script(answers)

        async def main() -> list[Completion]:
            locations = Locations()
            completions = []
            async with trio.open_nursery() as nursery:
                script.nursery = nursery
                for invocation in invocations:
                    registry = RegistryClient(script, TARGET, time_outs=TimeOuts(first_byte=5))
                    completions.append(await perform(registry, invocation, "r-7", locations))
                    await registry.aclose()
            return completions

        completions = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        return PerformedInTurn(completions, script.seen, script.lines)

    return run
