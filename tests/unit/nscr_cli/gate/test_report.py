"""From what a walk saw to what is printed."""

import io
import json
from datetime import UTC, datetime

import msgspec
import pytest
from rich.console import Console

from nscr_cli.checkers.verdict import Finding, Verdict
from nscr_cli.client.completions import Completion
from nscr_cli.exits import Exit
from nscr_cli.gate.annotations import annotations
from nscr_cli.gate.catalog import Choice, chosen
from nscr_cli.gate.demands import Demands, Expectation
from nscr_cli.gate.documents import CSV_COLUMNS, csv_rows, document, junit_suite
from nscr_cli.gate.monitoring import Told
from nscr_cli.gate.monitoring_rules import Suspicion
from nscr_cli.gate.rendering import markdown, plain, rendered
from nscr_cli.gate.report import GateReport, Tortured
from nscr_cli.gate.report import gate_report as reported
from nscr_cli.gate.rules import problems_of
from nscr_cli.gate.subjects import Check, Problem, Sight, Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.history.ops import Answered, Kind, Reference
from nscr_cli.reporting.junit import Outcome

URL = "http://localhost:5000"
D, B, E = (f"sha256:{letter * 64}" for letter in "dbe")
TAG, MANIFEST, BLOB = Subject(Thing.TAG, "a", "t"), Subject(Thing.MANIFEST, "a", D), Subject(Thing.BLOB, "a", B)
TOLD = Told(repositories=1, tags=1, blobs=1, snapshots=3, health_checks=3, sessions=0)


CHOICE = Choice(repositories=("a",), is_whole=True)
DEEP = Demands(is_deep=True)


def gate_report(
    url: str, survey: Survey, told: Told, *, choice: Choice = CHOICE, demands: Demands = DEEP, **more: object
) -> GateReport:
    return reported(url, survey, told, choice=choice, demands=demands, **more)


def completion(**answered: object) -> Completion:
    usual = {"status": 200, "present": True, "media_type": "application/vnd.oci.image.manifest.v1+json"}
    return Completion(kind=Kind.OK, answered=Answered(**usual | answered))


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
    assert report.counts == {
        "repositories": 1,
        "tags": 1,
        "manifests": 1,
        "blobs": 1,
        "blobs read": 1,
        "bytes hashed": 21,
    }
    assert plain(report).startswith(f"VALID: {URL} · 1 repository, 1 tag, 1 manifest, 1 blob (1 read, 21 B hashed)\n")


def test_findings_name_what_needs_them() -> None:
    report = broken()
    assert (report.verdict, report.exit_code) == (Verdict.INVALID, Exit.INVALID)
    (finding,) = report.findings
    assert (finding.checker, finding.rule, finding.key) == ("content", "wrong-content", f"a@{B}")
    assert finding.explanation.endswith(f"(needed by a@{D}; tagged t)")


def test_findings_name_the_tags_that_lead_there_through_an_index() -> None:
    survey = Survey()
    index = Subject(Thing.MANIFEST, "a", "sha256:i")
    tags = [f"t{number}" for number in range(7)]
    for tag in survey.add_repository("a", completion(tags=(*tags, "moved"))):
        survey.add_sight(tag, sight(digest=index.reference, length=9), ())
    survey.add_sight(Subject(Thing.TAG, "a", "moved"), sight(digest="sha256:other", length=9), ())
    survey.add_sight(index, sight(digest=index.reference, references=(Reference(D, True, 9),)), ())
    survey.add_sight(MANIFEST, sight(digest=D, length=9, references=(Reference(B, False, 3),)), ())
    assert survey.leading_tags(BLOB) == tags
    problem = Problem(check=Check.CLOSURE, rule="missing-blob", explanation="gone", is_proven=True)
    survey.add_sight(BLOB, sight(digest=B, length=3), (problem,))
    (finding,) = gate_report(URL, survey, TOLD).findings
    assert finding.explanation == f"gone (needed by a@{D}; tagged t0, t1, t2, t3, t4 and 2 more)"
    report = gate_report(URL, survey, TOLD)
    (told,) = [one for check in json.loads(document(report))["checks"] for one in check["findings"]]
    assert told["tags"] == [f"a:{tag}" for tag in tags]
    assert [row[-1] for row in csv_rows(report) if row[5]] == [" ".join(f"a:{tag}" for tag in tags)]
    assert {len(row) for row in csv_rows(report)} == {len(CSV_COLUMNS)}


