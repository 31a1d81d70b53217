"""The files of one run: its CSVs, verdict.json and findings.md. Columns are documented in reports/README.md.

Rows are written as they are made, so that a large history is never held as text. A registry's strings are hostile: a
cell that a spreadsheet would take for a formula gets an apostrophe, control characters are replaced.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from nscr_cli.history.figures import Figures, read_figures
from nscr_cli.history.history import NEVER, Recorded
from nscr_cli.reporting.documents import VERDICT_NAME, verdict_document
from nscr_cli.reporting.findings import write_findings
from nscr_cli.reporting.junit_run import JUNIT_NAME, runs_document, suite_of
from nscr_cli.reporting.latency import Latency, latency_ms
from nscr_cli.reporting.run_report import REPORT_FORMAT, RunReport
from nscr_cli.reporting.summary import SUMMARY_NAME, summary_document
from nscr_cli.reporting.whole_files import whole_file
from nscr_cli.ui import printable

Cell = str | int | float | bool | None
Row = Iterable[Cell]

_FORMULA_STARTS = tuple("=+-@＝＋－＠")
_LONGEST_CELL = 4000
# Cells that begin with a letter or digit and go on in printable ASCII without comma or quote are right as they are.
_PLAIN_CELL = r"(?:[0-9A-Za-z][ !#-+\--~]*)?"
_is_plain = re.compile(rf"(?:{_PLAIN_CELL},)*{_PLAIN_CELL}").fullmatch
_FIGURES = Figures.__struct_fields__
_PERCENTILES = len(Latency.__struct_fields__)

SUMMARY_COLUMNS = ("name", "value")
OPERATIONS_COLUMNS = (
    "index", "process", "phase", "f", "style", "key", "kind", "status", "error_code", "error",
    "intended_ns", "start_ns", "end_ns", "latency_ms",
    "asked_digest", "answered_digest", "size", "length", "exchanges", "request_id",
)  # fmt: skip
LATENCY_COLUMNS = (
    "f", "style", "count", "ok", "fail", "info",
    "min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p99_9_ms", "max_ms",
)  # fmt: skip
SAMPLES_COLUMNS = ("endpoint", "quiet", "start_ns", "end_ns", "latency_ms", "http_status", "error", *_FIGURES)
VIOLATIONS_COLUMNS = ("checker", "rule", "key", "operations", "clause", "explanation")


def guarded(cell: Cell) -> str:
    """A cell as text that is safe to open in a spreadsheet and to print on a terminal."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case int():
            return str(cell)
        case float():
            return f"{cell:.6f}".rstrip("0").rstrip(".")
    text = printable(cell, limit=_LONGEST_CELL)
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text


def _line(row: Sequence[Cell]) -> str | None:
    """A row that is the same guarded and quoted: nearly every one of a million operations is. None for any other."""
    cells = [
        cell if type(cell) is str else "" if cell is None else str(cell) if type(cell) is int else guarded(cell)
        for cell in row
    ]
    line = ",".join(cells)
    is_plain = 0 < len(line) <= _LONGEST_CELL and line.count(",") == len(cells) - 1 and _is_plain(line) is not None
    return f"{line}\n" if is_plain else None


