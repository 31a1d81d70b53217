"""Real runs in turns: one build is never called slower than itself, one that is slower by three tenths always is.

Takes half a minute a round and runs ahead of everything else on the machine where it may (chrt).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("NSCR_BENCH_ROUNDS", "20"))
TURNS = 4
LOAD = ("mixed", "--workers", "8", "--rate", "60", "--duration", "8s", "--seed", "1")


def _ahead() -> list[str]:
    chrt = shutil.which("chrt")
    may = chrt is not None and subprocess.run([chrt, "--rr", "1", "true"], capture_output=True).returncode == 0
    return [str(chrt), "--rr", "1"] if may else []


def _nscr(*words: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("nscr"))
    return subprocess.run([program, *words], capture_output=True, text=True)


def _run(reports: Path, *words: str) -> str:
    program = str(Path(sys.executable).with_name("nscr"))
    done = subprocess.run(
        [*_ahead(), program, "torture", *LOAD, *words, "--reports", str(reports)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].removeprefix("report: ")


def _told(new: list[str], old: list[str]) -> tuple[int, str]:
    others = [word for one in old for word in ("--compare", one)]
    done = _nscr("report", *new, *others, "--json")
    facts = json.loads(done.stdout)
    first = facts["speeds"][0] if facts["speeds"] else {"ratio": 0, "low": 0, "high": 0}
    why = f" {facts['cannot_tell_because']}" if facts["cannot_tell_because"] else ""
    return done.returncode, f"{facts['speed']} {first['ratio']:.2f} ({first['low']:.2f} to {first['high']:.2f}){why}"


@pytest.mark.timeout(3600)
def test_twenty_comparisons_of_one_build_and_twenty_with_a_slower_one(tmp_path: Path) -> None:
    first, second, slow = [], [], []
    same, slower = [], []
    for number in range(ROUNDS + TURNS - 1):
        first.append(_run(tmp_path))
        second.append(_run(tmp_path))
        slow.append(_run(tmp_path, "--sabotage", "slow-answers"))
        if number + 1 >= TURNS:
            same.append(_told(second[-TURNS:], first[-TURNS:]))
            slower.append(_told(slow[-TURNS:], second[-TURNS:]))
            print(f"\n{len(same)}: the same build {same[-1][1]}; a slower one {slower[-1][1]}", end="", flush=True)
    assert [code for code, _ in same].count(4) == 0
    assert [code for code, _ in slower].count(4) == ROUNDS
