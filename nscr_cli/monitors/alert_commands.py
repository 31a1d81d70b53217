"""`--on-alert`: a command for every alert and every recovery, started without a shell and without delaying the watch.

What there is to tell comes from a registry and is hostile: it goes to the command as JSON on standard input and in the
environment, and never becomes a word of a command line. Of one alert only one command runs at a time, in the order of
what happened; of all of them, a few. What does not end in time is ended. The password of the registry stays here.
"""

import os
import signal
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec
import trio

from nscr_cli.durations import show_duration
from nscr_cli.ui import printable

BOUND_S = 10.0
MOST_AT_ONCE = 4
MOST_WAITING = 16
_GRACE_S = 1.0
_MOMENT_S = 1.0
_LONGEST_VARIABLE = 2000
_SECRETS = ("NSCR_PASSWORD",)


class AlertCommands:
    """Runs one command again and again.

    Args:
        nursery: its tasks run the commands.
        say: takes what goes wrong with them, in words.
        output: where their standard output and error go.
    """

    def __init__(
        self,
        words: Sequence[str],
        nursery: trio.Nursery,
        *,
        say: Callable[[str], None],
        output: int,
        bound_s: float = BOUND_S,
    ) -> None:
        self._words = words
        self._nursery = nursery
        self._say = say
        self._output = output
        self._bound_s = bound_s
        self._limit = trio.CapacityLimiter(MOST_AT_ONCE)
        self._waiting: dict[tuple[str, ...], deque[Mapping[str, object]]] = {}
        self._are_done = trio.Event()
        self._are_done.set()

    def tell(self, document: Mapping[str, object]) -> None:
        """Have the command run for an alert or recovery; see lines.notice_document. Returns at once."""
        name = tuple(str(document[part]) for part in ("registry", "rule", "endpoint", "subject"))
        queue = self._waiting.get(name)
        if queue is not None and len(queue) >= MOST_WAITING:
            self._say(f"--on-alert: not run for {_about(document)}: {len(queue)} before it still wait")
            return
        if queue is not None:
            queue.append(document)
            return
        self._waiting[name] = deque([document])
        self._are_done = trio.Event() if self._are_done.is_set() else self._are_done
        self._nursery.start_soon(self._work_off, name)

    async def finish(self, *, is_hurried: bool) -> None:
        """Let what waits run and end; only for a moment if somebody hurries, and not any longer once a signal comes."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            with trio.move_on_after(_MOMENT_S if is_hurried else self._bound_s + 2 * _GRACE_S) as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_cancel_at_first, received, scope)
                    await self._are_done.wait()
                    nursery.cancel_scope.cancel()
        if self._waiting:
            left = sum(1 + len(queue) for queue in self._waiting.values())
            self._say(f"--on-alert: the watch is over, and {left} commands with it")

    async def _work_off(self, name: tuple[str, ...]) -> None:
        queue = self._waiting[name]
        while queue:
            async with self._limit:
                await self._run(queue.popleft())
        del self._waiting[name]
        if not self._waiting:
            self._are_done.set()

    async def _run(self, document: Mapping[str, object]) -> None:
        ended: subprocess.CompletedProcess[bytes] | None = None
        try:
            with trio.move_on_after(self._bound_s):
                ended = await trio.run_process(
                    self._words,
                    stdin=msgspec.json.encode(document) + b"\n",
                    stdout=self._output,
                    stderr=self._output,
                    env=_environment(document),
                    check=False,
                    start_new_session=True,
                    deliver_cancel=_end,
                )
        except OSError as error:
            self._say(f"--on-alert: {self._words[0]} cannot be run: {error.strerror or error}")
            return
        if ended is None:
            self._say(f"--on-alert: ended after {show_duration(self._bound_s)}, for {_about(document)}")
        elif ended.returncode != 0:
            self._say(f"--on-alert: exit code {ended.returncode}, for {_about(document)}")


@asynccontextmanager
async def open_alert_commands(
    words: Sequence[str] | None, *, say: Callable[[str], None], output: int
) -> AsyncIterator[AlertCommands | None]:
    """What runs a command, if there is one; what still runs at the end is ended."""
    if words is None:
        yield None
        return
    async with trio.open_nursery() as nursery:
        yield AlertCommands(words, nursery, say=say, output=output)
        nursery.cancel_scope.cancel()


async def _cancel_at_first(received: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in received:
        scope.cancel()


async def _end(process: trio.Process) -> None:
    """SIGTERM to the command and all that it started, and SIGKILL to what is left of them a moment later."""
    try:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with trio.move_on_after(_GRACE_S):
            await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _environment(document: Mapping[str, object]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    told = {
        f"NSCR_ALERT_{name.upper()}": printable(str(value), limit=_LONGEST_VARIABLE) for name, value in document.items()
    }
    return ours | told


def _about(document: Mapping[str, object]) -> str:
    return printable(f"{document['event']} {document['rule']}: {document['text']}")