def write_csv(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    """Write a whole CSV file (UTF-8, one line feed a row, RFC 4180 quoting).

    Raises:
        ReportsUnwritable: see `whole_file`.
    """
    with whole_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([guarded(column) for column in columns])
        for row in rows:
            cells = tuple(row)
            line = _line(cells)
            if line is not None:
                file.write(line)
            else:
                writer.writerow([guarded(cell) for cell in cells])


def write_run(folder: Path, report: RunReport, history: Recorded) -> None:
    """Write summary, operations, latency, samples and violations as CSV, verdict.json and findings.md into a folder.

    Raises:
        ReportsUnwritable: see `whole_file`. The verdict is written first: it needs the least room and says the most.
    """
    write_verdict(folder, report, history)
    write_csv(folder / "violations.csv", VIOLATIONS_COLUMNS, _violations(report))
    write_csv(folder / "summary.csv", SUMMARY_COLUMNS, _summary(report))
    write_csv(folder / "latency.csv", LATENCY_COLUMNS, _latency(report))
    write_csv(folder / "samples.csv", SAMPLES_COLUMNS, _samples(history))
    write_csv(folder / "operations.csv", OPERATIONS_COLUMNS, _operations(history))


def write_verdict(folder: Path, report: RunReport, history: Recorded) -> None:
    """Write verdict.json, junit.xml, summary.md and findings.md into a folder.

    Raises:
        ReportsUnwritable: see `whole_file`.
    """
    with whole_file(folder / VERDICT_NAME) as file:
        file.write(verdict_document(report))
    with whole_file(folder / JUNIT_NAME) as file:
        file.write(runs_document([suite_of(report)]))
    with whole_file(folder / SUMMARY_NAME) as file:
        file.write(summary_document(report))
    write_findings(folder, report, history)


def _summary(report: RunReport) -> Iterator[Row]:
    plan, latency = report.plan, report.latency
    values: dict[str, Cell] = {
        "format": REPORT_FORMAT,
        "nscr": plan.nscr,
        "run_id": plan.run_id,
        "started_utc": plan.started_utc,
        "scenario": plan.scenario_name,
        "workload": plan.scenario.workload,
        "tag_model": plan.scenario.tag_model,
        "seed": plan.seed,
        "workers": plan.workers,
        "duration_s": plan.duration_s,
        "registry_url": plan.registry_url,
        "namespace": plan.namespace,
        "sabotages": " ".join(plan.sabotages),
        "verdict": report.verdict.name,
        "partial": report.partial,
        "interrupted_by": report.interrupted_by,
        "exit_code": int(report.exit_code),
        "findings": len(report.findings),
        "operations": report.ok + report.fail + report.info,
        "ok": report.ok,
        "fail": report.fail,
        "info": report.info,
        "main_s": report.main_s,
        "ops_per_s": report.rate,
        "p50_ms": latency.p50_ms if latency is not None else None,
        "p99_ms": latency.p99_ms if latency is not None else None,
        "samples": report.samples,
        "skipped": "; ".join(report.skipped),
        "leftovers": len(report.leftovers),
    }
    for threshold in report.thresholds:
        values[f"threshold.{threshold.name}"] = threshold.speed.value
        values[f"threshold.{threshold.name}.ms"] = threshold.measured_ms
    for result in report.results:
        values[f"{result.checker}.verdict"] = result.outcome
        values |= {f"{result.checker}.{name}": count for name, count in result.evidence.items()}
    yield from values.items()


def _operations(history: Recorded) -> Iterator[Row]:
    for operation in history.operations:
        asked, answered = operation.asked, operation.answered
        yield (
            operation.index,
            operation.process,
            operation.phase.value,
            operation.f.value,
            asked.style.value if asked.style is not None else None,
            operation.key,
            operation.kind.value,
            answered.status,
            answered.error_code,
            operation.error,
            operation.intended_ns,
            operation.start_ns,
            operation.end_ns if operation.end_ns != NEVER else None,
            latency_ms(operation),
            asked.digest,
            answered.digest,
            asked.size,
            answered.length,
            answered.exchanges,
            operation.request_id,
        )


def _latency(report: RunReport) -> Iterator[Row]:
    for summary in report.operations:
        measured = summary.latency
        percentiles: Row = [None] * _PERCENTILES if measured is None else msgspec.structs.astuple(measured)
        yield summary.f, summary.style, summary.count, summary.ok, summary.fail, summary.info, *percentiles


def _samples(history: Recorded) -> Iterator[Row]:
    for sample in history.samples:
        yield (
            sample.endpoint,
            sample.quiet,
            sample.start_ns,
            sample.end_ns,
            (sample.end_ns - sample.start_ns) / 1e6,
            sample.status,
            sample.error,
            *msgspec.structs.astuple(read_figures(sample.endpoint, sample.body)),
        )


def _violations(report: RunReport) -> Iterator[Row]:
    for finding in report.findings:
        indexes = " ".join(str(index) for index in finding.operations)
        yield finding.checker, finding.rule, finding.key, indexes, finding.clause, finding.explanation
