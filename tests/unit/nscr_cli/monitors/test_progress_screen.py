"""The screen of a run: it fits whatever it is shown on, says what matters, and no registry steers it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from nscr_cli.history.ops import F
from nscr_cli.monitors.progress import PHASES, Broken, FaultCount, OperationCount, Progress, RegistryFigures
from nscr_cli.monitors.progress_screen import render_progress
from tests.unit.nscr_cli.monitors.pictures import picture

FAULTS = tuple(
    FaultCount(name=f"fault-{number}", toxics="cut", state=state, struck=number, last_step=step, last_s=last)
    for number, (state, step, last) in enumerate(
        [("active", "get-blob", 0.3), ("active", None, None), ("from 10s", None, None), ("over", "put-manifest", 9.0)]
    )
)
BROKEN = tuple(
    Broken(checker="blobs", rule=f"rule-{number}", key="r@sha256:ab", text="x" * 300, first_s=3.2, count=number + 1)
    for number in range(8)
)


def screen(progress: Progress, width: int, height: int, *, colours: str | None = None) -> list[str]:
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, legacy_windows=False, _environ={},
        color_system=colours,  # type: ignore[arg-type]
    )  # fmt: skip
    with console.capture() as capture:
        console.print(render_progress(progress, width, height))
    return capture.get().splitlines()


def labelled(lines: list[str], label: str) -> str:
    return next(line for line in lines if line.startswith(label))


@pytest.mark.parametrize(("width", "height", "rows"), [(80, 24, 13), (200, 50, len(F)), (80, 50, len(F))])
def test_fills_the_terminal_and_no_more(width: int, height: int, rows: int) -> None:
    lines = screen(picture(), width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    assert "8s left of 20s" in text
    assert "1,000 ops/s" in text
    assert "p50 3.20 ms · p95 40.0 ms · p99 120 ms" in text
    assert "✓ healthy · 3 repositories · 15 manifests · 45 blobs · 2 uploads" in text
    assert "[main]" in text
    assert "✓ nothing found yet" in lines[0]
    shown = [f for f in F if f"{f.value} " in text]
    assert len(shown) == rows
    assert ("others" in text) == (rows < len(F))
    if rows < len(F):
        assert len(lines) == height


@given(
    width=st.integers(1, 260),
    height=st.integers(1, 70),
    phase=st.sampled_from(PHASES),
    faults=st.integers(0, len(FAULTS)),
    broken=st.integers(0, len(BROKEN)),
    alerts=st.integers(0, 3),
    operations=st.integers(0, len(F)),
    seconds=st.integers(0, 300),
)
def test_whatever_there_is_to_show_fits_every_size(
    width: int, height: int, phase: str, faults: int, broken: int, alerts: int, operations: int, seconds: int
) -> None:
    progress = picture(
        phase=phase,
        faults=FAULTS[:faults],
        broken=BROKEN[:broken],
        alerts=("a" * 500,) * alerts,
        operations=picture().operations[:operations],
        rates=(1.0,) * seconds,
        latencies_ms=(None, 2.0) * (seconds // 2),
    )
    lines = screen(progress, width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    assert height < 2 or broken == 0 or width < 70 or f"✗ {broken} promise" in lines[0]


def test_where_there_is_no_room_the_rarest_kinds_of_operations_are_one_row() -> None:
    counts = tuple(
        OperationCount(f=f"kind-{number}", ok=number, fail=1, info=0, p50_ms=1.0, p99_ms=2.0) for number in range(16)
    )
    text = "\n".join(screen(picture(operations=counts), 80, 24))
    assert [number for number in range(16) if f"kind-{number} " in text] == list(range(3, 16))
    assert next(line.split() for line in text.splitlines() if "others" in line) == ["3", "others", "3", "3", "0"]


def test_findings_are_told_with_their_rule_since_when_and_where() -> None:
    lines = screen(picture(broken=BROKEN[:2]), 80, 24)
    assert lines[0].rstrip().endswith("✗ 2 promises broken")
    assert labelled(lines, "findings").startswith("findings  ✗ rule-0 ×1 since 3.2s · r@sha256:ab · xxx")
    assert labelled(lines, "          ✗ rule-1 ×2 since 3.2s")


def test_more_findings_than_there_is_room_for_are_counted() -> None:
    lines = screen(picture(broken=BROKEN), 80, 24)
    assert lines[0].rstrip().endswith("✗ 8 promises broken")
    shown = [line for line in lines if "✗ rule-" in line]
    assert len(shown) == 3
    assert f"✗ 5 other rules ×{4 + 5 + 6 + 7 + 8}" in "\n".join(lines)


def test_faults_are_told_as_they_strike() -> None:
    lines = screen(picture(faults=FAULTS), 80, 24)
    assert labelled(lines, "faults").split() == ["faults", "●", "fault-0", "0", "struck", "active", "300ms", "ago"]
    text = "\n".join(lines)
    assert "○ fault-2" in text
    assert "2 struck  from 10s" in text
    wide = "\n".join(screen(picture(faults=FAULTS), 200, 50))
    assert "active  cut  get-blob 300ms ago" in wide


def test_where_there_is_no_room_for_all_faults_those_that_struck_last_are_shown() -> None:
    lines = screen(picture(faults=FAULTS), 80, 16)
    text = "\n".join(lines)
    assert "fault-0" in text
    assert "others: " in text
    assert len(lines) == 16


def test_a_wide_screen_has_charts_beside_the_table() -> None:
    lines = screen(picture(), 200, 50)
    (head,) = (line for line in lines if "operation  " in line)
    assert head.startswith("rate      1,000 ops/s · at most 1,100; a bar a second")
    assert sum("█" in line for line in lines) >= 15


def test_an_empty_start_says_nothing_false() -> None:
    empty = Progress(run="tags", target="here", phase="prepare", elapsed_s=0, total_s=20, workers=1)
    text = "\n".join(screen(empty, 80, 24))
    assert "1 worker ·" in text
    assert "p50 – · p95 – · p99 –" in text
    assert "no monitoring API" not in text
    assert "no monitoring API" in "\n".join(screen(picture(registry=None, is_monitored=False), 80, 24))


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "done"])
def test_every_phase_is_marked_and_explained(phase: str) -> None:
    for width in (40, 80, 200):
        lines = screen(picture(phase=phase), width, 24)
        assert f"[{phase}]" in lines[1]
        assert cell_len(lines[1]) <= width
        assert len(lines[2].strip()) > 20


def test_processes_are_told_of() -> None:
    text = "\n".join(screen(picture(processes=3, elapsed_s=0.0), 80, 24))
    assert "8 workers in 3 processes" in text
    assert "3 processes get ready to load" in text


def test_forty_columns_show_what_matters() -> None:
    lines = screen(picture(broken=BROKEN[:1], faults=FAULTS[:1]), 40, 24)
    text = "\n".join(lines)
    for words in ("[main]", "8s left of 20s", "1,000 ops/s", "p50 3.20 ms · p99 120 ms", "✗ rule-0 ×1", "0 struck"):
        assert words in text
    assert labelled(lines, "operation").split() == ["operation", "ok", "fail", "info"]


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "a\nb", "\u202eevil", "[bold red]markup"])
def test_hostile_strings_stay_text(hostile: str) -> None:
    broken = Broken(checker="blobs", rule="r", key=hostile, text=hostile, first_s=1.0)
    progress = picture(alerts=(hostile,), registry=RegistryFigures(status=hostile), broken=(broken,), run=hostile)
    text = "\n".join(screen(progress, 80, 24))
    assert not set(text) & {"\x1b", "\x9b", "\u202e"}
    assert len(text.splitlines()) <= 24
    assert ("[bold red]markup" in text) == (hostile == "[bold red]markup")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_no_colour_is_white_or_black_and_none_tells_anything_alone(size: tuple[int, int]) -> None:
    """Codes of black, white and their bright forms, before or behind the text, in any of the ways to write them."""
    progress = picture(broken=BROKEN, faults=FAULTS, alerts=("a",))
    coloured = "\n".join(screen(progress, *size, colours="256"))
    codes = {code for part in coloured.split("\x1b[")[1:] for code in [part.partition("m")[0]]}
    assert any("38;5;" in code for code in codes)
    for code in codes:
        numbers = code.split(";")
        assert not set(numbers[:1]) & {"30", "37", "40", "47", "90", "97", "100", "107"}
        assert "48" not in numbers
        if "38" in numbers:
            assert numbers[numbers.index("38") + 2] not in {"0", "7", "8", "15", "16", "231", "232", "255"}
    plain = "\n".join(screen(progress, *size))
    for sign in ("✗", "✓", "●", "○", "!"):
        assert sign in plain
