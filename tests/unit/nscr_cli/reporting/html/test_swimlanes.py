"""A finding's picture: who asked what when, and what came back, letter for digest."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.ops import Answered, Asked, F, Kind
from nscr_cli.reporting.html.swimlanes import lanes
from tests.unit.nscr_cli.reporting.html.parsed import Parsed

NEW, OLD = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.fixture
def operations(operation: Callable[..., list[Any]]) -> list[Operation]:
    """A put that was acknowledged, a read during it, and one without end."""
    made = History([*operation(0, start_ms=1, took_ms=4, f=F.PUT_MANIFEST), *operation(2, start_ms=3, took_ms=9)])
    put, read = made.operations
    put = msgspec.structs.replace(put, asked=Asked(digest=NEW), answered=Answered(status=201, header_digest=NEW))
    read = msgspec.structs.replace(read, process=0, answered=Answered(status=200, present=True, digest=OLD, length=7))
    lost = msgspec.structs.replace(
        read, index=9, process=5, kind=Kind.INFO, end_ns=NEVER, answered=Answered(), error="reset", faults=("cut",)
    )
    return [put, read, lost]


def test_lanes_are_clients_and_bars_are_operations(operations: list[Operation]) -> None:
    shown = lanes("x", operations, below="nscr-torture/r1/")
    page = Parsed(str(shown.picture))
    (named,) = page.pictures
    assert named[1] == (
        "#0 by process 0: put-manifest t1 A → 201 A; #2 by process 0: get-manifest t1 → 200 B; "
        "#9 by process 5: get-manifest t1 → no answer nobody knows"
    )
    assert shown.letters == (("A", NEW), ("B", OLD))
    assert [one["class"] for tag, one in page.elements if one.get("class") == "lane"] == ["lane"] * 2
    assert [one["class"] for _, one in page.elements if (one.get("class") or "").startswith("bar")] == [
        "bar ok", "bar ok", "bar info",
    ]  # fmt: skip
    assert [(one.index, one.asked, one.end_s, one.faults) for one in shown.steps] == [
        (0, "put-manifest app:t1 of sha256:aaaaaaaaaaaa", "0.005000", ""),
        (2, "get-manifest app:t1", "0.012000", ""),
        (9, "get-manifest app:t1", "nobody knows", "cut"),
    ]


def test_bars_overlap_where_operations_did(operations: list[Operation]) -> None:
    picture = str(lanes("x", operations, below="").picture)
    bars = re.findall(r'class="bar \w+" x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%"', picture)
    (put, read, lost) = [(float(x), float(x) + float(width)) for x, width in bars]
    assert put[0] < read[0] < put[1] < read[1]  # they were concurrent
    assert lost[0] == read[0]
    assert lost[1] == pytest.approx(100)  # nobody knows its end


def test_of_very_many_the_first_are_drawn_and_all_are_listed(operations: list[Operation]) -> None:
    many = [msgspec.structs.replace(operations[0], index=2 * number) for number in range(30)]
    shown = lanes("x", many, below="")
    assert shown.left_out == 14
    assert str(shown.picture).count('class="bar ok"') == 16
    assert len(shown.steps) == 30
