"""`nscr torture --processes N`: one load, several processes, one journal, and what becomes of it when one dies."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nscr_cli.history.history import History
from nscr_cli.history.journal import read_journal, read_whole_journal
from nscr_cli.history.ops import F, Kind, Op, Phase
from tests.e2e.loads import load_of
from tests.e2e.screen import is_running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
Nscr = Callable[..., subprocess.CompletedProcess[str]]


def environment(tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    return clean | {"TMPDIR": str(tmp_path)}


@pytest.fixture
def nscr(nscr_program: str, tmp_path: Path) -> Nscr:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [nscr_program, *words],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=environment(tmp_path),
        )

    return run


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def loading(pid: int) -> list[int]:
    """The children that load, in the order in which they were started."""
    return [child for child in children_of(pid) if b"crew.member" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_until(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def operations_of(folder: Path) -> list[Op]:
    return [entry for entry in read_journal(folder / "journal.jsonl") if isinstance(entry, Op)]


@pytest.fixture
def running(nscr_program: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run of two processes for a long time, once both of them load."""
    with (tmp_path / "out").open("wb") as log:
        process = subprocess.Popen(
            [nscr_program, "torture", "--duration", "600s", "--workers", "4", "--processes", "2"],
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(tmp_path),
        )
        segments = "reports/*/*/journal-*.jsonl"
        wait_until(lambda: sum(path.read_bytes().count(b'"ok"') > 5 for path in tmp_path.glob(segments)) == 2)
        yield process
        if process.poll() is None:
            process.kill()
        process.wait()


def test_two_processes_make_one_valid_history(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr("torture", "mixed", *load_of(), "--workers", "5", "--seed", "11", "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("VALID")
    assert "--processes 2" in done.stdout
    folder = tmp_path / done.stdout.splitlines()[-1].removeprefix("report: ")
    judged = nscr("judge", str(folder), "--json")
    assert judged.returncode == 0
    assert json.loads(judged.stdout) == json.loads((folder / "verdict.json").read_text())
    assert not list(folder.glob("journal-*")), "every segment is joined"
    assert not list(folder.glob("process-*.log")), "nothing was complained of"
    operations = operations_of(folder)
    assert sorted(op.index for op in operations) == list(range(len(operations)))
    main = [op for op in operations if op.phase is Phase.MAIN]
    assert [op.time_ns for op in main] == sorted(op.time_ns for op in main)
    asked = Counter(op.process % 5 for op in main if op.kind is Kind.INVOKE and op.process < 1_000_000_000)
    assert set(asked) == {0, 1, 2, 3, 4}
    # Uploads that are left open are cancelled when the load is over, by whoever is there.
    others = {op.process for op in operations if op.phase is not Phase.MAIN and op.f is not F.CANCEL_UPLOAD}
    loading = {op.process for op in main if op.f is not F.CANCEL_UPLOAD}
    assert others.isdisjoint(loading), "who conducts has processes of its own"


def test_a_logical_process_asks_the_same_in_whichever_process_it_runs(nscr: Nscr, tmp_path: Path) -> None:
    """Where answers do not change what is asked next: new tags, each of its own client."""
    asked: list[dict[int, list[tuple[str, str]]]] = []
    for processes in ("1", "3"):
        done = nscr("torture", "tag-set", "--ops", "120", "--workers", "3", "--seed", "7", "--processes", processes)
        assert done.returncode in (0, 3), done.stdout + done.stderr
        folder = tmp_path / done.stdout.splitlines()[-1].removeprefix("report: ")
        streams: dict[int, list[tuple[str, str]]] = {}
        for op in operations_of(folder):
            if op.phase is Phase.MAIN and op.kind is Kind.INVOKE and op.process < 3:
                name = op.key.partition(":")[2]
                streams.setdefault(op.process, []).append((op.f.value, name))
        asked.append(streams)
    one, three = asked
    assert sum(len(stream) for stream in three.values()) == 120
    assert [len(three[process]) for process in range(3)] == [40, 40, 40]
    for process in range(3):
        common = min(len(one[process]), len(three[process]))
        assert common > 5
        assert one[process][:common] == three[process][:common]


def test_faults_reach_every_process(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr("torture", "lost-replies", *load_of(), "--workers", "6", "--seed", "11", "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / done.stdout.splitlines()[-1].removeprefix("report: ")
    history = History(read_journal(folder / "journal.jsonl"))
    struck = [one for one in history.operations if one.faults]
    assert {one.process % 2 for one in struck if one.process < 6} == {0, 1}
    strikes = [event for event in history.events if event.name == "fault"]
    assert max(int(event.detail["in_flight"]) for event in strikes) > 1


def test_the_death_of_one_is_told_and_what_there_is_is_judged(
    running: subprocess.Popen[bytes], nscr: Nscr, tmp_path: Path
) -> None:
    first, second = loading(running.pid)
    os.kill(first, signal.SIGKILL)
    assert running.wait(timeout=90) == 5
    assert not is_running(second)
    said = (tmp_path / "out").read_text()
    assert "process 0 of the load was killed by SIGKILL" in said
    (folder,) = tmp_path.glob("reports/*/*/")
    history = History(read_journal(folder / "journal.jsonl"))
    assert history.is_partial
    assert [event.detail["process"] for event in history.events if event.name == "process-died"] == ["0"]
    assert {one.process % 2 for one in history.operations if one.phase is Phase.MAIN} == {0, 1}
    assert any(one.phase is Phase.FINAL and one.kind is Kind.OK for one in history.operations)
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict == json.loads(nscr("judge", str(folder), "--json").stdout)
    assert verdict["partial"] is True
    assert verdict["verdict"] != "INVALID"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_reaches_all_of_them(
    running: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    crew = loading(running.pid)
    running.send_signal(number)
    assert running.wait(timeout=90) == code
    assert not any(is_running(pid) for pid in crew)
    (folder,) = tmp_path.glob("reports/*/*/")
    assert not list(folder.glob("journal-*"))
    history = History(read_journal(folder / "journal.jsonl"))
    assert {one.process % 2 for one in history.operations if one.phase is Phase.MAIN} == {0, 1}
    assert any(one.phase is Phase.FINAL for one in history.operations)


def test_nothing_outlives_a_kill_and_nothing_recorded_is_lost(
    running: subprocess.Popen[bytes], nscr: Nscr, tmp_path: Path
) -> None:
    crew = children_of(running.pid)
    assert len(crew) == 3
    running.kill()
    running.wait(timeout=60)
    wait_until(lambda: not any(is_running(pid) for pid in crew))
    (folder,) = tmp_path.glob("reports/*/*/")
    history = History(read_whole_journal(folder))
    assert {one.process % 2 for one in history.operations if one.phase is Phase.MAIN} == {0, 1}
    judged = nscr("judge", str(folder), "--json")
    assert judged.returncode == 3, judged.stdout + judged.stderr
    assert json.loads(judged.stdout)["partial"] is True


def test_clients_that_wait_for_each_other_are_not_shared_out(nscr: Nscr) -> None:
    done = nscr("torture", "fresh-repo-burst", "--processes", "2")
    assert done.returncode == 2
    assert "wait for each other" in done.stderr
