"""What a process holds is read from the kernel, and a process that is gone holds nothing."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trio

from nscr_cli.history.resources import Resources
from nscr_cli.targets.process_resources import ProcessResources


def held_by(process: int) -> Resources:
    held = trio.run(ProcessResources(process).resources)
    assert held is not None
    return held


def test_what_is_opened_and_closed_is_counted(tmp_path: Path) -> None:
    before = held_by(os.getpid())
    assert before.process == os.getpid()
    assert before.memory_bytes > 1024 * 1024
    with (tmp_path / "file").open("w"), socket.socket():
        during = held_by(os.getpid())
    assert during.descriptors - before.descriptors == 2
    assert during.sockets - before.sockets == 1
    assert held_by(os.getpid()).descriptors == before.descriptors


def test_threads_are_counted() -> None:
    before = held_by(os.getpid()).threads
    assert before >= threading.active_count()  # others than Python's may run as well
    release = threading.Event()
    waiting = threading.Thread(target=release.wait)
    waiting.start()
    try:
        assert held_by(os.getpid()).threads == before + 1
    finally:
        release.set()
        waiting.join()


def test_memory_that_was_given_back_shows_in_the_peak() -> None:
    script = "import sys; data = bytearray(b'x' * 200_000_000); del data; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        held = held_by(process.pid)
        process.communicate()
    assert held.peak_memory_bytes > 200_000_000 > held.memory_bytes


@pytest.mark.parametrize("is_reaped", [False, True])
def test_a_process_that_is_gone_holds_nothing(is_reaped: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        if is_reaped:
            process.wait()
        else:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert trio.run(ProcessResources(process.pid).resources) is None
