"""The reference registry as a child process: a fresh folder, a free port, an environment without settings of ours.

It runs in a session of its own, so that a Ctrl-C in the terminal reaches only us, and the kernel kills it when we die
(PR_SET_PDEATHSIG), even by SIGKILL. Linux only.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from nscr_cli.client.target import Credentials, parse_target
from nscr_cli.errors import TargetUnreachable, UsageError
from nscr_cli.exits import Exit
from nscr_cli.targets.base import Running
from nscr_cli.targets.process_resources import ProcessResources

Setting = str | int | float | bool

LOG_NAME = "registry.log"
_SETTINGS_NAME = "registry.toml"
_READY = re.compile(r"^nscr: listening on (\S+) \(data ", re.MULTILINE)
_START_S = 20.0
_STOP_S = 5.0
_LINES_SHOWN = 5
_BOOTSTRAP = (
    "import sys; from nscr_cli.targets.parent_death import die_with_parent; die_with_parent(int(sys.argv.pop(1))); "
    "from nscr_cli.app import main; main()"
)


class ReferenceTarget:
    """`nscr serve` on a folder of its own.

    Args:
        sabotages: known bugs to switch on.
        data: its folder, which is kept; without, a temporary one.
        credentials: asked of every client.
        settings: keys of docs/settings.md and their values.

    Attributes:
        death: how it ended, known once it has, where nobody asked it to.
    """

    def __init__(
        self,
        sabotages: Sequence[str] = (),
        *,
        data: Path | None = None,
        credentials: Credentials | None = None,
        settings: Mapping[str, Setting] | None = None,
    ) -> None:
        self._sabotages = sabotages
        self._data = data
        self._credentials = credentials
        self._settings = settings or {}
        self.death: str | None = None

    @asynccontextmanager
    async def running(self, run_folder: Path) -> AsyncIterator[Running]:
        """See `TortureTarget.running`."""
        data = self._data or Path(tempfile.mkdtemp(prefix="nscr-registry-"))
        log = run_folder / LOG_NAME
        process = _start(self._flags(data, run_folder), log, self._credentials)
        try:
            url = await _wait_ready(process, log)
            address, _ = parse_target(url)

            async def wait_death() -> str:
                await _wait_exit(process)
                return f"{_ending(process)}; its last words: {_last_words(log)}"

            yield Running(
                address=address,
                credentials=self._credentials,
                is_fresh=True,
                wait_death=wait_death,
                observed=ProcessResources(process.pid),
            )
        finally:
            with trio.CancelScope(shield=True):
                was_killed = await _stop(process)
                if not was_killed and process.returncode not in (0, -signal.SIGTERM):
                    self.death = f"{_ending(process)}; its last words: {_last_words(log)}"
                if self._data is None:
                    await trio.to_thread.run_sync(lambda: shutil.rmtree(data, ignore_errors=True))

    def _flags(self, data: Path, run_folder: Path) -> list[str]:
        flags = ["--host", "127.0.0.1", "--port", "0", "--data", str(data)]
        for name in self._sabotages:
            flags += ["--sabotage", name]
        if self._credentials is not None:
            flags += ["--username", self._credentials.username]
        if self._settings:
            file = run_folder / _SETTINGS_NAME
            # A file, for it refuses unknown settings. TOML writes these values as JSON does.
            lines = [f"{name} = {json.dumps(value)}\n" for name, value in self._settings.items()]
            file.write_text("".join(lines), encoding="utf-8")
            flags += ["--config", str(file)]
        return flags


def _start(flags: Sequence[str], log: Path, credentials: Credentials | None) -> subprocess.Popen[bytes]:
    """Start it from this very thread: PR_SET_PDEATHSIG counts the death of the thread that forked as the parent's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    if credentials is not None:
        environment["NSCR_AUTH_PASSWORD"] = credentials.password
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOTSTRAP, str(os.getpid()), "serve", *flags],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


async def _wait_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """The URL of the ready line. The log is read until it shows: the line goes to a file, and a file has no event."""
    with trio.move_on_after(_START_S):
        while process.poll() is None:
            ready = _READY.search(_text_of(log))
            if ready is not None:
                return ready.group(1)
            await trio.sleep(0.02)
    if process.poll() == Exit.USAGE:
        raise UsageError(f"the reference registry refused to start: {_last_words(log)}", hint="see nscr serve --help")
    how = "did not get ready" if process.poll() is None else _ending(process)
    raise TargetUnreachable(f"the reference registry {how}: {_last_words(log)}", hint=f"its whole log is {log}")


async def _wait_exit(process: subprocess.Popen[bytes]) -> None:
    descriptor = os.pidfd_open(process.pid)
    try:
        await trio.lowlevel.wait_readable(descriptor)
    finally:
        os.close(descriptor)
    process.wait()


async def _stop(process: subprocess.Popen[bytes]) -> bool:
    """SIGTERM, and SIGKILL to its whole group when that does not do, which is told; only reaped if it has ended."""
    if process.poll() is None:
        process.terminate()
        with trio.move_on_after(_STOP_S):
            await _wait_exit(process)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            await _wait_exit(process)
            return True
    return False


def _ending(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"


def _last_words(log: Path) -> str:
    lines = _text_of(log).splitlines()
    return " / ".join(lines[-_LINES_SHOWN:]) or "none"


def _text_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")
