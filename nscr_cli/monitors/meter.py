"""The meter of a running torture: counts outcomes and latencies as they end, and says how things stand now.

Mutable, but pure: the time is an argument. Latencies go into buckets 5 % wide, so that an endless run needs no more
memory than a short one; the report is exact, the live view need not be. `ended` runs once an operation, beside the
load: whatever can wait for a picture is not done there.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from nscr_cli.history.faults import Fault
from nscr_cli.history.figures import read_figures
from nscr_cli.history.ops import FAIL, INFO, OK, Event, Op, Sample
from nscr_cli.monitors.fault_counts import FaultCounts
from nscr_cli.monitors.progress import Broken, OperationCount, Progress, RegistryFigures, by_rule

_GROWTH = math.log(1.05)
_SCALE = 1 / _GROWTH
_LEAST = 0.001
_SECONDS_KEPT = 200
_NS = 1_000_000_000
_ALERTING = ("target-died", "process-died", "interrupted")
_log = math.log


def bucket_of(milliseconds: float) -> int:
    """The bucket of a histogram that a latency falls into."""
    return round(_log(max(milliseconds, _LEAST)) * _SCALE)


class Latencies:
    """A histogram of milliseconds whose percentiles are right to 5 %.

    Attributes:
        buckets: how many fell into each.
    """

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}

    def add(self, milliseconds: float) -> None:
        """Count one."""
        bucket = bucket_of(milliseconds)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def add_all(self, counts: Mapping[int, int]) -> None:
        """Count what somebody else counted, by bucket."""
        for bucket, count in counts.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def percentile(self, share: float) -> float | None:
        """The nearest rank; None when nothing was counted."""
        return self.percentiles(share)[0]

    def percentiles(self, *shares: float) -> list[float | None]:
        """Several at once, from small to large."""
        total = sum(self.buckets.values())
        if not total:
            return [None] * len(shares)
        ranks = [math.ceil(share * total) for share in shares]
        found: list[float | None] = []
        passed = 0
        for bucket in sorted(self.buckets):
            passed += self.buckets[bucket]
            while len(found) < len(ranks) and passed >= ranks[len(found)]:
                found.append(math.exp(bucket * _GROWTH))
        return found


class _Kind:
    """What is counted of the operations of one kind."""

    __slots__ = ("latencies", "outcomes")

    def __init__(self) -> None:
        self.outcomes = {OK: 0, FAIL: 0, INFO: 0}
        self.latencies = Latencies()


class Meter:
    """Counts what the interpreter and the sampler report; `progress` is the picture at one instant.

    Args:
        start_ns: when counting begins, on the clock of the operations.
        faults: that are planned.
    """

    def __init__(self, start_ns: int = 0, faults: Sequence[Fault] = ()) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._faults = FaultCounts(faults)
        self._is_monitored: bool | None = None
        self._figures: RegistryFigures | None = None
        self._alerts: list[str] = []
        self._broken: dict[tuple[str, str], Broken] = {}
        self._phase = "prepare"
        self._phase_ns = start_ns
        self._done = 0
        self._has_begun = False
        self._second_end_ns = start_ns + _NS
        self._ended = 0
        self._second_latencies = Latencies()
        self._rates: deque[float] = deque(maxlen=_SECONDS_KEPT)
        self._slowest: deque[float | None] = deque(maxlen=_SECONDS_KEPT)

    def ended(self, completion: Op) -> None:
        """An operation ended. One that is ok is timed, from when it was meant to start."""
        now_ns = completion.time_ns
        if now_ns >= self._second_end_ns:
            self._advance(now_ns)
        self._ended += 1
        self._done += 1
        name = completion.f  # as good as its value, which takes longer to find
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = _Kind()
        outcome = completion.kind
        kind.outcomes[outcome] += 1
        if outcome is OK:
            milliseconds = (now_ns - completion.intended_ns) * 1e-6
            bucket = round(_log(milliseconds if milliseconds > _LEAST else _LEAST) * _SCALE)  # noqa: FURB136 - faster
            buckets = kind.latencies.buckets
            buckets[bucket] = buckets.get(bucket, 0) + 1
            buckets = self._second_latencies.buckets
            buckets[bucket] = buckets.get(bucket, 0) + 1

    def counted(
        self, now_ns: int, outcomes: Mapping[str, Mapping[str, int]], latencies: Mapping[str, Mapping[int, int]]
    ) -> None:
        """Operations ended, elsewhere: how many and how, and latencies by bucket, each by what was asked."""
        self._advance(now_ns)
        for name, counts in outcomes.items():
            kind = self._kinds.setdefault(name, _Kind())
            for outcome in kind.outcomes:
                kind.outcomes[outcome] += counts.get(outcome.value, 0)
            self._ended += sum(counts.values())
            self._done += sum(counts.values())
        for name, buckets in latencies.items():
            self._kinds.setdefault(name, _Kind()).latencies.add_all(buckets)
            self._second_latencies.add_all(buckets)

    def sampled(self, sample: Sample) -> None:
        """A poll of the monitoring API came back; only answers to `/api/registry/state` change the figures."""
        if sample.endpoint != "/api/registry/state":
            return
        if sample.status is None or not sample.body:
            self._figures = RegistryFigures(status="no answer")
            return
        figures = read_figures(sample.endpoint, sample.body)
        self._figures = RegistryFigures(
            status=figures.status or f"HTTP {sample.status}",
            repositories=figures.repositories,
            manifests=figures.manifests,
            blobs=figures.blobs,
            open_uploads=figures.sessions,
        )

    def noted(self, event: Event) -> None:
        """Something happened to the run itself: a phase began, a fault struck, the target died."""
        if event.name == "phase":
            self._enter(event.detail.get("phase", ""), event.time_ns)
        elif event.name in _ALERTING:
            self.alert(f"{event.name}: {' '.join(event.detail.values())}")
        elif event.name == "target":
            self._is_monitored = event.detail.get("monitoring") == "yes"
        else:
            self._faults.noted(event)

    def alert(self, text: str) -> None:
        """Something went wrong that a person should see at once."""
        self._alerts.append(text)

    def broke(self, seen: Iterable[Broken]) -> None:
        """Promises were seen broken."""
        by_rule(self._broken, seen)

    def progress(
        self,
        now_ns: int,
        *,
        run: str,
        target: str,
        total_s: float | None,
        workers: int,
        processes: int = 1,
        expected: int | None = None,
        began_ns: int | None = None,
    ) -> Progress:
        """The picture at `now_ns`, on the clock of the operations.

        Args:
            began_ns: when the load began; None before.
        """
        self._advance(now_ns)
        if began_ns is not None and not self._has_begun:
            self._begin(began_ns)
        elapsed_s = 0.0 if began_ns is None else max(0, now_ns - began_ns) / 1e9
        p50, p95, p99 = self._overall().percentiles(0.5, 0.95, 0.99)
        return Progress(
            run=run,
            target=target,
            phase=self._phase,
            phase_s=max(0, now_ns - self._phase_ns) / 1e9,
            elapsed_s=elapsed_s,
            total_s=total_s,
            workers=workers,
            processes=processes,
            done=self._done,
            expected=expected,
            operations=tuple(_count(name, self._kinds[name]) for name in sorted(self._kinds)),
            rates=tuple(self._rates),
            latencies_ms=tuple(self._slowest),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            is_monitored=self._is_monitored,
            registry=self._figures,
            faults=self._faults.counts(now_ns, phase=self._phase, elapsed_s=elapsed_s),
            broken=tuple(self._broken.values()),
            alerts=tuple(self._alerts),
        )

    def _enter(self, phase: str, now_ns: int) -> None:
        self._advance(now_ns)
        self._phase, self._phase_ns, self._done = phase, now_ns, 0
        if phase == "main":
            self._begin_second(now_ns)

    def _begin(self, began_ns: int) -> None:
        """The load begins, and with it the seconds that are shown: processes may have got ready in the phase before."""
        self._has_begun = True
        if began_ns - self._phase_ns >= _NS:
            self._rates.clear()
            self._slowest.clear()
            self._begin_second(began_ns)

    def _overall(self) -> Latencies:
        """Of all kinds together; they are few, and pictures are seldom."""
        overall = Latencies()
        for kind in self._kinds.values():
            overall.add_all(kind.latencies.buckets)
        return overall

    def _advance(self, now_ns: int) -> None:
        """Finish the seconds that are over."""
        if now_ns - self._second_end_ns > _SECONDS_KEPT * _NS:
            self._second_end_ns += (now_ns - self._second_end_ns) // _NS * _NS - _SECONDS_KEPT * _NS
        while now_ns >= self._second_end_ns:
            if self._phase == "main":
                self._rates.append(float(self._ended))
                self._slowest.append(self._second_latencies.percentile(0.99))
            self._begin_second(self._second_end_ns)

    def _begin_second(self, now_ns: int) -> None:
        self._second_end_ns = now_ns + _NS
        self._second_latencies = Latencies()
        self._ended = 0


def _count(name: str, kind: _Kind) -> OperationCount:
    p50, p95, p99 = kind.latencies.percentiles(0.5, 0.95, 0.99)
    ok, fail, info = kind.outcomes.values()
    return OperationCount(f=str(name), ok=ok, fail=fail, info=info, p50_ms=p50, p95_ms=p95, p99_ms=p99)
