"""Writes what the transcripts of a run's findings need: each as a script, beside the bodies that it sends.

Bodies are made again from plan and journal (workloads/reenactment.py). A journal that was cut has lost what they follow
from, so cutting writes them into the folder, from which they are taken then.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nscr_cli.checkers.verdict import Finding
from nscr_cli.errors import ReportsUnwritable
from nscr_cli.history.history import Operation, Recorded
from nscr_cli.history.invocation import Content
from nscr_cli.history.journal import JOURNAL_NAME, read_journal
from nscr_cli.history.ops import F, Op
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.findings import shown_operations
from nscr_cli.reporting.groundwork import Ground, Groundwork
from nscr_cli.reporting.transcript import body_name, part_name, transcript
from nscr_cli.workloads.reenactment import contents, sends_a_part

BODIES_NAME = "bodies"
_SENDS = (F.PUSH_BLOB, F.PUT_MANIFEST)
_HINT = "free some space, or name a folder elsewhere"


def write_transcripts(
    target: Path,
    folder: Path,
    plan: RunPlan,
    history: Recorded,
    findings: Sequence[Finding],
    *,
    largest: int | None = None,
) -> tuple[int, tuple[str, ...]]:
    """Write a script for each finding, and the bodies; how many bodies, and the names of those that could not be made.

    Args:
        folder: of the run.
        largest: bodies of more bytes are left out.

    Raises:
        ReportsUnwritable: the disk is full or the folder is not writable.
    """
    groundwork = Groundwork(history.operations, is_whole=plan.only_checker is None)
    operations: list[Operation] = []
    ground: list[Ground] = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for number, finding in enumerate(findings, start=1):
            shown = shown_operations(finding, history)
            needed = groundwork.of(shown)
            (target / f"{number}.sh").write_text(transcript(plan.registry_url, shown, needed) + "\n", encoding="utf-8")
            operations += shown
            ground += needed
        names = _names(operations, ground)
        made = _made(folder, plan, set(names.values()))
        missing = [name for name in names if not _write(target / name, folder, made.get(name), largest)]
    except OSError as error:
        raise ReportsUnwritable(f"{target}: {error.strerror or error}", hint=_HINT) from error
    return len(names) - len(missing), tuple(missing)


def _names(operations: Iterable[Operation], ground: Iterable[Ground]) -> dict[str, str]:
    """The files that are needed, and the digests under which their bytes were sent."""
    names = {body_name(one.digest): one.digest for one in ground}
    for one in operations:
        if one.f in _SENDS and one.asked.digest is not None:
            is_wrong = one.f is F.PUSH_BLOB and one.asked.wrong_bytes
            names[body_name(one.asked.digest, is_wrong=is_wrong)] = one.asked.digest
        elif sends_a_part(one.f, one.asked) and one.asked.digest is not None:
            names[part_name(one.index)] = one.asked.digest
    return names


def _write(path: Path, folder: Path, content: Content | None, largest: int | None) -> bool:
    kept = folder / BODIES_NAME / path.name
    if content is not None and (largest is None or content.size <= largest):
        with path.open("wb") as file:
            file.writelines(content.chunks())
    elif kept.is_file():
        path.write_bytes(kept.read_bytes())
    else:
        return False
    return True


def _made(folder: Path, plan: RunPlan, wanted: set[str]) -> dict[str, Content]:
    if plan.only_checker is not None:
        return {}
    entries = list(read_journal(folder / JOURNAL_NAME))
    made = contents(plan, entries, wanted)
    named: dict[str, Content] = {}
    for entry in entries:
        if isinstance(entry, Op) and entry.index in made and entry.asked is not None:
            is_part = sends_a_part(entry.f, entry.asked)
            whole = body_name(entry.asked.digest or "", is_wrong=entry.asked.wrong_bytes)
            named[part_name(entry.index) if is_part else whole] = made[entry.index]
    return named
