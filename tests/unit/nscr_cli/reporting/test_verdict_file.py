"""verdict.json read back says what was written."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict, merged
from nscr_cli.history.history import History
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.run_report import Fingerprint, RunReport, run_report
from nscr_cli.reporting.verdict_file import report_from

JUDGED = Fingerprint(plan="sha256:a", journal="sha256:b")


@pytest.fixture
def written(report: RunReport) -> RunReport:
    return msgspec.structs.replace(report, judged=JUDGED)


def test_what_is_read_is_what_was_written(written: RunReport) -> None:
    document = verdict_document(written)
    read = report_from(document.encode(), written.plan)
    assert read == msgspec.structs.replace(written, proof={}, is_shipped=False)
    assert read is not None
    assert verdict_document(msgspec.structs.replace(read, is_shipped=True)) == document


def test_what_was_skipped_is_still_no_pass(plan: Callable[..., RunPlan]) -> None:
    skipped = Result(checker="monitoring", verdict=Verdict.UNKNOWN, skipped=("no API",), is_skipped=True)
    report = run_report(plan(), History([]), [skipped], judged=JUDGED)
    read = report_from(verdict_document(report).encode(), plan())
    assert read is not None
    assert read.results == (skipped,)
    assert merged(read.results) is read.verdict is Verdict.UNKNOWN


def test_a_document_that_contradicts_itself_is_none(written: RunReport, finding: Finding) -> None:
    result = Result(checker="tags", verdict=Verdict.INVALID, findings=(finding,))
    invalid = msgspec.structs.replace(written, verdict=Verdict.INVALID, results=(result,), interrupted_by=None)
    document = json.loads(verdict_document(invalid))
    assert report_from(json.dumps(document).encode(), written.plan) is not None
    fine = {"verdict": "VALID"}
    edits: list[dict[str, Any]] = [
        fine,
        {"exit_code": 0},
        fine | {"exit_code": 0},
        fine | {"exit_code": 0, "checkers": [document["checkers"][0] | fine]},
        {"checkers": [document["checkers"][0] | {"findings": []}]},
    ]
    for edit in edits:
        assert report_from(json.dumps(document | edit).encode(), written.plan) is None, edit


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"run_id": "r2"}, {"verdict": "FINE"}, {"judged": None}, {"checkers": [{}]}, {"main_s": "long"}],
)
def test_a_document_that_is_not_of_this_run_is_none(written: RunReport, change: dict[str, Any]) -> None:
    document = json.loads(verdict_document(written)) | change
    assert report_from(json.dumps(document).encode(), written.plan) is None
    assert report_from(b"\xff{", written.plan) is None
