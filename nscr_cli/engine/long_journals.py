"""Judges a journal that is too long to be held in memory: in parts, by way of a folder beside it.

The folder takes as much room as the journal, and goes away with the verdict. What is told of the run afterwards is read
from the journal again.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from nscr_cli.checkers.verdict import Checker, Result, check_in_parts
from nscr_cli.engine.parts import Parts
from nscr_cli.errors import RunFolderError
from nscr_cli.history.history import Operation, Whole, is_partial, operations_of, unsupported
from nscr_cli.history.journal import read_journal
from nscr_cli.history.ops import Event, Sample
from nscr_cli.history.plan import RunPlan

_PART_BYTES = 64 << 20
_MOST_PARTS = 128


class LongHistory:
    """The record of a run that is read from its journal whenever it is gone through."""

    def __init__(self, journal: Path, whole: Whole, named: Iterable[int]) -> None:
        self._journal = journal
        self._whole = whole
        self._named = frozenset(named)

    @property
    def operations(self) -> Iterable[Operation]:
        """All of them, as they ended."""
        return RecordedOperations(self._journal)

    @property
    def events(self) -> Sequence[Event]:
        """What happened to the run itself, but for the strikes of faults."""
        return self._whole.events

    @property
    def samples(self) -> Sequence[Sample]:
        """Of the monitoring API."""
        return self._whole.samples

    @cached_property
    def by_index(self) -> dict[int, Operation]:
        """The operations that findings name."""
        if not self._named:
            return {}
        return {one.index: one for one in self.operations if one.index in self._named}

    @property
    def is_partial(self) -> bool:
        """The run was interrupted or did not reach its end."""
        return is_partial(self.events)

    def unsupported(self) -> dict[str, str]:
        """Capabilities that the registry does not have, with the reason."""
        return unsupported(self.events)


class RecordedOperations:
    """The operations of a journal as they ended, read again each time they are gone through; never all in memory.

    Without the faults that struck them.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal

    def __iter__(self) -> Iterator[Operation]:
        return operations_of(read_journal(self._journal))


def judged_in_parts(checkers: Sequence[Checker], plan: RunPlan, journal: Path) -> tuple[LongHistory, list[Result]]:
    """What the checkers say, and the record to tell of it.

    Raises:
        RunFolderError: the journal is damaged, no history, or there is no room for its parts.
    """
    count = min(_MOST_PARTS, max(2, journal.stat().st_size // _PART_BYTES))
    try:
        with tempfile.TemporaryDirectory(prefix="judging-", dir=journal.parent) as folder:
            parts = Parts(journal, Path(folder), count)
            results = check_in_parts(checkers, plan, parts.whole, parts.histories())
    except ValueError as error:
        raise RunFolderError(f"{journal}: not a history: {error}", hint="name the folder of a run") from error
    except OSError as error:
        raise RunFolderError(
            f"{journal.parent}: {error.strerror or error}",
            hint="a journal of this length is judged by way of the disk: beside it, as much room as it takes is needed",
        ) from error
    named = {index for result in results for finding in result.findings for index in finding.operations}
    return LongHistory(journal, parts.whole, named), results
