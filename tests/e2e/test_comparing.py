"""`nscr report` over runs that were made: what differs between two, all of them on a page, and old ones removed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.errors import NscrError

pytestmark = pytest.mark.e2e


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    said: str = ""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Runs `nscr report` in this process, in `tmp_path`: starting one takes longer than what it does."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Done:
        done = CliRunner().invoke(app, ["report", *words])
        failed = done.exception
        code = int(failed.exit_code) if isinstance(failed, NscrError) else done.exit_code
        return Done(code, done.stdout, done.stderr, failed.message if isinstance(failed, NscrError) else "")

    return run


def test_a_run_that_broke_a_promise_beside_one_that_did_not(
    nscr_program: str, tmp_path: Path, report: Callable[..., Done]
) -> None:
    folders = []
    for sabotages in ([], ["--sabotage", "lost-tag"]):
        words = ["torture", "tags", "--ops", "300", "--workers", "1", "--seed", "1", *sabotages]
        done = subprocess.run([nscr_program, *words], capture_output=True, text=True, timeout=120, cwd=tmp_path)
        folders.append(done.stdout.splitlines()[-1].removeprefix("report: "))
    sound, broken = folders
    _compared(report, sound, broken)
    _all_of_them(report, sound, broken)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--compare", "./run"], "that is the same run"),
        (["run", "--prune", "--compare", "other"], "--compare and --prune are two things"),
        (["--prune", "--index"], "--index and --prune are two things"),
        (["run", "--index", "--compare", "other"], "--compare and --index are two things"),
        (["run", "--yes"], "--yes is for --prune"),
        (["run", "--keep", "10"], "--keep is for --prune"),
        (["--index", "--older-than", "1d"], "--older-than is for --prune"),
        (["--prune", "--json"], "--prune prints no JSON"),
        (["--prune", "--markdown"], "--markdown is for a comparison"),
        (["--prune", "--older-than", "banana"], "'banana' is not a duration"),
    ],
)
def test_what_makes_no_sense_together(report: Callable[..., Done], words: list[str], said: str) -> None:
    for folder in ("run", "other", "reports"):
        Path(folder).mkdir()
    done = report(*words)
    assert done.code == 2, done
    assert said in done.said


def test_nothing_to_prune_is_said(report: Callable[..., Done]) -> None:
    Path("empty").mkdir()
    done = report("--prune", "empty")
    assert (done.code, done.out, done.err) == (0, "", "empty: no runs here\n")


def _compared(report: Callable[..., Done], sound: str, broken: str) -> None:
    done = report(broken, "--compare", sound, "--json")
    facts = json.loads(done.out)
    assert done.code == facts["exit_code"] == 1
    assert {"checker": "tags", "rule": "lost-write", "became": "new", "new": 1, "old": 0} in facts["broken"]
    assert any("sabotages: lost-tag against none" in note for note in facts["notes"])
    gone = report(sound, "--compare", broken)
    assert gone.code == 3, gone.out  # far too short for a word about speed
    assert "broken no more; of speed nobody can tell" in gone.out
    assert report(sound, "--compare", broken, "--markdown").out.startswith("## nscr: ")
    pages = report(sound, broken)
    assert pages.code == 0
    assert pages.out.splitlines() == [f"{sound}/report.html", f"{broken}/report.html"]
    assert report(sound, "--markdown").code == 2
    assert report(sound, "--compare", "nowhere").code == 2
    _what_is_missing_is_named(report, sound)


def _what_is_missing_is_named(report: Callable[..., Done], folder: str) -> None:
    journal = Path(folder, "journal.jsonl")
    journal.rename("journal elsewhere")
    assert report(folder).said.startswith(f"{journal}: ")
    Path("journal elsewhere").rename(journal)


def _all_of_them(report: Callable[..., Done], sound: str, broken: str) -> None:
    made = report("--index", "--json")
    assert made.code == 0, made.err
    assert json.loads(made.out) == {"index": "reports/index.html", "runs": 2, "folders_gone": 0, "not_in_index": 0}
    asked = report("--prune", "--keep", "0")
    assert asked.out.splitlines() == [f"would remove {sound}"]
    assert "INVALID, and evidence" in asked.err
    assert Path(sound).exists()
    assert report("--prune", "--keep", "0", "--yes").out.splitlines() == [f"removed {sound}"]
    assert not Path(sound).exists()
    assert Path(broken).exists()
    assert "removed " in report("--prune", "--yes", broken).out
    assert not Path(broken).exists()
    assert json.loads(report("--index", "--json").out)["folders_gone"] == 2
    assert report().code == report("--index", "nowhere").code == 2
