"""What a process holds is read from the kernel, and a process that is gone holds nothing.

Each test looks at a process of its own: in the one that runs the tests, others may open and close what they like.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from nscr_cli.history.resources import Resources
from nscr_cli.targets.process_resources import ProcessResources

# Does one line after the other, and says when each is done.
OBEDIENT = "import socket, sys, threading\nfor line in sys.stdin:\n    exec(line)\n    print('done', flush=True)"


def held_by(process: int) -> Resources:
    held = trio.run(ProcessResources(process).resources)
    assert held is not None
    return held


class Obedient:
    """A process that does what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def do(self, line: str) -> Resources:
        """Have it execute a line; what it holds then."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"
        return held_by(self.pid)


@contextmanager
def obedient() -> Iterator[Obedient]:
    with subprocess.Popen(
        [sys.executable, "-c", OBEDIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Obedient(process)
        process.communicate()


def test_what_is_opened_and_closed_is_counted() -> None:
    with obedient() as process:
        before = process.do("pass")
        assert before.process == process.pid
        assert before.memory_bytes > 1024 * 1024
        during = process.do("file, connection = open('/dev/null'), socket.socket()")
        assert during.descriptors - before.descriptors == 2
        assert during.sockets - before.sockets == 1
        assert process.do("file.close(), connection.close()").descriptors == before.descriptors


def test_threads_are_counted() -> None:
    with obedient() as process:
        assert process.do("pass").threads == 1
        started = "release = threading.Event(); waiting = threading.Thread(target=release.wait); waiting.start()"
        assert process.do(started).threads == 2
        process.do("release.set()")


def test_memory_that_was_given_back_shows_in_the_peak() -> None:
    with obedient() as process:
        held = process.do("data = bytearray(b'x' * 200_000_000); del data")
    assert held.peak_memory_bytes > 200_000_000 > held.memory_bytes


@pytest.mark.parametrize("is_reaped", [False, True])
def test_a_process_that_is_gone_holds_nothing(is_reaped: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        if is_reaped:
            process.wait()
        else:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert trio.run(ProcessResources(process.pid).resources) is None
