"""One instant of a torture run as a picture of it: what a screen draws (progress_screen.py), and a line of a log says.

Pure: knows no clock, no terminal and no engine. Figures here are for looking at; the report computes its own, exactly,
from the journal.
"""

from collections.abc import Iterable, Iterator

import msgspec

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.ui import printable

PHASES = ("prepare", "seed", "main", "quiesce", "final", "done", "judge", "clean", "report")
_AFTER = ("done", "judge", "clean", "report")


class OperationCount(msgspec.Struct, frozen=True, kw_only=True):
    """How the operations of one kind went so far; percentiles are None before the first answer."""

    f: str
    ok: int = 0
    fail: int = 0
    info: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    @property
    def all(self) -> int:
        """However they ended."""
        return self.ok + self.fail + self.info


class RegistryFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitoring API last said; None where it has not said it yet."""

    status: str | None = None
    repositories: int | None = None
    manifests: int | None = None
    blobs: int | None = None
    open_uploads: int | None = None

    def named(self) -> Iterator[tuple[str, str]]:
        """What is known, as it is shown."""
        if self.status is not None:
            yield "status", printable(self.status, limit=20)
        for name, value in (
            ("repositories", self.repositories),
            ("manifests", self.manifests),
            ("blobs", self.blobs),
            ("uploads", self.open_uploads),
        ):
            if value is not None:
                yield name, f"{value:,}"


class FaultCount(msgspec.Struct, frozen=True, kw_only=True):
    """One of the planned faults.

    Attributes:
        toxics: what it does to an exchange, e.g. `drop-reply`.
        state: `waits`, `from 10s`, `active`, `over`, `healed`.
        last_step: of the request that it struck last, and how long ago that was.
    """

    name: str
    toxics: str
    state: str
    struck: int = 0
    last_step: str | None = None
    last_s: float | None = None

    @property
    def is_active(self) -> bool:
        """It strikes now."""
        return self.state == "active"


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that was seen broken: nothing that the judge will not confirm.

    Attributes:
        count: how often so far.
        first_s: seconds into the run when it was seen first; `key` and `text` are of that time, and may hold text of
            the registry.
    """

    checker: str
    rule: str
    key: str
    text: str
    first_s: float
    count: int = 1

    def again(self, other: "Broken") -> "Broken":
        """The first of both, for so many."""
        first = self if self.first_s <= other.first_s else other
        return msgspec.structs.replace(first, count=self.count + other.count)


def by_rule(known: dict[tuple[str, str], Broken], seen: Iterable[Broken]) -> None:
    """Add what was seen to what is known by checker and rule: of each the first, and how often."""
    for one in seen:
        rule = one.checker, one.rule
        known[rule] = known[rule].again(one) if rule in known else one


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One instant of a run.

    Attributes:
        run: what is run, in a few words, e.g. `mixed · seed 42`.
        target: what is tortured, e.g. a URL without credentials.
        phase: one of PHASES; `phase_s` for how long by now.
        elapsed_s, total_s: of the main phase; `total_s` None where it is not known.
        done, expected: operations of the phase at hand that have ended, and that there will be where that is known.
        rates: operations ended in each past second of the load, oldest first; the second that runs now is left out.
        latencies_ms: p99 of each of them, None for one without an answer.
        is_monitored: whether the registry has the monitoring API; None before it was asked, as `registry` is.
        broken: what was seen that no correct registry does, by rule, the first first.
        alerts: what else went wrong so far, oldest first; may hold text of the registry.
    """

    run: str
    target: str
    phase: str
    elapsed_s: float
    total_s: float | None
    workers: int
    processes: int = 1
    phase_s: float = 0.0
    done: int = 0
    expected: int | None = None
    operations: tuple[OperationCount, ...] = ()
    rates: tuple[float, ...] = ()
    latencies_ms: tuple[float | None, ...] = ()
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    is_monitored: bool | None = None
    registry: RegistryFigures | None = None
    faults: tuple[FaultCount, ...] = ()
    broken: tuple[Broken, ...] = ()
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
        """Operations a second of the load: over its last three whole seconds; of all of it, once it is over."""
        recent = self.rates[-3:] if self.phase == "main" else self.rates
        if recent:
            return sum(recent) / len(recent)
        return self.done / self.elapsed_s if self.phase == "main" and self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds of the main phase that are left at most, where that is known."""
        return None if self.total_s is None else max(0.0, self.total_s - self.elapsed_s)

    @property
    def share(self) -> float:
        """How much of the phase at hand is done, as far as anybody can tell."""
        if self.phase not in PHASES:
            return 0.0
        shares = [0.0]
        if self.expected:
            shares.append(self.done / self.expected)
        if self.phase == "main" and self.total_s:
            shares.append(self.elapsed_s / self.total_s)
        if self.phase in _AFTER:
            shares.append(1.0)
        return min(1.0, max(shares))


def clock(progress: Progress) -> str:
    """How far the phase at hand is, in a few words."""
    if progress.phase != "main":
        counted = f"{progress.done:,} of {progress.expected:,} · " if progress.expected else ""
        return f"{counted}{show_duration(progress.phase_s)}"
    if progress.left_s is None:
        return f"{show_duration(progress.elapsed_s)} so far"
    counted = f"{progress.done:,} of {progress.expected:,} · " if progress.expected else ""
    return f"{counted}{show_duration(progress.left_s)} left of {show_duration(progress.total_s or 0)}"


def progress_line(progress: Progress) -> str:
    """The picture as one line of a log."""
    when = show_duration(progress.phase_s)
    if progress.phase == "main":
        total = "" if progress.total_s is None else f"/{show_duration(progress.total_s)}"
        when = f"{show_duration(progress.elapsed_s)}{total}"
    parts = [
        f"{progress.phase} {when}",
        f"{progress.rate:,.0f} ops/s",
        f"ok {progress.ok:,} fail {progress.fail:,} info {progress.info:,}",
        " ".join(
            f"{name} {show_milliseconds(value)}"
            for name, value in (("p50", progress.p50_ms), ("p95", progress.p95_ms), ("p99", progress.p99_ms))
        ),
    ]
    if progress.registry is not None:
        parts.append(" ".join(f"{name} {value}" for name, value in progress.registry.named()))
    if progress.faults:
        parts.append(f"faults struck {sum(fault.struck for fault in progress.faults):,}")
    if progress.broken:
        parts.append("FINDINGS " + ", ".join(f"{one.rule} x{one.count:,}" for one in progress.broken))
    if progress.alerts:
        parts.append(f"ALERT {printable(progress.alerts[-1])}")
    return " | ".join(parts)
