"""Commands for alerts: what they are told and how, never two of one alert at a time, never for longer than allowed."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from nscr_cli.monitors.alert_commands import MOST_WAITING, AlertCommands

pytestmark = pytest.mark.e2e


def alert(text: str = "it is ill", *, event: str = "alert", subject: str = "") -> dict[str, object]:
    return {
        "event": event,
        "utc": "2026-01-01T00:00:00.000Z",
        "registry": "http://r",
        "rule": "unhealthy",
        "endpoint": "/api/registry/health",
        "subject": subject,
        "text": text,
    }


def run(
    script: str, documents: list[Mapping[str, object]], *, bound_s: float = 10, is_hurried: bool = False
) -> tuple[list[str], float]:
    """Tell all of them at once; what was said of the commands, and how many seconds it took."""
    said: list[str] = []

    async def main() -> float:
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            words = ["sh", "-c", script]
            commands = AlertCommands(words, nursery, say=said.append, output=subprocess.DEVNULL, bound_s=bound_s)
            for document in documents:
                commands.tell(document)
            told_s = trio.current_time() - start
            assert told_s < 5  # and not a minute, which some of them take
            await commands.finish(is_hurried=is_hurried)
            nursery.cancel_scope.cancel()
        return trio.current_time() - start

    return said, trio.run(main)


HOSTILE = "$(touch pwned); `touch pwned` ' \" \n\x00\x1b[31m ../"


def test_it_is_told_on_standard_input_and_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSCR_PASSWORD", "s3cret")
    monkeypatch.chdir(tmp_path)
    said, _ = run("cat > stdin; env > environment", [alert(HOSTILE)])
    assert said == []
    assert json.loads((tmp_path / "stdin").read_text()) == alert(HOSTILE)
    environment = (tmp_path / "environment").read_text()
    assert "NSCR_ALERT_RULE=unhealthy\n" in environment
    assert "NSCR_ALERT_TEXT=$(touch pwned); `touch pwned` ' \" ���[31m ../\n" in environment
    assert "s3cret" not in environment
    assert not (tmp_path / "pwned").exists()


def test_of_one_alert_one_at_a_time_and_in_order(tmp_path: Path) -> None:
    log = shlex.quote(str(tmp_path / "log"))
    script = f"mkdir {log}.lock && echo $NSCR_ALERT_EVENT >> {log}; sleep 0.1; rmdir {log}.lock"
    said, _ = run(script, [alert(), alert(event="recovery"), alert()])
    assert said == []
    assert (tmp_path / "log").read_text().split() == ["alert", "recovery", "alert"]


def test_different_alerts_do_not_wait_for_each_other(tmp_path: Path) -> None:
    here, there = tmp_path / "0", tmp_path / "1"
    os.mkfifo(here)
    os.mkfifo(there)
    # Each opens its own end only when the other one runs as well.
    meeting = "if [ $NSCR_ALERT_SUBJECT = 0 ]; then echo > 0; cat 1; else cat 0; echo > 1; fi"
    script = f"cd {shlex.quote(str(tmp_path))}; {meeting}"
    said, _ = run(script, [alert(subject="0"), alert(subject="1")], bound_s=5)
    assert said == []


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    said, took_s = run(
        "sleep 60 & echo $! > child; wait".replace("child", str(tmp_path / "child")), [alert()], bound_s=0.5
    )
    assert said == ["--on-alert: ended after 500ms, for alert unhealthy: it is ill"]
    assert took_s < 10
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while is_alive(child):
        assert time.monotonic() < deadline, "the child lives on"


def is_alive(process: int) -> bool:
    """A zombie that waits for somebody to ask for its exit code is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_that_does_not_listen_is_killed() -> None:
    said, took_s = run("trap '' TERM; sleep 60 & wait; sleep 60", [alert()], bound_s=0.3)
    assert len(said) == 1
    assert took_s < 10


def test_failures_are_said(tmp_path: Path) -> None:
    said, _ = run("exit 3", [alert("new\nline")])
    assert said == ["--on-alert: exit code 3, for alert unhealthy: new�line"]


def test_a_program_that_is_gone_is_said() -> None:
    said: list[str] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            commands = AlertCommands(["/no/such"], nursery, say=said.append, output=subprocess.DEVNULL)
            commands.tell(alert())
            await commands.finish(is_hurried=False)

    trio.run(main)
    assert said == ["--on-alert: /no/such cannot be run: No such file or directory"]


def test_what_waits_has_a_bound() -> None:
    said, _ = run("sleep 60", [alert()] * (MOST_WAITING + 3), is_hurried=True)
    dropped = [each for each in said if "still wait" in each]
    assert len(dropped) == 3
    assert said[-1] == f"--on-alert: the watch is over, and {MOST_WAITING} commands with it"


def test_who_hurries_waits_only_for_a_moment() -> None:
    _, took_s = run("sleep 60", [alert()], is_hurried=True)
    assert took_s < 8