def test_a_finding_about_a_tag_names_it_and_one_about_an_answer_names_none() -> None:
    survey = surveyed()
    dead = Problem(check=Check.TAGS, rule="unresolved-tag", explanation="404")
    survey.add_sight(Subject(Thing.TAG, "a", "dead"), sight(status=404, present=False), (dead,))
    shown = (
        Suspicion(check=Check.MONITORING, rule="hidden-tag", key="a:t", explanation="x"),
        Suspicion(check=Check.MONITORING, rule="hidden-blob", key=B, explanation="x"),
    )
    told = gate_report(URL, survey, msgspec.structs.replace(TOLD, lasting=shown), tortured=(tortured_badly(),))
    checks = json.loads(document(told))["checks"]
    assert {one["rule"]: one["tags"] for check in checks for one in check["findings"]} == {
        "unresolved-tag": ["a:dead"], "hidden-tag": ["a:t"], "hidden-blob": [], "lost-write": []
    }  # fmt: skip


def tortured_badly() -> Tortured:
    lost = Finding(checker="tags", rule="lost-write", key="x:y", operations=(1,), clause="c", explanation="e")
    return msgspec.structs.replace(tortured(Verdict.INVALID, Exit.INVALID), findings=(lost,))


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
    report = gate_report(URL, Survey(), Told(lasting=lasting, snapshots=3, health_checks=1, sessions=0))
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
    assert gate_report(URL, survey, TOLD, choice=chosen(("a", "c"), ())).verdict is Verdict.UNKNOWN
    assert gate_report(URL, survey, TOLD, choice=chosen(("a", "t/*"), ("a",))).verdict is Verdict.UNKNOWN
    assert gate_report(URL, survey, TOLD, choice=chosen(("?",), ("a",))).verdict is Verdict.VALID


def test_what_was_left_out_is_said() -> None:
    report = gate_report(URL, surveyed(), Told(absent="not offered"), demands=Demands())
    assert "monitoring, totals, health, sessions skipped: not offered" in plain(report)
    assert "content of blobs skipped" in plain(report)
    assert [result.checker for result in report.results] == ["tags", "agreement", "content", "closure"]
    survey = surveyed()
    survey.add_vanished(BLOB)
    survey.add_sight(BLOB, sight(digest=B, length=3), (), sights=2)
    notes = gate_report(URL, survey, Told(moving=1, health_checks=1, sessions=0)).notes
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


def test_a_registry_that_never_held_still_is_not_judged() -> None:
    told = msgspec.structs.replace(TOLD, undecided=("/api/registry/blobs",))
    report = gate_report(URL, surveyed(), told)
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, Exit.UNKNOWN)
    assert "totals not decided: not judged: busy" in plain(report)
    moving = msgspec.structs.replace(TOLD, tags=0, moving=4)
    assert "every one of 4 tags changed" in plain(gate_report(URL, surveyed(), moving))


@pytest.mark.parametrize(("orphaned", "most", "is_valid"), [(0, None, True), (1, None, False), (3, 3, True)])
def test_orphaned_manifests(orphaned: int, most: int | None, is_valid: bool) -> None:
    told = msgspec.structs.replace(TOLD, orphaned=orphaned)
    report = gate_report(URL, surveyed(), told, demands=Demands(max_orphaned=most))
    assert (report.verdict is Verdict.VALID) == is_valid
    assert [finding.rule for finding in report.findings] == ([] if is_valid else ["orphaned-manifests"])


