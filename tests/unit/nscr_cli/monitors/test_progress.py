"""A picture of a run: what it sums up, and the line of a log that it makes."""

import pytest

from nscr_cli.monitors.progress import (
    Broken,
    FaultCount,
    OperationCount,
    Progress,
    RegistryFigures,
    clock,
    progress_line,
)
from tests.unit.nscr_cli.monitors.pictures import picture


def test_outcomes_are_summed_over_operations() -> None:
    progress = picture(operations=(OperationCount(f="a", ok=1, fail=2, info=3), OperationCount(f="b", ok=10)))
    assert (progress.ok, progress.fail, progress.info) == (11, 2, 3)
    assert picture(elapsed_s=25.0).left_s == 0
    assert picture(rates=(), elapsed_s=0.0).rate == 0


@pytest.mark.parametrize(
    ("changed", "share", "told"),
    [
        ({}, 0.6, "8s left of 20s"),
        ({"expected": 400, "done": 300}, 0.75, "300 of 400 · 8s left of 20s"),
        ({"total_s": None}, 0.0, "12s so far"),
        ({"elapsed_s": 99.0}, 1.0, "0ms left of 20s"),
        ({"phase": "prepare"}, 0.0, "1.5s"),
        ({"phase": "final", "done": 50, "expected": 200}, 0.25, "50 of 200 · 1.5s"),
        ({"phase": "judge"}, 1.0, "1.5s"),
    ],
)
def test_how_far_it_is(changed: dict[str, object], share: float, told: str) -> None:
    progress = picture(**changed)
    assert progress.share == pytest.approx(share)
    assert clock(progress) == told


def test_the_line_says_the_same() -> None:
    line = progress_line(picture(operations=(OperationCount(f="push-blob", ok=1234, fail=5, info=0),)))
    assert line == (
        "main 12s/20s | 1,000 ops/s | ok 1,234 fail 5 info 0 | p50 3.20 ms p95 40.0 ms p99 120 ms | "
        "status healthy repositories 3 manifests 15 blobs 45 uploads 2"
    )


def test_the_line_tells_of_faults_of_what_was_found_and_of_alarms() -> None:
    line = progress_line(
        picture(
            phase="final",
            faults=(FaultCount(name="a", toxics="cut", state="healed", struck=3),) * 2,
            broken=(Broken(checker="blobs", rule="corrupt-content", key="k", text="t", first_s=1.0, count=2),),
            alerts=("one", "the\nlast"),
        )
    )
    assert line.startswith("final 1.5s | ")
    assert line.endswith(" | faults struck 6 | FINDINGS corrupt-content x2 | ALERT the\ufffdlast")


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "a\nb", "\u202eevil"])
def test_hostile_strings_stay_one_line_of_text(hostile: str) -> None:
    line = progress_line(picture(alerts=(hostile,), registry=RegistryFigures(status=hostile)))
    assert line.isprintable() or "\ufffd" in line
    assert not set(line) & {"\x1b", "\x9b", "\n", "\u202e"}


def test_what_is_seen_again_is_counted_and_the_first_is_kept() -> None:
    first = Broken(checker="blobs", rule="r", key="one", text="t", first_s=1.0, count=2)
    later = Broken(checker="blobs", rule="r", key="other", text="t", first_s=2.0)
    assert (
        first.again(later)
        == later.again(first)
        == Broken(checker="blobs", rule="r", key="one", text="t", first_s=1.0, count=3)
    )


def test_an_empty_start_has_no_figures() -> None:
    empty = Progress(run="tags", target="here", phase="prepare", elapsed_s=0, total_s=20, workers=1)
    assert progress_line(empty) == "prepare 0ms | 0 ops/s | ok 0 fail 0 info 0 | p50 – p95 – p99 –"
