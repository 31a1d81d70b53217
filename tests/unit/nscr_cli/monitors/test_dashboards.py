"""The dashboard at every size: it fits, and tells first whether all is fine, what broke, since when, and which key."""

import re
from collections.abc import Callable, Mapping, Sequence

import pytest
from rich.console import Console

from nscr_cli.errors import TargetRefused, TargetUnreachable
from nscr_cli.monitors.dashboard_layout import render_dashboard
from nscr_cli.monitors.probing import V2
from nscr_cli.monitors.rules import ENDPOINTS, HEALTH, Answer
from nscr_cli.monitors.throughput import Rates
from nscr_cli.monitors.watching import Watching

Answers = Callable[..., dict[str, Answer]]
SIZES = [(80, 24), (200, 50)]


def clock(at_s: float) -> str:
    return f"T+{at_s:.0f}"


def new(name: str = "here") -> Watching:
    return Watching(f"http://{name}:7000", interval_s=2, total_s=60, stuck_after_s=600)


def screen(watchings: Sequence[Watching], now_s: float, width: int, height: int, colour: str | None = None) -> str:
    console = Console(width=width, height=height, force_terminal=True, color_system=colour, legacy_windows=False)  # type: ignore[arg-type]
    with console.capture() as capture:
        console.print(render_dashboard([each.picture(now_s) for each in watchings], width, height, clock))
    text = capture.get()
    if colour is None:
        lines = text.splitlines()
        assert max(map(len, lines)) <= width
        assert len(lines) <= height
    return text


@pytest.mark.parametrize(("width", "height"), [*SIZES, (120, 30), (100, 20), (80, 15)])
def test_it_fits_and_tells_the_worst_first(
    answers: Answers, silence: Mapping[str, Answer], width: int, height: int
) -> None:
    watching = new()
    uploads = [(f"upload-{number}-{'x' * 40}", 100.0 + number, 1.0) for number in range(30)]
    for number in range(200):
        watching.observe(2.0 * number, answers(uploads=uploads, blobs=number, status="degraded", generation=number))
    for number in range(200, 220):
        watching.observe(2.0 * number, silence if number % 2 else answers(uploads=uploads, generation=number))
    text = screen([watching], 441, width, height)
    assert "NOT ANSWERING  last answer T+436, 5s ago" in text
    assert "! not-answering since T+438 (3s)" in text
    assert "the registry is silent: connection refused" in text
    assert "RECOVERED" in text
    assert "alerts so far: 11" in text
    if height > 15:
        assert "upload-29" in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_fine_registry(answers: Answers, width: int, height: int) -> None:
    watching = new()
    watching.observe(0, answers(uploads=[("u1", 65, 3)], uptime_s=3720))
    watching.observe(2, answers(uploads=[("u1", 67, 3)], uptime_s=3722))
    text = screen([watching], 3, width, height)
    assert "HEALTHY  nothing is wrong · up 1h02m · answers in 4.00 ms" in text
    for piece in ("past 2s", "••", "no alerts", "u1 ", "1m07s", "1.0 MiB", "watched for 3s of 1m00s"):
        assert piece in text
    assert ("• fine   ! problem" in text) is True
    assert ("repositories" in text) is True


def test_the_throughput_has_rows_where_it_is_told(answers: Answers) -> None:
    watching = new()
    watching.observe(0, answers())
    assert "written" not in screen([watching], 1, 80, 24)
    watching.rates = Rates(0, 3 * 1024 * 1024)
    watching.observe(2, answers())
    text = screen([watching], 3, 80, 24)
    assert re.search(r"^read +0 B/s", text, re.MULTILINE)
    assert re.search(r"^written +3\.0 MiB/s", text, re.MULTILINE)


def test_how_long_ago_it_answered_is_told_when_that_is_long(answers: Answers) -> None:
    watching = new()
    watching.observe(0, answers())
    assert "answers in 4.00 ms" in screen([watching], 4, 80, 24)
    assert "answered 5s ago in 4.00 ms" in screen([watching], 5, 80, 24)


def test_that_one_endpoint_is_silent_goes_without_saying_where_all_are(
    answers: Answers, silence: Mapping[str, Answer]
) -> None:
    watching = new()
    watching.observe(0, answers())
    watching.observe(2, answers(statuses={HEALTH: None}))
    assert "! not-answering since T+2" in screen([watching], 3, 80, 24)
    watching.observe(4, silence)
    text = screen([watching], 5, 80, 24)
    assert text.count("! not-answering") == 1
    assert "! not-answering since T+4" in text
    assert "more" not in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_which_key_is_wrong_and_since_when(answers: Answers, width: int, height: int) -> None:
    watching = new()
    watching.observe(0, answers())
    lying = answers(state={"repositories": [{"name": "team/app", "tagCount": 3, "tags": ["1", "2"]}]})
    watching.observe(2, lying)
    text = screen([watching], 30, width, height)
    assert "1 PROBLEM" in text
    assert "HEALTHY" not in text
    assert "! contradiction since T+2 (28s)" in text
    assert "•!" in text
    assert "team/app has tagCount 3, 2 are listed" in " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_there_is_no_room_for_is_counted(answers: Answers, width: int, height: int) -> None:
    watching = new()
    watching.observe(0, answers(uploads=[(f"u{number}", 900, 900) for number in range(30)]))
    text = screen([watching], 1, width, height)
    assert "30 PROBLEMS" in text
    shown = text.count("! stuck-session")
    assert shown >= 1
    assert f"and {30 - shown} more" in text


