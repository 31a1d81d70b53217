"""`nscr torture` on a real terminal, at 80x24 and at 200x50: what the screen shows while it runs, and after."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.e2e.conftest import clean_environment
from tests.e2e.loads import load_of
from tests.e2e.screen import Screen, framed, on_screen

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("tmux")]

SIZES = [(80, 24), (200, 50)]
STRUCK = re.compile(r"● lost-reply-of-an-upload-step +[1-9][\d,]* struck +active")


@contextmanager
def torturing(
    program: str,
    folder: Path,
    *words: str,
    width: int = 80,
    height: int = 24,
    term: str = "xterm-256color",
    **more: str,
) -> Iterator[Screen]:
    command = [program, "torture", *words, "--seed", "11", "--workers", "6"]
    with on_screen(command, width=width, height=height, term=term, environment=more, folder=folder) as screen:
        yield screen


def is_whole(text: str) -> bool:
    """A picture of the load from its title to its table, not the half of one."""
    lines = text.splitlines()
    return "· seed 11 ·" in lines[0] and "[main]" in lines[1] and "operation  " in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_run_with_faults_fits_the_screen_and_is_followed_by_its_verdict(
    nscr_program: str, tmp_path: Path, width: int, height: int
) -> None:
    with torturing(
        nscr_program, tmp_path, "lost-replies", *load_of(times=2), width=width, height=height
    ) as screen:  # fmt: skip
        text = screen.wait_for(
            STRUCK,
            "lost-replies · seed 11 · 6 workers · reference registry",
            "prepare › seed › [main] › quiesce › final › judge",
            re.compile(r"\d of [\d,]+ · \S+ left"),
            "ops/s",
            "p50 ",
            "p95 ",
            "p99 ",
            "✓ healthy · ",
            "findings",
            re.compile(r"^push-blob|  push-blob", re.MULTILINE),
        )
        lines = text.splitlines()
        assert len(lines) == height, framed(text)
        assert max(map(cell_len, lines)) <= width
        code, after = screen.wait_end(seconds=120), screen.everything()
        assert code == 0, framed(after)
        assert "VALID" in after
        assert "[main]" not in after, framed(after)
        assert after.rstrip().splitlines()[-2].startswith("report: reports/lost-replies/")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_an_online_rule_sees_is_on_the_screen_at_once_and_in_the_verdict(
    nscr_program: str, tmp_path: Path, width: int, height: int
) -> None:
    with torturing(
        nscr_program, tmp_path, "--duration", "90s", "--sabotage", "truncated-blob", width=width, height=height
    ) as screen:  # fmt: skip
        # Of part of a blob it is another rule, and either may be first.
        told = r"^(?:findings|        )  ✗ truncated-content ×\d+ since \S+ · \S+@sha(?:256|512):\w{12}"
        told = told if width < 100 else rf"{told} · get-blob: \d+ bytes that hash to "
        broken = re.compile(r"\A.*✗ [1-9]\d* promises? broken")
        text = screen.wait_until(
            lambda text: is_whole(text) and broken.search(text) and re.search(told, text, re.MULTILINE)
        )
        assert len(text.splitlines()) == height
        screen.send("C-c")  # what is proven stays so
        assert screen.wait_end(seconds=120) == 1
        after = screen.everything()
        assert "INVALID" in after
        assert "truncated-content" in after


def test_a_terminal_may_be_resized_in_the_midst_of_it(nscr_program: str, tmp_path: Path) -> None:
    with torturing(nscr_program, tmp_path, "--duration", "90s", width=80, height=24) as screen:
        screen.wait_until(is_whole)
        for width, height in ((200, 50), (40, 12), (80, 24)):
            screen.resize(width, height)

            def fits(text: str, width: int = width, height: int = height) -> bool:
                lines = text.splitlines()
                is_drawn = len(lines) <= height and lines[0].startswith("mixed · seed 11") and "[main]" in lines[1]
                # Nothing is left of the picture before: what is right of the phases tells the width.
                return is_drawn and lines[1].rstrip().endswith("left of 1m30s") and cell_len(lines[1].rstrip()) == width

            screen.wait_until(fits)
        screen.send("C-c")
        assert screen.wait_end(seconds=120) == 130
        assert re.search(r"VALID|UNKNOWN", screen.everything())


def test_a_run_that_is_over_at_once_leaves_its_verdict_and_nothing_else(nscr_program: str, tmp_path: Path) -> None:
    with torturing(nscr_program, tmp_path, "tags", "--duration", "200ms", width=80, height=24) as screen:
        assert screen.wait_end(seconds=120) in (0, 3)
        after = screen.everything()
        assert re.search(r"VALID|UNKNOWN", after)
        assert "ops/s" not in after, framed(after)
        assert "[main]" not in after
        assert "report: reports/tags/" in after


def test_an_interrupt_is_shown_and_the_terminal_given_back(nscr_program: str, tmp_path: Path) -> None:
    with torturing(nscr_program, tmp_path, "--duration", "30s", width=80, height=24) as screen:
        screen.wait_until(is_whole)
        screen.send("C-c")
        assert screen.wait_end(seconds=120) == 130
        after = screen.everything()
        assert "partial" in after, framed(after)
        assert "[main]" not in after


def test_several_processes_are_one_picture(nscr_program: str, tmp_path: Path) -> None:
    with torturing(
        nscr_program, tmp_path, "tags", "--processes", "2", "--duration", "90s", width=120, height=30
    ) as screen:  # fmt: skip
        screen.wait_for(re.compile(r"put-manifest +[1-9]\d"), "6 workers in 2 processes", "[main]")
        screen.send("C-c")
        assert screen.wait_end(seconds=120) == 130


def test_without_colours_the_signs_stay(nscr_program: str, tmp_path: Path) -> None:
    with torturing(nscr_program, tmp_path, "--duration", "90s", width=80, height=24, NO_COLOR="1") as screen:
        screen.wait_until(lambda text: is_whole(text) and "✓ healthy" in text)
        assert not re.search(r"\x1b\[[\d;]*(?:3[0-8]|9[0-7]|4[0-8])[;m]", screen.colours())
        screen.send("C-c")
        assert screen.wait_end(seconds=120) == 130


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(nscr_program: str, tmp_path: Path) -> None:
    with torturing(nscr_program, tmp_path, "tags", "--duration", "1s", width=200, term="dumb") as screen:
        assert screen.wait_end(seconds=120) in (0, 3)
        assert re.search(r"^main \d.*ops/s \| ok \d", screen.everything(), re.MULTILINE), framed(screen.everything())
        assert "\x1b" not in screen.colours()


@pytest.mark.parametrize(("variable", "value", "has_lines"), [("GITHUB_ACTIONS", "true", True), ("CI", "false", False)])
def test_the_log_of_a_ci_job_gets_lines_and_a_pipe_nothing(
    nscr_program: str, tmp_path: Path, variable: str, value: str, has_lines: bool
) -> None:
    clean = {
        name: text for name, text in clean_environment().items() if name not in ("CI", "GITHUB_ACTIONS", "GITLAB_CI")
    }
    done = subprocess.run(
        [nscr_program, "torture", "tags", "--duration", "1s", "--seed", "11"],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env=clean | {variable: value},
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    phases = re.findall(r"^(\w+) \S+ \| [\d,]+ ops/s \| ok ", done.stderr, re.MULTILINE)
    assert ("main" in phases) == has_lines, done.stderr
    assert has_lines or not done.stderr
