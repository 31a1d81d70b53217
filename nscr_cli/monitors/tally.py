"""What a process that loads tells of its operations, now and then: counts, instead of every operation. Pure."""

from collections import Counter
from collections.abc import Iterable

from nscr_cli.history.ops import Kind, Op
from nscr_cli.monitors.meter import bucket_of
from nscr_cli.monitors.progress import Broken, by_rule


class Tally:
    """Counts completions since the last `take`."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Counter[str]] = {}
        self._latencies: dict[str, Counter[int]] = {}
        self._broken: dict[tuple[str, str], Broken] = {}

    def ended(self, completion: Op) -> None:
        """An operation ended."""
        f = completion.f.value
        self._outcomes.setdefault(f, Counter())[completion.kind.value] += 1
        if completion.kind is Kind.OK:
            milliseconds = (completion.time_ns - completion.intended_ns) / 1e6
            self._latencies.setdefault(f, Counter())[bucket_of(milliseconds)] += 1

    def broke(self, seen: Iterable[Broken]) -> None:
        """Promises were seen broken."""
        by_rule(self._broken, seen)

    def take(self) -> tuple[dict[str, dict[str, int]], dict[str, dict[int, int]], tuple[Broken, ...]]:
        """Outcomes, and latencies of what was ok by bucket, each by what was asked; what was broken; and begin anew."""
        outcomes: dict[str, dict[str, int]] = {f: dict(counts) for f, counts in self._outcomes.items()}
        latencies: dict[str, dict[int, int]] = {f: dict(counts) for f, counts in self._latencies.items()}
        broken = tuple(self._broken.values())
        self._outcomes, self._latencies, self._broken = {}, {}, {}
        return outcomes, latencies, broken