def test_a_restart_is_told_and_is_no_failure(answers: Answers) -> None:
    watching = new()
    watching.observe(0, answers(uptime_s=500))
    watching.observe(2, answers(uptime_s=1))
    text = screen([watching], 4, 80, 24)
    assert "HEALTHY  nothing is wrong" in text
    assert "restarted before T+2, 2s ago" in text
    assert "•R" in text
    assert "T+2 NOTICE restarted: uptime fell from 8m20s to 1s" in text
    assert watching.alerts == 0
    assert "restarted before" not in screen([watching], 900, 80, 24)


def test_warnings_of_a_healthy_registry_are_told(answers: Answers) -> None:
    watching = new()
    watching.observe(0, answers(warnings=["the clock is off"]))
    assert "the registry warns: the clock is off" in screen([watching], 1, 80, 24)


def test_degraded_is_yellow_and_anything_else_wrong_is_red(answers: Answers) -> None:
    degraded, worse = new(), new()
    degraded.observe(0, answers(status="degraded"))
    worse.observe(0, answers(status="degraded", state={"repositories": []}))
    assert "\x1b[1;33mDEGRADED" in screen([degraded], 1, 80, 24, "standard")
    assert "\x1b[1;31mDEGRADED" in screen([worse], 1, 80, 24, "standard")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (80, 12)])
def test_several_registries(answers: Answers, silence: Mapping[str, Answer], width: int, height: int) -> None:
    fine, silent, never = new("fine"), new("silent"), new("never")
    for number in range(5):
        fine.observe(2.0 * number, answers())
        silent.observe(2.0 * number, answers() if number < 3 else silence)
        never.observe(2.0 * number, silence)
    never.error = TargetUnreachable("http://never:7000: connection refused", hint="")
    text = screen([fine, silent, never], 9, width, height)
    assert "2 OF 3 NOT FINE  silent:7000: not answering since T+6" in text
    for piece in ("fine:7000", "HEALTHY", "silent:7000", "NOT ANSWERING", "never:7000", "NO ANSWER", "•••××"):
        assert piece in text
    assert "connection refused" in text
    if width == 80:
        assert text.index("silent:7000  NOT") < text.index("fine:7000  HEALTHY")
    else:
        assert text.index("─ fine:7000") < text.index("─ silent:7000")


def test_one_that_does_not_let_us_in_has_another_word(answers: Answers) -> None:
    fine, refusing = new("fine"), new("refusing")
    fine.observe(0, answers())
    refusing.error = TargetRefused("http://refusing:7000 wants other credentials: HTTP 401", hint="")
    text = screen([fine, refusing], 3, 80, 24)
    assert "refusing:7000  NOTHING TO WATCH" in text
    assert "wants other credentials: HTTP 401" in text


@pytest.mark.parametrize(("width", "height"), [(40, 12), (20, 5)])
def test_a_tiny_terminal_is_no_crash(answers: Answers, width: int, height: int) -> None:
    several = [new("a"), new("b"), new("c")]
    for each in several:
        each.observe(0, answers(state={"repositories": []}, uploads=[("u", 900, 900)]))
    for shown in (several[:1], several):
        console = Console(width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(render_dashboard([each.picture(1) for each in shown], width, height, clock))
        assert "PROBLEM" in capture.get() or "NOT FINE" in capture.get()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_as_many_as_there_are_fit(answers: Answers, count: int) -> None:
    several = [new(f"r{number}") for number in range(count)]
    for each in several:
        each.observe(0, answers(state={"repositories": []}, uploads=[("u", 900, 900)]))
    for width, height in SIZES:
        text = screen(several, 1, width, height)
        assert all(f"r{number}:7000" in text for number in range(count))
        assert f"{count} OF {count} NOT FINE" in text


def test_all_are_fine(answers: Answers) -> None:
    several = [new("a"), new("b")]
    assert "2 still silent" in screen(several, 0, 80, 24)
    for each in several:
        each.observe(0, answers())
    assert "ALL FINE" in screen(several, 1, 80, 24)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_without_the_monitoring_api_it_says_so(answers: Answers, width: int, height: int) -> None:
    probed = new("probed")
    probed.absence = "no monitoring API"
    for number in range(3):
        probed.observe(2.0 * number, {V2: Answer(endpoint=V2, latency_ms=3.5, status=200)})
    text = screen([probed], 5, width, height)
    assert "UP  nothing is wrong · answers in 3.50 ms" in text
    assert "no monitoring API: probing /v2/ only" in text
    assert "manifests" not in text
    assert "uploads" not in text
    other = new("other")
    other.observe(0, answers())
    assert "no monitoring API: probing /v2/ only" in screen([probed, other], 5, width, height)


def test_the_words_are_there_without_colours(answers: Answers) -> None:
    watching = new()
    watching.observe(0, answers(statuses=dict.fromkeys(ENDPOINTS, 500)))
    plain, coloured = (screen([watching], 1, 80, 24, colour) for colour in (None, "standard"))
    assert "server-error since T+0" in plain
    assert "\x1b[31m" in coloured or "\x1b[1;31m" in coloured