def test_a_limit_that_is_breached_is_no_broken_promise() -> None:
    told = msgspec.structs.replace(TOLD, unreferenced=2)
    for most, exit_code in ((1, Exit.THRESHOLD), (2, Exit.VALID)):
        report = gate_report(URL, surveyed(), told, demands=Demands(max_unreferenced=most))
        assert (report.verdict, report.exit_code) == (Verdict.VALID, exit_code)
    problem = Problem(check=Check.TAGS, rule="x", explanation="x")
    report = gate_report(URL, surveyed(problems=(problem,)), told, demands=Demands(max_unreferenced=1))
    assert report.exit_code is Exit.INVALID


def test_what_only_the_monitoring_api_knows_is_no_pass_without_it() -> None:
    for demands in (Demands(max_unreferenced=1), Demands(max_orphaned=0), Demands(health=Expectation.REQUIRED)):
        assert gate_report(URL, surveyed(), Told(absent="none"), demands=demands).exit_code is Exit.UNKNOWN
    assert gate_report(URL, surveyed(), Told(absent="none")).exit_code is Exit.VALID
    assert gate_report(URL, surveyed(), TOLD, demands=Demands(max_unreferenced=1)).exit_code is Exit.UNKNOWN


def test_health_that_is_only_told() -> None:
    ill = Suspicion(check=Check.HEALTH, rule="unhealthy", key="/", explanation="status is 'degraded'")
    told = msgspec.structs.replace(TOLD, lasting=(ill,))
    assert gate_report(URL, surveyed(), told).verdict is Verdict.INVALID
    report = gate_report(URL, surveyed(), told, demands=Demands(health=Expectation.IGNORED))
    assert report.verdict is Verdict.VALID
    assert report.skipped["health"] == "not judged, as told: status is 'degraded'"


def incomplete() -> Survey:
    """An index that lacks its child."""
    survey = Survey()
    child = Subject(Thing.MANIFEST, "a", E)
    survey.add_repository("a", completion(tags=("t",)))
    survey.add_sight(TAG, sight(digest=D, length=9), ())
    survey.add_sight(MANIFEST, sight(digest=D, length=9, references=(Reference(E, True, 3),)), ())
    missing = Problem(check=Check.CLOSURE, rule="missing-manifest", explanation="404")
    survey.add_sight(child, sight(status=404, present=False), (missing,))
    return survey


@pytest.mark.parametrize(
    ("sparse", "are_allowed", "verdict"),
    [
        (None, None, Verdict.UNKNOWN),
        (0, None, Verdict.INVALID),
        (1, None, Verdict.VALID),
        (None, True, Verdict.VALID),
        (1, False, Verdict.INVALID),
    ],
)
def test_an_index_that_lacks_a_child(sparse: int | None, are_allowed: bool | None, verdict: Verdict) -> None:
    told = msgspec.structs.replace(TOLD, sparse=sparse)
    report = gate_report(URL, incomplete(), told, demands=Demands(are_sparse_allowed=are_allowed))
    assert report.verdict is verdict
    assert ("closure (sparse-index)" in report.skipped) == (verdict is Verdict.VALID)


def test_a_child_that_a_tag_names_as_well_is_missing() -> None:
    survey = incomplete()
    survey.tags["a"]["u"] = E
    survey.add_sight(Subject(Thing.TAG, "a", "u"), sight(digest=E, length=3), ())
    report = gate_report(URL, survey, TOLD, demands=Demands(are_sparse_allowed=True))
    assert report.verdict is Verdict.INVALID


def tortured(verdict: Verdict, exit_code: Exit) -> Tortured:
    return Tortured(scenario="mixed", seed=1, verdict=verdict, exit_code=exit_code, folder="r")


@pytest.mark.parametrize(
    ("verdict", "exit_code", "expected"),
    [
        (Verdict.VALID, Exit.VALID, Exit.VALID),
        (Verdict.VALID, Exit.THRESHOLD, Exit.THRESHOLD),
        (Verdict.UNKNOWN, Exit.UNKNOWN, Exit.UNKNOWN),
        (Verdict.UNKNOWN, Exit.ENVIRONMENT, Exit.ENVIRONMENT),
        (Verdict.INVALID, Exit.INVALID, Exit.INVALID),
    ],
)
def test_what_was_tortured_is_merged(verdict: Verdict, exit_code: Exit, expected: Exit) -> None:
    report = gate_report(URL, surveyed(), TOLD, tortured=(tortured(verdict, exit_code),))
    assert (report.verdict, report.exit_code) == (verdict, expected)
    if verdict is not Verdict.INVALID:
        both = gate_report(URL, broken_survey(), TOLD, tortured=(tortured(verdict, exit_code),))
        assert (both.verdict, both.exit_code) == (Verdict.INVALID, Exit.INVALID)


