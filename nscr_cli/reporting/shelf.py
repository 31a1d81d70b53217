"""All runs below a reports folder: those of index.csv, and the folders that are there. Reads, and follows no link.

A run folder is `<reports>/<scenario>/<utc>-<seed>` that is no link, whose name is one that nscr gives, and in which the
plan of a run and its journal lie; whatever else lies there is nobody's business. Rows and folders belong together by
run id: a row without folder is a run whose folder was deleted, a folder without row one that was never listed.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nscr_cli.errors import UsageError
from nscr_cli.history.journal import JOURNAL_NAME
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.documents import VERDICT_NAME
from nscr_cli.reporting.index import INDEX_NAME
from nscr_cli.reporting.verdict_types import VerdictDocument

PAGE_NAME = "report.html"
NOT_JUDGED = "not judged"
_PLAN_NAME = "plan.json"
_LEFTOVERS_NAME = "leftovers.txt"
_FOLDER_NAME = re.compile(r"\d{8}T\d{6}Z-\d+(-\d+)?", re.ASCII)


class Shelved(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        verdict: or that it was not judged (yet).
        folder: below the reports folder; None where it is gone.
        has_page: its report.html is there.
        is_listed: in index.csv.
        leftovers: keys of it that are still in the registry.
    """

    run_id: str
    scenario: str
    started_utc: str
    verdict: str
    seed: str = ""
    workers: str = ""
    registry_url: str = ""
    sabotages: str = ""
    findings: int = 0
    rules: str = ""
    is_partial: bool = False
    rate: float | None = None
    p99_ms: float | None = None
    folder: str | None = None
    has_page: bool = False
    is_listed: bool = False
    leftovers: int = 0


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """All runs, oldest first, and how many rows of the index nobody could read."""

    runs: tuple[Shelved, ...]
    unreadable: int


def read_shelf(reports: Path) -> Shelf:
    """The runs of a reports folder.

    Raises:
        UsageError: there is no such folder.
    """
    if not reports.is_dir():
        raise UsageError(
            f"{reports} is not a folder", hint="name the folder in which `nscr torture` leaves its reports"
        )
    rows = _rows(reports / INDEX_NAME)
    listed = {row.run_id: row for row in rows if row is not None}
    found: dict[str, Shelved] = {}
    for folder in run_folders(reports):
        run = _of_folder(reports, folder)
        if run is None:
            continue
        row = listed.pop(run.run_id, None)
        there = {"folder": run.folder, "has_page": run.has_page, "leftovers": run.leftovers}
        # Two folders of one run id are a run and a copy of it.
        found[f"{run.run_id} {run.folder}"] = run if row is None else msgspec.structs.replace(row, **there)
    runs = sorted([*found.values(), *listed.values()], key=lambda run: (run.started_utc, run.folder or "", run.run_id))
    return Shelf(runs=tuple(runs), unreadable=sum(row is None for row in rows))


def run_folders(reports: Path) -> Iterator[Path]:
    """Every run folder below, in order of its name."""
    for scenario in sorted(reports.iterdir()):
        if scenario.is_dir() and not scenario.is_symlink():
            yield from (folder for folder in sorted(scenario.iterdir()) if is_run_folder(folder))


def is_run_folder(folder: Path) -> bool:
    """Whether nscr made it, and it is no link to somewhere else."""
    return (
        _FOLDER_NAME.fullmatch(folder.name) is not None
        and not folder.is_symlink()
        and folder.is_dir()
        and _is_file(folder / JOURNAL_NAME)
        and read_shelved_plan(folder) is not None
    )


def read_shelved_plan(folder: Path) -> RunPlan | None:
    """The plan in a run folder; None where that is no plan of a run."""
    path = folder / _PLAN_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunPlan) if _is_file(path) else None
    except (OSError, msgspec.MsgspecError):
        return None


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _of_folder(reports: Path, folder: Path) -> Shelved | None:
    plan = read_shelved_plan(folder)
    if plan is None:
        return None
    run = Shelved(
        run_id=plan.run_id,
        scenario=plan.scenario_name,
        started_utc=plan.started_utc,
        verdict=NOT_JUDGED,
        seed=str(plan.seed),
        workers=str(plan.workers),
        registry_url=plan.registry_url or "",
        sabotages=" ".join(plan.sabotages),
        folder=folder.relative_to(reports).as_posix(),
        has_page=_is_file(folder / PAGE_NAME),
    )
    try:
        document = msgspec.json.decode((folder / VERDICT_NAME).read_bytes(), type=VerdictDocument)
    except (OSError, msgspec.MsgspecError):
        return run
    findings = [finding for checker in document.checkers for finding in checker.findings]
    return msgspec.structs.replace(
        run,
        verdict=document.verdict,
        findings=len(findings),
        rules=" ".join(sorted({finding.rule for finding in findings})),
        is_partial=document.partial,
        rate=document.main_operations / document.main_s if document.main_s > 0 else None,
        p99_ms=document.latency.p99_ms if document.latency is not None else None,
        leftovers=_leftovers(folder, document),
    )


def _leftovers(folder: Path, document: VerdictDocument) -> int:
    """How many keys the list names that cleaning keeps up to date; verdict.json knows only what the run left."""
    try:
        return (folder / _LEFTOVERS_NAME).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0
    except OSError:
        return len(document.leftovers)


def _rows(path: Path) -> list[Shelved | None]:
    """The rows of index.csv; None for each that is none."""
    if not _is_file(path):
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [_row(row) for row in csv.DictReader(file)]


def _row(row: dict[str, str]) -> Shelved | None:
    try:
        return Shelved(
            run_id=row["run_id"],
            scenario=row["scenario"],
            started_utc=row["started_utc"],
            verdict=row["verdict"],
            seed=row["seed"],
            workers=row["workers"],
            registry_url=row["registry_url"],
            sabotages=row["sabotages"],
            findings=int(row["findings"]),
            rules=row["rules"],
            is_partial=row["partial"] == "yes",
            rate=float(row["ops_per_s"]) if row["ops_per_s"] else None,
            p99_ms=float(row["p99_ms"]) if row["p99_ms"] else None,
            is_listed=True,
        )
    except (KeyError, TypeError, ValueError):
        return None
