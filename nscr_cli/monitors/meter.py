"""The meter of a running torture: counts outcomes and latencies as they end, and says how things stand now.

Mutable, but pure: the time is an argument. Latencies go into buckets 5 % wide, so that an endless run needs no more
memory than a short one; the report is exact, the live view need not be.
"""

import math
from collections import Counter, deque
from collections.abc import Mapping

from nscr_cli.history.figures import read_figures
from nscr_cli.history.ops import Kind, Op, Sample
from nscr_cli.monitors.progress import OperationCount, Progress, RegistryFigures

_GROWTH = math.log(1.05)
_SECONDS_KEPT = 200
_NS = 1_000_000_000


def bucket_of(milliseconds: float) -> int:
    """The bucket of a histogram that a latency falls into."""
    return round(math.log(max(milliseconds, 0.001)) / _GROWTH)


class Latencies:
    """A histogram of milliseconds whose percentiles are right to 5 %."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, milliseconds: float) -> None:
        """Count one."""
        self._buckets[bucket_of(milliseconds)] += 1

    def add_all(self, counts: Mapping[int, int]) -> None:
        """Count what somebody else counted, by bucket."""
        self._buckets.update(counts)

    def percentile(self, share: float) -> float | None:
        """The nearest rank; None when nothing was counted."""
        rank = math.ceil(share * self._buckets.total())
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return math.exp(bucket * _GROWTH)
        return None


class Meter:
    """Counts what the interpreter and the sampler report; `progress` is the picture at one instant.

    Args:
        start_ns: when counting begins, on the clock of the operations.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._outcomes: dict[str, Counter[Kind]] = {}
        self._latencies: dict[str, Latencies] = {}
        self._all = Latencies()
        self._second = start_ns // _NS
        self._ended = 0
        self._second_latencies = Latencies()
        self._rates: deque[float] = deque(maxlen=_SECONDS_KEPT)
        self._slowest: deque[float | None] = deque(maxlen=_SECONDS_KEPT)
        self._figures: RegistryFigures | None = None
        self._alerts: list[str] = []

    def ended(self, completion: Op) -> None:
        """An operation ended. One that is ok is timed, from when it was meant to start."""
        self._advance(completion.time_ns)
        self._ended += 1
        self._outcomes.setdefault(completion.f.value, Counter())[completion.kind] += 1
        if completion.kind is not Kind.OK:
            return
        milliseconds = (completion.time_ns - completion.intended_ns) / 1e6
        for latencies in (
            self._all,
            self._second_latencies,
            self._latencies.setdefault(completion.f.value, Latencies()),
        ):
            latencies.add(milliseconds)

    def counted(
        self, now_ns: int, outcomes: Mapping[str, Mapping[str, int]], latencies: Mapping[str, Mapping[int, int]]
    ) -> None:
        """Operations ended, elsewhere: how many and how, and latencies by bucket, each by what was asked."""
        self._advance(now_ns)
        for f, kinds in outcomes.items():
            self._ended += sum(kinds.values())
            self._outcomes.setdefault(f, Counter()).update({Kind(kind): count for kind, count in kinds.items()})
        for f, counts in latencies.items():
            for known in (self._all, self._second_latencies, self._latencies.setdefault(f, Latencies())):
                known.add_all(counts)

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

    def alert(self, text: str) -> None:
        """Something went wrong that a person should see at once."""
        self._alerts.append(text)

    def progress(
        self, now_ns: int, *, run: str, target: str, phase: str, elapsed_s: float, total_s: float | None, workers: int
    ) -> Progress:
        """The picture at `now_ns`, on the clock of the operations."""
        self._advance(now_ns)
        return Progress(
            run=run,
            target=target,
            phase=phase,
            elapsed_s=elapsed_s,
            total_s=total_s,
            workers=workers,
            operations=tuple(self._count(f) for f in sorted(self._outcomes)),
            rates=tuple(self._rates),
            latencies_ms=tuple(self._slowest),
            p50_ms=self._all.percentile(0.5),
            p99_ms=self._all.percentile(0.99),
            registry=self._figures,
            alerts=tuple(self._alerts),
        )

    def _count(self, f: str) -> OperationCount:
        outcomes, latencies = self._outcomes[f], self._latencies.get(f, Latencies())
        return OperationCount(
            f=f,
            ok=outcomes[Kind.OK],
            fail=outcomes[Kind.FAIL],
            info=outcomes[Kind.INFO],
            p50_ms=latencies.percentile(0.5),
            p99_ms=latencies.percentile(0.99),
        )

    def _advance(self, now_ns: int) -> None:
        second = now_ns // _NS
        if second - self._second > _SECONDS_KEPT:
            self._second = second - _SECONDS_KEPT
        while self._second < second:
            self._rates.append(float(self._ended))
            self._slowest.append(self._second_latencies.percentile(0.99))
            self._second_latencies = Latencies()
            self._ended = 0
            self._second += 1