def broken_survey() -> Survey:
    return surveyed(problems=(Problem(check=Check.CONTENT, rule="wrong-content", explanation="x", is_proven=True),))


def test_junit_has_a_case_for_everything() -> None:
    report = gate_report(
        URL, broken_survey(), msgspec.structs.replace(TOLD, unreferenced=2), demands=Demands(max_unreferenced=1)
    )
    suite = junit_suite(report, started=datetime(2026, 1, 2, tzinfo=UTC), seconds=1.5)
    assert {case.name: case.outcome.value for case in suite.cases} == {
        "tags": "passed", "agreement": "passed", "content": "failure", "closure": "passed", "monitoring": "passed",
        "totals": "passed", "health": "passed", "sessions": "passed", "unreferenced blobs": "failure",
        "manifests without a tag": "skipped",
        "content of blobs": "skipped",
    }  # fmt: skip
    unknown = gate_report(URL, Survey(), TOLD)
    assert [case.outcome.value for case in junit_suite(unknown, started=suite.started, seconds=0).cases] == ["error"]


def test_annotations_end_with_the_verdict() -> None:
    shown = list(annotations(broken()))
    assert [(one.level.value, one.title) for one in shown] == [
        ("error", "content: wrong-content"), ("warning", "nscr gate")
    ]  # fmt: skip
    assert [one.level.value for one in annotations(gate_report(URL, surveyed(), TOLD))] == ["notice"]


@pytest.mark.parametrize(
    ("media_type", "undecided"),
    [
        ("application/x-unknown", {"closure"}),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", {"closure", "content"}),
    ],
)
def test_what_was_not_judged_is_no_evidence(media_type: str, undecided: set[str]) -> None:
    survey = Survey()
    survey.add_repository("a", completion(tags=("t",)))
    survey.add_sight(TAG, sight(digest=D, length=9, media_type=media_type), ())
    seen = sight(digest=D, header_digest=D, length=9, references=(), media_type=media_type)
    survey.add_sight(MANIFEST, seen, tuple(one for one in problems_of(MANIFEST, seen) if one.is_skipped))
    report = gate_report(URL, survey, TOLD)
    assert report.exit_code is Exit.UNKNOWN
    rows = {row[3]: row[4] for row in csv_rows(report)}
    cases = {case.name: case.outcome for case in junit_suite(report, started=datetime.now(UTC), seconds=1).cases}
    checks = {one["check"]: one for one in json.loads(document(report))["checks"]}
    assert {check for check, one in checks.items() if one["verdict"] == "UNKNOWN"} == undecided
    for check in undecided:
        assert (rows[check], cases[check]) == ("UNKNOWN", Outcome.ERROR)
        assert checks[check]["evidence"]["manifests"] == 0
        assert f"{check} not decided: nothing to judge: of 1 manifests" in plain(report)
    assert "closure (other-form)" in report.skipped


def test_a_comparison_with_nothing_is_no_pass() -> None:
    for nothing in ({"tags": 0}, {"snapshots": 0}):
        assert gate_report(URL, surveyed(), msgspec.structs.replace(TOLD, **nothing)).exit_code is Exit.UNKNOWN


def test_what_no_tag_reaches_is_said_to_be_left_out() -> None:
    told = "manifests without a tag skipped: only what a tag reaches was looked at: 1 manifests"
    assert f"{told}\n" in plain(gate_report(URL, surveyed(), Told(absent="none")))
    counted = msgspec.structs.replace(TOLD, manifests=5)
    assert f"{told}; the registry counts 5 manifests in all\n" in plain(gate_report(URL, surveyed(), counted))
