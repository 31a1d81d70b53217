"""Whether `generation` grows with what is committed (`/api/registry/state`): a poller takes an old one for "unchanged".

Polls that tell the same generation span a time in which nothing was committed. A manifest of which the history has one
write only, acknowledged within that time, was committed in it. Pure; keeps one operation for each such time.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from nscr_cli.checkers.monitoring_shapes import Document, State
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, repository_of
from nscr_cli.history.ops import OK, F, Sample


class Generations:
    """Given the answers of the monitoring API in the order of their starts, then the history part by part."""

    def __init__(self, documents: Sequence[tuple[Sample, Document]]) -> None:
        self._stood: list[tuple[Sample, Sample, int]] = []
        uptime = 0
        for sample, document in documents:
            if not isinstance(document, State) or document.generation is None:
                continue
            is_same_process, uptime = document.health.uptime >= uptime, document.health.uptime
            last = self._stood[-1] if self._stood else None
            if last is not None and last[2] == document.generation and is_same_process:
                self._stood[-1] = (last[0], sample, document.generation)
            else:
                self._stood.append((sample, sample, document.generation))
        self._stood = [one for one in self._stood if one[0].end_ns < one[1].start_ns]
        self._ends = [last.start_ns for _, last, _ in self._stood]
        self._committed: dict[int, Operation] = {}

    def take(self, part: History) -> None:
        """Look for what was committed while the generation stood."""
        if not self._stood:
            return
        puts = [one for one in part.of(F.PUT_MANIFEST) if one.asked.digest is not None]
        writes = Counter(_key(one) for one in puts)
        for one in puts:
            if one.kind is not OK or writes[_key(one)] > 1:
                continue
            which = bisect_left(self._ends, one.end_ns + 1)
            if which < len(self._stood) and self._stood[which][0].end_ns < one.start_ns:
                known = self._committed.get(which)
                if known is None or one.index < known.index:
                    self._committed[which] = one

    def wrong(self) -> Iterable[tuple[Sample, str]]:
        """Polls whose generation had to be another one, and why."""
        for which, one in sorted(self._committed.items()):
            _, sample, generation = self._stood[which]
            yield sample, f"generation is {generation}, as before this was committed: {told(one)}"


def _key(one: Operation) -> str:
    return digest_key(repository_of(one.key), one.asked.digest or "")
