"""From what a walk saw to what is printed."""

import io
import json

import pytest
from rich.console import Console

from nscr_cli.checkers.verdict import Verdict
from nscr_cli.client.completions import Completion
from nscr_cli.client.monitoring import Poll
from nscr_cli.exits import Exit
from nscr_cli.gate.monitoring import Told, why_absent
from nscr_cli.gate.monitoring_rules import Suspicion
from nscr_cli.gate.rendering import csv_rows, document, markdown, plain, rendered
from nscr_cli.gate.report import GateReport, gate_report
from nscr_cli.gate.subjects import Check, Problem, Sight, Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.history.ops import Answered, Kind, Reference

URL = "http://localhost:5000"
D, B = "sha256:d", "sha256:b"
TAG, MANIFEST, BLOB = Subject(Thing.TAG, "a", "t"), Subject(Thing.MANIFEST, "a", D), Subject(Thing.BLOB, "a", B)
TOLD = Told(repositories=1, tags=1, blobs=1, are_totals_compared=True, health_checks=3, sessions=0)


def completion(**answered: object) -> Completion:
    return Completion(kind=Kind.OK, answered=Answered(**{"status": 200, "present": True, **answered}))


def sight(**answered: object) -> Sight:
    return Sight(*[completion(**answered)] * 3)


def surveyed(*, blob_size: int = 3, problems: tuple[Problem, ...] = ()) -> Survey:
    survey = Survey()
    assert survey.add_repository("a", completion(tags=("t", "t"))) == [TAG]
    assert survey.add_sight(TAG, sight(digest=D, length=9), ()) == [MANIFEST]
    references = (Reference(B, False, blob_size), Reference(B, False, blob_size))
    assert survey.add_sight(MANIFEST, sight(digest=D, length=9, references=references), ()) == [BLOB]
    assert survey.add_sight(BLOB, sight(digest=B, length=3), problems) == []
    return survey


def broken() -> GateReport:
    problem = Problem(check=Check.CONTENT, rule="wrong-content", explanation="=evil\x1b[2J|<b>", is_proven=True)
    return gate_report(URL, surveyed(problems=(problem,)), TOLD)


def test_valid() -> None:
    report = gate_report(URL, surveyed(), TOLD)
    assert (report.verdict, report.exit_code) == (Verdict.VALID, Exit.VALID)
    assert report.counts == {"repositories": 1, "tags": 1, "manifests": 1, "blobs": 1, "bytes hashed": 21}
    assert plain(report).startswith(f"VALID: {URL} · 1 repositories, 1 tags, 1 manifests, 1 blobs, 21 bytes hashed\n")


def test_findings_name_what_needs_them() -> None:
    report = broken()
    assert (report.verdict, report.exit_code) == (Verdict.INVALID, Exit.INVALID)
    (finding,) = report.findings
    assert (finding.checker, finding.rule, finding.key) == ("content", "wrong-content", f"a@{B}")
    assert finding.explanation.endswith(f"(needed by a@{D})")


def test_sizes_are_compared_when_all_is_seen() -> None:
    (finding,) = gate_report(URL, surveyed(blob_size=4), TOLD).findings
    assert (finding.checker, finding.rule) == ("closure", "wrong-size")


def test_nothing_to_judge() -> None:
    for survey in (Survey(), Survey()):
        report = gate_report(URL, survey, TOLD)
        assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, Exit.UNKNOWN)
        assert "VALID" not in plain(report)
        survey.add_repository("a", completion(status=404, present=False))
        assert "no repository has a tag" in plain(gate_report(URL, survey, TOLD))


def test_a_catalog_that_hides_everything_is_told() -> None:
    lasting = (Suspicion(check=Check.MONITORING, rule="phantom-repository", key="a", explanation="x"),)
    report = gate_report(URL, Survey(), Told(lasting=lasting, health_checks=1, sessions=0))
    assert [(result.checker, result.verdict) for result in report.results] == [
        ("tags", Verdict.UNKNOWN), ("monitoring", Verdict.INVALID)
    ]  # fmt: skip


def test_what_could_not_be_seen_is_unknown() -> None:
    survey = surveyed()
    survey.add_repository("b", Completion(kind=Kind.FAIL, answered=Answered(status=500), error="500"))
    report = gate_report(URL, survey, TOLD)
    assert report.exit_code is Exit.UNKNOWN
    assert "b: its tags cannot be listed: 500" in plain(report)
    undecided = Problem(check=Check.CONTENT, rule="unseen", explanation="429", is_undecided=True)
    assert gate_report(URL, surveyed(problems=(undecided,)), TOLD).verdict is Verdict.UNKNOWN
    assert gate_report(URL, surveyed(), Told(unseen=("/api: no answer",))).verdict is Verdict.UNKNOWN
    survey = surveyed()
    survey.add_repository("c", completion(tags=None))
    assert gate_report(URL, survey, TOLD).verdict is Verdict.VALID
    assert gate_report(URL, survey, TOLD, named=("a", "c")).verdict is Verdict.UNKNOWN


def test_what_was_left_out_is_said() -> None:
    report = gate_report(URL, surveyed(), Told(absent="not offered"), hash_blobs=False)
    assert "monitoring, health, sessions skipped: not offered" in plain(report)
    assert "content of blobs skipped" in plain(report)
    assert [result.checker for result in report.results] == ["tags", "agreement", "content", "closure"]
    survey = surveyed()
    survey.add_vanished(BLOB)
    survey.add_sight(BLOB, sight(digest=B, length=3), (), sights=2)
    notes = gate_report(URL, survey, Told(health_checks=1, sessions=0)).notes
    assert len(notes) == 3
    assert survey.add_sight(MANIFEST, sight(digest=D, length=9, references=(Reference(B, False, 3),)), ()) == [BLOB]


def test_every_format_says_it_and_none_is_steered() -> None:
    report = broken()
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(rendered(report))
    texts = [plain(report), markdown(report), document(report), console.export_text()]
    for text in texts:
        assert "\x1b" not in text
        assert "INVALID" in text
        assert "wrong-content" in text
    assert "<b>" not in texts[1]
    assert json.loads(texts[2])["checks"][2]["findings"][0]["explanation"].startswith("=evil\x1b[2J")
    rows = list(csv_rows(report))
    assert [row[3:7] for row in rows if row[5]] == [("content", "INVALID", "wrong-content", f"a@{B}")]


@pytest.mark.parametrize(
    ("status", "body", "is_there"),
    [
        (200, b'{"summary": {}}', True),
        (200, b"{}", False),
        (200, b"<html>", False),
        (200, b"[]", False),
        (404, b"", False),
        (401, b"", False),
        (None, b"", False),
    ],
)
def test_what_counts_as_the_monitoring_api(status: int | None, body: bytes, is_there: bool) -> None:
    poll = Poll(path="/", status=status, body=body, start_s=0, end_s=0)
    assert (why_absent(poll) is None) == is_there
