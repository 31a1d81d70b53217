"""reports/index.csv: one row a run, appended by every run that ends, even by two at once.

The folder itself is locked (flock), so that nothing but reports lies in it. A row is one write. An index with other
columns, of an older nscr, is kept under another name, never appended to: a reader can trust the header.
"""

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nscr_cli.errors import ReportsUnwritable
from nscr_cli.reporting.csv_files import Cell, guarded
from nscr_cli.reporting.run_report import REPORT_FORMAT, RunReport
from nscr_cli.reporting.whole_files import HINT

INDEX_NAME = "index.csv"


def append_run(reports: Path, report: RunReport) -> None:
    """Append the row of one run.

    Raises:
        ReportsUnwritable: the disk is full or the folder is not writable.
    """
    row = _row(report)
    header, line = _line(row.keys()), _line(row.values())
    path = reports / INDEX_NAME
    try:
        with _locked(reports):
            _set_aside_other_columns(path, header)
            if not path.exists():
                line = header + line
            elif not _ends_whole(path):
                line = "\n" + line  # a run that was killed while it wrote must not swallow this row
            with path.open("ab") as file:
                file.write(line.encode())
    except OSError as error:
        raise ReportsUnwritable(f"{path}: {error.strerror or error}", hint=HINT) from error


def _row(report: RunReport) -> dict[str, Cell]:
    plan, latency = report.plan, report.latency
    return {
        "format": REPORT_FORMAT,
        "run_id": plan.run_id,
        "started_utc": plan.started_utc,
        "nscr": plan.nscr,
        "scenario": plan.scenario_name,
        "seed": plan.seed,
        "workers": plan.workers,
        "duration_s": plan.duration_s,
        "registry_url": plan.registry_url,
        "sabotages": " ".join(plan.sabotages),
        "verdict": report.verdict.name,
        "partial": report.partial,
        "exit_code": int(report.exit_code),
        "findings": len(report.findings),
        "rules": " ".join(sorted({finding.rule for finding in report.findings})),
        "operations": report.ok + report.fail + report.info,
        "ok": report.ok,
        "fail": report.fail,
        "info": report.info,
        "ops_per_s": report.rate,
        "p50_ms": latency.p50_ms if latency is not None else None,
        "p99_ms": latency.p99_ms if latency is not None else None,
    }


def _line(cells: Iterable[Cell]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([guarded(cell) for cell in cells])
    return line.getvalue()


def _set_aside_other_columns(path: Path, header: str) -> None:
    if not path.exists():
        return
    with path.open("rb") as file:
        if file.readline() == header.encode():
            return
    number = 1
    while path.with_name(f"index-{number}.csv").exists():
        number += 1
    path.rename(path.with_name(f"index-{number}.csv"))


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
