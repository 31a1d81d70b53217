"""Standard streams as shells give them: a reader that has had enough, a full disk, closed descriptors."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MANY_LINES = "scenarios simulate mixed --ops 5000"  # more than a pipe holds


def _shell(nscr_program: str, line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    return subprocess.run(
        ["bash", "-c", line.replace("nscr ", f"'{nscr_program}' ")], cwd=folder, env=kept | environment, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("buffering", ["", "1"])
@pytest.mark.parametrize("command", [MANY_LINES, f"{MANY_LINES} --json", "--help", "torture --help"])
def test_a_reader_that_has_had_enough(nscr_program: str, tmp_path: Path, command: str, buffering: str) -> None:
    wait = "{ sleep 0.2; true; }"  # however little there is to say, nobody is there any more when it is said
    reader = "head -n 1" if command.startswith("scenarios") else f"{{ exec <&-; {wait}; }}"
    line = f"nscr {command} | {reader}; echo ${{PIPESTATUS[0]}}"
    done = _shell(nscr_program, line, tmp_path, PYTHONUNBUFFERED=buffering)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "141"


@pytest.mark.parametrize("buffering", ["", "1"])
def test_nothing_is_lost_in_a_slow_pipe(nscr_program: str, tmp_path: Path, buffering: str) -> None:
    line = f"nscr {MANY_LINES} --json | {{ sleep 1; wc -c; }}; nscr {MANY_LINES} --json > all; wc -c < all"
    through_the_pipe, to_a_file = _shell(nscr_program, line, tmp_path, PYTHONUNBUFFERED=buffering).stdout.split()
    assert through_the_pipe == to_a_file


@pytest.mark.parametrize("command", ["scenarios list", "--help", "scenarios show tags --json"])
def test_a_full_disk(nscr_program: str, tmp_path: Path, command: str) -> None:
    done = _shell(nscr_program, f"nscr {command} > /dev/full", tmp_path)
    assert done.returncode == 5
    assert done.stderr.startswith("nscr: standard output cannot be written: No space left on device\n  hint: ")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("nscr scenarios list >&-", 0),
        ("nscr scenarios list >&- 2>&- <&-", 0),
        ("nscr torture nope 2>&-", 2),
        ("nscr torture nope 2> /dev/full", 2),
        ("nscr gate --registry-url http://127.0.0.1:1 --username x --password-stdin <&-", 2),
        ("nscr gate --registry-url http://127.0.0.1:1 --username x --password-stdin < /dev/null", 2),
        ("printf '\\377\\376' | nscr gate --registry-url http://127.0.0.1:1 --username x --password-stdin", 2),
        ("nscr serve --port 0 --username x --password-stdin < /dev/null", 2),
    ],
)
def test_streams_that_are_closed_or_empty(nscr_program: str, tmp_path: Path, line: str, code: int) -> None:
    done = _shell(nscr_program, line, tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr


def test_a_run_whose_progress_nobody_reads_goes_on(nscr_program: str, tmp_path: Path) -> None:
    line = "nscr torture --ops 100 2> >(exec <&-; sleep 0.1); echo $?"
    told = _shell(nscr_program, line, tmp_path).stdout.splitlines()
    # Whether so few operations are enough evidence depends on how fast the machine is.
    assert (told[0].split(":")[0], told[-1]) in {("VALID", "0"), ("UNKNOWN", "3")}


def test_a_run_with_all_streams_closed_is_a_run(nscr_program: str, tmp_path: Path) -> None:
    done = _shell(nscr_program, "nscr torture --ops 100 --reports runs >&- 2>&- <&-", tmp_path)
    (verdict,) = (tmp_path / "runs" / "mixed").glob("*/verdict.json")
    assert (json.loads(verdict.read_text())["verdict"], done.returncode) in {("VALID", 0), ("UNKNOWN", 3)}
