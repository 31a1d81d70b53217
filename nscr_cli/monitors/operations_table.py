"""The table of operations in the live view of a torture run, in as many lines as there are. Pure."""

from collections.abc import Sequence

from rich.text import Text

from nscr_cli.durations import show_milliseconds
from nscr_cli.monitors.palette import QUIET, WARNING
from nscr_cli.monitors.progress import OperationCount

_NAME, _COUNT, _LATENCY = 17, 9, 10
_SHORT_COUNT = 7
_FOR_LATENCIES = 78


def operation_lines(counts: Sequence[OperationCount], width: int, height: int) -> list[Text]:
    """A head, and a row for each kind of operation; where there is no room for all, the rarest in one."""
    has_latencies = width >= _FOR_LATENCIES
    count_width = _COUNT if has_latencies else _SHORT_COUNT
    head = f"{'operation':<{_NAME}}" + "".join(f"{name:>{count_width}}" for name in ("ok", "fail", "info"))
    if has_latencies:
        head += "".join(f"{name:>{_LATENCY + 1}}" for name in ("p50", "p95", "p99"))
    shown = counts
    room = max(0, height - 1)
    if len(counts) > room:
        frequent = sorted(counts, key=lambda count: count.all, reverse=True)[: max(0, room - 1)]
        shown = [count for count in counts if count in frequent]
    lines = [Text(head, style="bold underline")]
    lines += [_row(count, count_width, has_latencies=has_latencies) for count in shown]
    if len(shown) < len(counts):
        others = [count for count in counts if count not in shown]
        rest = OperationCount(
            f=f"{len(others)} others",
            ok=sum(count.ok for count in others),
            fail=sum(count.fail for count in others),
            info=sum(count.info for count in others),
        )
        lines.append(_row(rest, count_width, has_latencies=False))
    return lines[:height]


def _row(count: OperationCount, count_width: int, *, has_latencies: bool) -> Text:
    line = Text(f"{count.f:<{_NAME}}{count.ok:>{count_width},}")
    line.append(f"{count.fail:>{count_width},}", style="" if count.fail else QUIET)
    line.append(f"{count.info:>{count_width},}", style=WARNING if count.info else QUIET)
    if has_latencies:
        for value in (count.p50_ms, count.p95_ms, count.p99_ms):
            line.append(f"{show_milliseconds(value):>{_LATENCY + 1}}", style="" if value is not None else QUIET)
    return line
