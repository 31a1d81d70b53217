"""A few operations as lines of text on one axis of time, so that a reader sees which of them overlapped. Pure.

The axis has one step for each distinct stamp, not for each millisecond: a seed and a final read lie seconds apart, two
racing writes microseconds, and it is only the order that proves anything. Intervals are closed: two operations that
share a stamp share a column, and were concurrent.
"""

from collections.abc import Sequence

from tabulate import tabulate

from nscr_cli.checkers.wording import outcome
from nscr_cli.history.history import NEVER, Operation
from nscr_cli.ui import printable

_WIDE_STEP = 3
_MOST_WIDE_STAMPS = 16
_NARROW_AXIS = 16  # of eight operations each stamp has a column of its own
_NARROW_OUTCOME = 30


def timeline(operations: Sequence[Operation]) -> str:
    """One line an operation, in order of invocation: who, what, its interval as a bar, its times, what came back.

    `|` is its start and its end, `>` an end that nobody knows. Times are seconds since the run's start.
    """
    stamps = _stamps(operations)
    step = _WIDE_STEP if len(stamps) <= _MOST_WIDE_STAMPS else 1
    columns = {stamp: number * step for number, stamp in enumerate(stamps)}
    end_of_axis = len(stamps) * step
    rows = [
        (
            f"#{one.index}",
            f"process {one.process}",
            str(one.f),
            _bar(columns[one.start_ns], columns.get(one.end_ns), end_of_axis),
            f"{one.start_ns / 1e9:.6f}",
            "?" if one.end_ns == NEVER else f"{one.end_ns / 1e9:.6f}",
            printable(outcome(one)),
        )
        for one in operations
    ]
    headers = ("op", "who", "asked", "order of events, not to scale", "from s", "to s", "came back")
    return tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True)


def narrow_timeline(operations: Sequence[Operation]) -> list[str]:
    """The same for few operations, for a narrow terminal: without times, and outcomes cut short."""
    stamps = _stamps(operations)
    step = max(1, min(_WIDE_STEP, _NARROW_AXIS // max(1, len(stamps))))
    columns = {stamp: number * step for number, stamp in enumerate(stamps)}
    rows = [
        (
            f"#{one.index}",
            str(one.process),
            str(one.f),
            _bar(columns[one.start_ns], columns.get(one.end_ns), len(stamps) * step),
            printable(outcome(one), limit=_NARROW_OUTCOME),
        )
        for one in operations
    ]
    headers = ("op", "by", "asked", "in order", "came back")
    return tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True).splitlines()


def _stamps(operations: Sequence[Operation]) -> list[int]:
    return sorted({stamp for one in operations for stamp in (one.start_ns, one.end_ns) if stamp != NEVER})


def _bar(start: int, end: int | None, end_of_axis: int) -> str:
    if end is None:
        bar = "|" + "-" * (end_of_axis - start - 2) + ">"
    else:
        bar = "|" if start == end else "|" + "-" * (end - start - 1) + "|"
    # Dots, because a table may strip the spaces that a cell begins with.
    return "." * start + bar + "." * (end_of_axis - start - len(bar))
