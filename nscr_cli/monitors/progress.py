"""The live view of a torture run: one immutable picture of it, and how that picture looks.

Pure: knows no clock, no terminal and no engine. `render_progress` is for a terminal and fits 80x24; `progress_line` is
one line of a CI log. Figures here are for looking at; the report computes its own, exactly, from the journal.
"""

from collections.abc import Iterator, Sequence

import msgspec
from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.sparkline import sparkline
from nscr_cli.ui import printable

PHASES = ("prepare", "seed", "main", "quiesce", "final", "done")
_ALERTS_SHOWN = 2
_WIDE = 120
_ROWS = 12  # of operations, so that a screen of 24 lines holds all


class OperationCount(msgspec.Struct, frozen=True, kw_only=True):
    """How the operations of one kind went so far; percentiles are None before the first answer."""

    f: str
    ok: int = 0
    fail: int = 0
    info: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


class RegistryFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitoring API last said; None where it has not said it yet."""

    status: str | None = None
    repositories: int | None = None
    manifests: int | None = None
    blobs: int | None = None
    open_uploads: int | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One instant of a run.

    Attributes:
        run: what is run, in a few words, e.g. `mixed · seed 42`.
        target: what is tortured, e.g. a URL without credentials.
        phase: one of PHASES.
        elapsed_s, total_s: of the main phase; `total_s` None where it is not known.
        rates: operations ended in each past second, oldest first; the second that runs now is left out.
        latencies_ms: p99 of each past second, None for one without an answer.
        registry: None where there is no monitoring API.
        alerts: what went wrong so far, oldest first; may hold text of the registry.
    """

    run: str
    target: str
    phase: str
    elapsed_s: float
    total_s: float | None
    workers: int
    operations: tuple[OperationCount, ...] = ()
    rates: tuple[float, ...] = ()
    latencies_ms: tuple[float | None, ...] = ()
    p50_ms: float | None = None
    p99_ms: float | None = None
    registry: RegistryFigures | None = None
    alerts: tuple[str, ...] = ()

    @property
    def ok(self) -> int:
        """Operations that happened."""
        return sum(count.ok for count in self.operations)

    @property
    def fail(self) -> int:
        """Operations that certainly did not happen."""
        return sum(count.fail for count in self.operations)

    @property
    def info(self) -> int:
        """Operations of which nobody knows."""
        return sum(count.info for count in self.operations)

    @property
    def rate(self) -> float:
        """Operations a second over the last three whole seconds."""
        recent = self.rates[-3:]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds of the main phase that are left, where that is known."""
        return None if self.total_s is None else max(0.0, self.total_s - self.elapsed_s)


def render_progress(progress: Progress, width: int) -> RenderableType:
    """The picture for a terminal `width` columns wide."""
    head = [_title(progress), _bar(progress, width), Text()]
    is_wide = width >= _WIDE
    figures = _figures(progress, width)
    table = _operations(progress.operations, len(progress.operations) if is_wide else _ROWS)
    if is_wide:
        body: list[RenderableType] = [Columns([figures, table], padding=(0, 4))]
    else:
        body = [figures, table] if progress.operations else [figures]
    return Group(*head, *body, *_alerts(progress, width))


def progress_line(progress: Progress) -> str:
    """The picture as one line of a log."""
    total = "" if progress.total_s is None else f"/{show_duration(progress.total_s)}"
    parts = [
        f"{progress.phase} {show_duration(progress.elapsed_s)}{total}",
        f"{progress.rate:,.0f} ops/s",
        f"ok {progress.ok:,} fail {progress.fail:,} info {progress.info:,}",
        f"p50 {show_milliseconds(progress.p50_ms)} p99 {show_milliseconds(progress.p99_ms)}",
    ]
    if progress.registry is not None:
        parts.append(" ".join(f"{name} {value}" for name, value in _named_figures(progress.registry)))
    if progress.alerts:
        parts.append(f"ALERT {printable(progress.alerts[-1])}")
    return " | ".join(parts)


def _title(progress: Progress) -> Text:
    title = Text(no_wrap=True, overflow="ellipsis")
    title.append(printable(progress.run), style="bold")
    workers = "1 worker" if progress.workers == 1 else f"{progress.workers} workers"
    title.append(f" · {workers} · {printable(progress.target)}", style="dim")
    return title


def _bar(progress: Progress, width: int) -> RenderableType:
    steps = Text(no_wrap=True)
    for name in PHASES[:-1]:
        if steps:
            steps.append(" › ", style="dim")
        steps.append(name, style="bold cyan" if name == progress.phase else "dim")
    left = progress.left_s
    if progress.phase != "main":
        clock = show_duration(progress.elapsed_s)
    elif left is None:
        clock = f"{show_duration(progress.elapsed_s)} so far"
    else:
        clock = f"{show_duration(left)} left of {show_duration(progress.total_s or 0)}"
    bar_width = max(8, width - len(steps) - len(clock) - 4)
    row = Table.grid(padding=(0, 2))
    row.add_row(steps, ProgressBar(total=1.0, completed=_share(progress), width=bar_width), Text(clock, style="bold"))
    return row


def _share(progress: Progress) -> float:
    if progress.phase not in PHASES:
        return 0.0
    position = PHASES.index(progress.phase) - PHASES.index("main")
    if position or not progress.total_s:
        return 0.0 if position <= 0 else 1.0
    return min(1.0, progress.elapsed_s / progress.total_s)


def _figures(progress: Progress, width: int) -> RenderableType:
    room = max(8, (width // 2 if width >= _WIDE else width) - 46)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_row("rate", f"{progress.rate:,.0f} ops/s", Text(sparkline(progress.rates, room), style="cyan"))
    latency = f"p50 {show_milliseconds(progress.p50_ms)} · p99 {show_milliseconds(progress.p99_ms)}"
    rows.add_row("latency", latency, Text(sparkline(progress.latencies_ms, room), style="magenta"))
    outcome = Text()
    outcome.append(f"{progress.ok:,} ok", style="green")
    outcome.append(f" · {progress.fail:,} fail", style="yellow" if progress.fail else "dim")
    outcome.append(f" · {progress.info:,} info", style="red" if progress.info else "dim")
    rows.add_row("outcome", outcome)
    return Group(rows, _registry_row(progress.registry))


def _registry_row(figures: RegistryFigures | None) -> Text:
    row = Text("registry", style="dim", no_wrap=True, overflow="ellipsis")
    row.append(" ")
    if figures is None:
        return row.append("no monitoring API", style="dim")
    for position, (name, value) in enumerate(_named_figures(figures)):
        row.append(" · " if position else " ", style="dim")
        if name == "status":
            row.append(value, style="not dim green" if value == "healthy" else "not dim bold red")
        else:
            row.append(f"{value} {name}", style="not dim")
    return row


def _named_figures(figures: RegistryFigures) -> Iterator[tuple[str, str]]:
    if figures.status is not None:
        yield "status", printable(figures.status, limit=20)
    for name, value in (
        ("repositories", figures.repositories),
        ("manifests", figures.manifests),
        ("blobs", figures.blobs),
        ("uploads", figures.open_uploads),
    ):
        if value is not None:
            yield name, f"{value:,}"


def _operations(counts: Sequence[OperationCount], most: int) -> Table:
    """A row for each kind of operation; where there are more than `most`, the rarest in one."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("operation", no_wrap=True)
    for name in ("ok", "fail", "info", "p50", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = counts
    if len(counts) > most:
        frequent = sorted(counts, key=lambda count: count.ok + count.fail + count.info, reverse=True)[: most - 1]
        shown = [count for count in counts if count in frequent]
    for count in shown:
        table.add_row(
            count.f,
            f"{count.ok:,}",
            Text(f"{count.fail:,}", style="yellow" if count.fail else "dim"),
            Text(f"{count.info:,}", style="red" if count.info else "dim"),
            show_milliseconds(count.p50_ms),
            show_milliseconds(count.p99_ms),
        )
    if len(shown) < len(counts):
        others = [count for count in counts if count not in shown]
        sums = (
            sum(count.ok for count in others),
            sum(count.fail for count in others),
            sum(count.info for count in others),
        )
        table.add_row(f"{len(others)} others", *(f"{number:,}" for number in sums))
    return table


def _alerts(progress: Progress, width: int) -> Iterator[Text]:
    for alert in progress.alerts[-_ALERTS_SHOWN:]:
        yield Text(f"! {printable(alert, limit=max(20, width - 4))}", style="bold red", no_wrap=True)
