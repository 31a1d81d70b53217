"""The live picture of a run: what it shows, that it fits, and that a registry cannot steer the terminal through it."""

import pytest
from rich.console import Console

from nscr_cli.history.ops import F
from nscr_cli.monitors.progress import (
    PHASES,
    OperationCount,
    Progress,
    RegistryFigures,
    progress_line,
    render_progress,
)


def picture(**changed: object) -> Progress:
    facts: dict[str, object] = {
        "run": "mixed · seed 42",
        "target": "http://127.0.0.1:5000",
        "phase": "main",
        "elapsed_s": 12.0,
        "total_s": 20.0,
        "workers": 8,
        "operations": tuple(OperationCount(f=f.value, ok=12345, fail=7, info=1, p50_ms=3.21, p99_ms=1234.5) for f in F),
        "rates": (900.0, 1000.0, 1100.0),
        "latencies_ms": (10.0, None, 20.0),
        "p50_ms": 3.2,
        "p99_ms": 120.4,
        "registry": RegistryFigures(status="healthy", repositories=3, manifests=15, blobs=45, open_uploads=2),
    }
    return Progress(**(facts | changed))  # type: ignore[arg-type]


def screen(progress: Progress, width: int) -> list[str]:
    console = Console(width=width, height=50, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(render_progress(progress, width))
    return capture.get().splitlines()


@pytest.mark.parametrize(("width", "height", "rows"), [(80, 24, 12), (200, 50, len(F))])
def test_fits_the_terminal_with_every_kind_of_operation_and_alerts(width: int, height: int, rows: int) -> None:
    lines = screen(picture(alerts=("a" * 500, "b" * 500, "c" * 500)), width)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "8s left of 20s" in text
    assert "1,000 ops/s" in text
    assert "p50 3.20 ms · p99 120 ms" in text
    assert "healthy · 3 repositories · 15 manifests · 45 blobs · 2 uploads" in text
    shown = [f for f in F if f"{f.value} " in text]
    assert len(shown) == (rows if rows == len(F) else rows - 1)
    assert "…" not in "".join(line for line in lines if not line.startswith("!"))


def test_where_there_is_no_room_the_rarest_kinds_of_operations_are_one_row() -> None:
    counts = tuple(
        OperationCount(f=f"kind-{number}", ok=number, fail=1, info=0, p50_ms=1.0, p99_ms=2.0) for number in range(14)
    )
    text = "\n".join(screen(picture(operations=counts), 80))
    assert [number for number in range(14) if f"kind-{number} " in text] == list(range(3, 14))
    assert next(line.split() for line in text.splitlines() if "others" in line) == ["3", "others", "3", "3", "0"]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("width", [20, 40, 80, 119, 120, 300])
def test_every_phase_renders_at_every_width(phase: str, width: int) -> None:
    assert screen(picture(phase=phase, total_s=None, operations=(), registry=None), width)


def test_an_empty_start_says_nothing_false() -> None:
    empty = Progress(run="tags", target="here", phase="prepare", elapsed_s=0, total_s=20, workers=1)
    text = "\n".join(screen(empty, 80))
    assert "1 worker" in text
    assert "p50 – · p99 –" in text
    assert "no monitoring API" in text


def test_outcomes_are_summed_over_operations() -> None:
    progress = picture(operations=(OperationCount(f="a", ok=1, fail=2, info=3), OperationCount(f="b", ok=10)))
    assert (progress.ok, progress.fail, progress.info) == (11, 2, 3)
    assert picture(elapsed_s=25.0).left_s == 0
    assert picture(rates=()).rate == 0


def test_the_line_says_the_same() -> None:
    line = progress_line(picture(operations=(OperationCount(f="push-blob", ok=1234, fail=5, info=0),)))
    assert line == (
        "main 12s/20s | 1,000 ops/s | ok 1,234 fail 5 info 0 | p50 3.20 ms p99 120 ms | "
        "status healthy repositories 3 manifests 15 blobs 45 uploads 2"
    )


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "a\nb", "\u202eevil", "[bold red]markup"])
def test_hostile_strings_stay_text(hostile: str) -> None:
    progress = picture(alerts=(hostile,), registry=RegistryFigures(status=hostile))
    for text in ("\n".join(screen(progress, 80)), progress_line(progress)):
        assert "\x1b[2J" not in text
        assert "\x9b" not in text
        assert "\u202e" not in text
    assert "\n" not in progress_line(progress)
    assert ("[bold red]markup" in "\n".join(screen(progress, 80))) == (hostile == "[bold red]markup")
