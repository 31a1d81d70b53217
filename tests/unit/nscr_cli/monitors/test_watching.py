"""What the rounds add up to: figures, alerts, the time series, and both screens."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from nscr_cli.monitors.dashboard_layout import render_dashboard
from nscr_cli.monitors.dashboards import show_bytes
from nscr_cli.monitors.rules import HEALTH, SESSIONS, STATE, Answer
from nscr_cli.monitors.watch_lines import notice_line, watch_line
from nscr_cli.monitors.watching import SERIES_COLUMNS, Watching, series_row

Answers = Callable[..., dict[str, Answer]]


def clock(at_s: float) -> str:
    return f"T+{at_s:.0f}"


def new() -> Watching:
    return Watching("http://127.0.0.1:7000", interval_s=2, total_s=60, stuck_after_s=600)


def screen(watching: Watching, now_s: float, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(render_dashboard([watching.picture(now_s)], width, height, clock))
    return capture.get().splitlines()


def test_figures_of_a_round(answers: Answers) -> None:
    beat, notices = new().observe(1.5, answers(uploads=[("a", 50, 3), ("b", 90, 1)], latency_ms=7, warnings=["w"]))
    assert notices == ()
    row = dict(zip(SERIES_COLUMNS, series_row("now", "http://here", beat, notices), strict=True))
    assert row == {
        "utc": "now",
        "elapsed_s": 1.5,
        "registry": "http://here",
        "answered": True,
        "status": "healthy",
        "uptime_ms": 100000,
        "repositories": 1,
        "manifests": 3,
        "blobs": 5,
        "unreferenced_blobs": 1,
        "orphaned_manifests": 0,
        "space_to_free": 1048576,
        "open_uploads": 2,
        "oldest_upload_s": 90.0,
        "log_stream_clients": 1,
        "generation": 1,
        "state_ms": 7,
        "health_ms": 7,
        "sessions_ms": 7,
        "v2_ms": None,
        "warnings": "w",
        "alerts": "",
        "recoveries": "",
        "notices": "",
    }


def test_a_silent_round_has_no_figures(answers: Answers, silence: Mapping[str, Answer]) -> None:
    watching = new()
    watching.observe(0, answers())
    beat, notices = watching.observe(2, silence)
    row = dict(zip(SERIES_COLUMNS, series_row("now", "http://here", beat, notices), strict=True))
    assert row["answered"] is False
    assert row["blobs"] is None
    assert row["state_ms"] is None
    assert row["alerts"] == "not-answering: the registry is silent: connection refused"
    assert watch_line(beat, clock) == "T+2 no answer: connection refused"
    assert watching.alerts == 1


def test_silence_before_the_first_answer_is_no_alert(answers: Answers, silence: Mapping[str, Answer]) -> None:
    watching = new()
    watching.observe(0, silence)
    assert (watching.alerts, watching.answered_s) == (0, None)
    assert "WAITING" in "\n".join(screen(watching, 1, 80, 24))
    watching.observe(2, answers())
    assert (watching.alerts, watching.answered_s) == (0, 2)


def test_lines(answers: Answers, silence: Mapping[str, Answer]) -> None:
    watching = new()
    beat, _ = watching.observe(0, answers(blobs=1234))
    assert watch_line(beat, clock) == (
        "T+0 healthy repositories 1 manifests 3 blobs 1,234 uploads 0 unreferenced 1 orphaned 0 "
        "to-free 1.0 MiB answered in 4.00 ms"
    )
    _, (alert,) = watching.observe(2, silence)
    assert notice_line(alert, clock) == "T+2 ALERT not-answering: the registry is silent: connection refused"
    _, (recovery,) = watching.observe(4, answers(uptime_s=104))
    assert notice_line(recovery, clock).startswith("T+4 RECOVERED not-answering: ")


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "\u202eevil", "a\nb", "[red]x"])
def test_hostile_strings_stay_text(answers: Answers, hostile: str) -> None:
    watching = new()
    round_ = answers(
        status=hostile,
        warnings=[hostile],
        uploads=[(hostile, 9999, 9999)],
        repositories={hostile: ["latest"]},
        state={"registryVersion": hostile, "repositories": []},
    )
    beat, notices = watching.observe(0, round_)
    shown = [*screen(watching, 1, 200, 50), watch_line(beat, clock), *(notice_line(each, clock) for each in notices)]
    for line in shown:
        assert "\x1b" not in line
        assert "\x9b" not in line
        assert "\u202e" not in line
        assert "\n" not in line
    assert ("[red]x" in "".join(shown).lower()) == (hostile == "[red]x")


def test_partial_rounds_keep_what_is_known(answers: Answers) -> None:
    watching = new()
    beat, _ = watching.observe(0, answers(statuses={STATE: 500}, uploads=[("u", 5, 1)]))
    assert (beat.blobs, beat.status, beat.open_uploads) == (None, "healthy", 1)
    odd = answers()
    odd[HEALTH] = Answer(endpoint=HEALTH, latency_ms=1, status=200, body=json.dumps({"status": 1}).encode())
    odd[SESSIONS] = Answer(endpoint=SESSIONS, latency_ms=1, error="reset")
    beat, _ = watching.observe(2, odd)
    assert (beat.blobs, beat.status, beat.latencies_ms) == (5, "healthy", (4.0, 1, None, None))


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "–"), (0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (1048576, "1.0 MiB"), (1024**3 - 1, "1.0 GiB")],
)
def test_bytes(size: int | None, text: str) -> None:
    assert show_bytes(size) == text


def test_every_column_of_the_time_series_is_documented() -> None:
    document = (Path(__file__).parents[4] / "reports" / "README.md").read_text(encoding="utf-8")
    section = document.partition("## The time series of `nscr watch --csv FILE`\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` ", section, re.MULTILINE)) == SERIES_COLUMNS
