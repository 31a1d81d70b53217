"""The visibility checker: how long until other connections see what was acknowledged, and whether that is in time.

Time to visible, of a write: from its acknowledgement to the last look of another client that did not see it; and to
the first that did. Looks count while nothing else can have changed what they look at (P. Bailis and others,
"Probabilistically Bounded Staleness"). Under `eventual(T)` it is judged, of blobs, manifests by digest and lists of
tags, that nothing is missed, and nothing deleted seen, more than T after the acknowledgement. Tags themselves, and
models that allow no lag, are judged by other checkers: then the figures are all that is told here.
"""

from bisect import bisect_right
from collections.abc import Iterator
from math import ceil

from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.lateness import late_findings
from nscr_cli.checkers.sightings import Looked, looked_at
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.history.history import History, Whole
from nscr_cli.history.plan import RunPlan

_FLOORS = {"looked-at": 10, "blobs": 0, "manifests": 0, "tags": 0, "lists": 0, "looks-within-100ms": 0}
_WITHIN = {"1ms": 10**6, "10ms": 10**7, "100ms": 10**8, "1s": 10**9}
_BOUNDS = tuple(_WITHIN.values())
_LATER = "looks-later"
_SHARES = {"p50": 0.5, "p95": 0.95, "max": 1.0}


class VisibilityChecker:
    """Measures what other clients see of an acknowledged write, and judges it where a lag is allowed for."""

    @property
    def name(self) -> str:
        return "visibility"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Visibility":
        return _Visibility(plan)


class _Visibility:
    """Whatever is written lies in one repository; the distribution is drawn over all of them."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._bound = bound_ns(plan.scenario.tag_model)
        self._findings: list[Finding] = []
        self._counts = {"looked-at": 0, "blobs": 0, "manifests": 0, "tags": 0, "lists": 0}
        self._looks = [0] * (len(_BOUNDS) + 1)
        self._first_seen: list[int] = []
        self._last_missed: list[int] = []

    def take(self, part: History) -> None:
        for looked in looked_at(part):
            self._counts["looked-at"] += 1
            self._counts[looked.noun] += 1
            self._count(looked)
        if self._bound is not None:
            self._findings += late_findings(part, self._bound)

    def _count(self, looked: Looked) -> None:
        for delay in looked.delays_ns:
            self._looks[bisect_right(_BOUNDS, delay)] += 1
        self._last_missed.append(looked.last_missed_ns)
        if looked.first_seen_ns is not None:
            self._first_seen.append(looked.first_seen_ns)

    def result(self) -> Result:
        within = {f"looks-within-{name}": sum(self._looks[: place + 1]) for place, name in enumerate(_WITHIN)}
        return conclude(
            "visibility",
            self._plan,
            findings=self._findings,
            evidence={
                **self._counts,
                **within,
                _LATER: self._looks[-1],
                "missed-at-first": sum(delay > 0 for delay in self._last_missed),
                **dict(_distribution("last-missed-us", self._last_missed)),
                **dict(_distribution("first-seen-us", self._first_seen)),
            },
            floors=_FLOORS,
        )


def _distribution(name: str, delays_ns: list[int]) -> Iterator[tuple[str, int]]:
    """Nearest-rank percentiles in microseconds; of nothing, none."""
    ordered = sorted(delays_ns)
    for label, share in _SHARES.items():
        if ordered:
            rank = max(ceil(share * len(ordered)), 1)
            yield f"{name}-{label}", round(ordered[rank - 1] / 1000)
