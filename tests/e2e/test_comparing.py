"""`nscr report --compare` on runs that were made: what broke, what is said of speed, and with which exit code."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def nscr(nscr_program: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `nscr` in `tmp_path`."""
    return lambda *words: subprocess.run(
        [nscr_program, *words], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )


def test_a_run_that_broke_a_promise_against_one_that_did_not(
    nscr: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    folders = []
    for sabotages in ([], ["--sabotage", "lost-tag"]):
        done = nscr("torture", "tags", "--ops", "300", "--workers", "2", "--seed", "1", *sabotages)
        folders.append(done.stdout.splitlines()[-1].removeprefix("report: "))
    sound, broken = folders
    done = nscr("report", broken, "--compare", sound, "--json")
    facts = json.loads(done.stdout)
    assert done.returncode == facts["exit_code"] == 1
    assert {"checker": "tags", "rule": "lost-write", "became": "new", "new": 1, "old": 0} in facts["broken"]
    assert any("sabotages: lost-tag against none" in note for note in facts["notes"])
    gone = nscr("report", sound, "--compare", broken)
    assert gone.returncode == 3, gone.stdout  # far too short for a word about speed
    assert "broken no more; of speed nobody can tell" in gone.stdout
    pages = nscr("report", sound, broken)
    assert pages.returncode == 0
    assert len(pages.stdout.splitlines()) == 2
    assert nscr("report", sound, "--markdown").returncode == 2
    assert nscr("report", sound, "--compare", "nowhere").returncode == 2
