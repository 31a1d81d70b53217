"""What of a run is shown where, but for a terminal, which tests/e2e/test_live.py looks at."""

import io
import time

import pytest
import trio
from rich.console import Console
from trio.testing import MockClock

from nscr_cli.engine.live import Display, display
from nscr_cli.monitors.progress import Progress
from tests.unit.nscr_cli.monitors.pictures import picture


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def printed(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def followed(shown: Display, seconds: float) -> None:
    """Followed for so long in virtual time, through three phases."""
    phases = iter(["prepare", "seed", *["main"] * 1000])

    async def follow() -> None:
        def now() -> Progress:
            return picture(phase=next(phases))

        with trio.move_on_after(seconds):
            await shown.follow(now)

    trio.run(follow, clock=MockClock(autojump_threshold=0))


def test_the_log_of_a_ci_job_has_a_line_for_each_phase_and_not_for_each_picture(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with display(console) as shown:
        followed(shown, 4.0)
    assert [line.split()[0] for line in printed(console)] == ["prepare", "seed", "main"]


def test_a_pipe_gets_what_is_to_stay_and_nothing_else(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    with display(console) as shown:
        followed(shown, 4.0)
        with shown.busy("judge"):
            shown.say("deleting [bold]what was pushed")
            assert printed(console) == ["deleting [bold]what was pushed"]
    assert printed(console) == ["deleting [bold]what was pushed"]


@pytest.mark.slow
def test_that_the_judge_is_at_work_is_told_while_he_is(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with display(console) as shown:
        followed(shown, 1.0)
        with shown.busy("judge"):
            end = time.monotonic() + 20
            while not printed(console)[-1].startswith("judge ") and time.monotonic() < end:
                pass  # as a judge, who gives nobody else a turn
        with shown.busy("report"):
            pass  # over at once: not worth a line
    assert [line.split()[0] for line in printed(console)] == ["prepare", "seed", "main", "judge"]
