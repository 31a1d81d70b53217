"""The verdicts of two sides: which promise is newly broken, broken no more, or still broken. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from nscr_cli.reporting.comparability import Side
from nscr_cli.reporting.reruns import Promise, promises


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that was broken on either side: in how many of its runs."""

    promise: Promise
    new: int
    old: int

    @property
    def became(self) -> str:
        """New, gone, or still there."""
        return "still" if self.new and self.old else "new" if self.new else "gone"


def checkers_compared(new: Sequence[Side], old: Sequence[Side]) -> Iterator[tuple[str, str | None, str | None]]:
    names = dict.fromkeys(result.checker for side in (*old, *new) for result in side.report.results)
    for name in names:
        yield name, _worst(name, new), _worst(name, old)


def _worst(checker: str, side: Sequence[Side]) -> str | None:
    found = [result for one in side for result in one.report.results if result.checker == checker]
    judged = [result for result in found if not result.is_skipped]
    worst = max(judged, key=lambda one: one.verdict, default=found[0] if found else None)
    return worst.outcome if worst is not None else None


def promises_compared(new: Sequence[Side], old: Sequence[Side]) -> Iterator[Broken]:
    of_new, of_old = ([set(promises(one.report.findings)) for one in side] for side in (new, old))
    for promise in sorted(set().union(*of_new, *of_old)):
        yield Broken(promise=promise, new=_times(promise, of_new), old=_times(promise, of_old))


def _times(promise: Promise, runs: Iterable[set[Promise]]) -> int:
    return sum(promise in broken for broken in runs)
