"""JUnit XML is accepted: by a schema that is at least as strict as those in use, and by a parser of other people."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from lxml import etree

from nscr_cli.reporting.junit import Case, Outcome, Suite, junit_document

SCHEMA = etree.XMLSchema(file=str(Path(__file__).parent / "junit.xsd"))
STARTED = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
HOSTILE = "\x00\x08\x0b\x1b[31m\x7f\x85\u202e\ud800\udfff\ufffe\uffff ]]> <b>&amp;\"'\t\r\n\n"


def _accepted(document: str) -> etree._Element:
    """The document as a strict parser has it, after the schema took it."""
    root = etree.fromstring(document.encode("ascii"), etree.XMLParser(recover=False, resolve_entities=False))
    SCHEMA.assertValid(root)
    return root


def _case(outcome: Outcome, name: str = "tags", **told: str) -> Case:
    return Case(name=name, classname="nscr.mixed", outcome=outcome, **told)


def _suite(*cases: Case, **more: object) -> Suite:
    return Suite(**{"name": "mixed", "cases": cases, "started": STARTED, **more})  # type: ignore[arg-type]


def test_nothing_is_a_document_too() -> None:
    assert len(_accepted(junit_document([]))) == 0
    assert _accepted(junit_document([_suite()]))[0].get("tests") == "0"


def test_each_outcome_stands_where_readers_look_for_it() -> None:
    cases = (
        _case(Outcome.PASSED, "blobs"),
        _case(Outcome.FAILED, "tags", type="lost-write", message="lost-write at a:b", text="#1 wrote\n#2 read"),
        _case(Outcome.ERROR, "catalog", message="2 reads (needs 5)"),
        _case(Outcome.SKIPPED, "referrers", message="no referrers API"),
    )
    root = _accepted(junit_document([_suite(*cases, seconds=12.3456, properties={"seed": "7"}, output="again: nscr")]))
    suite = root[0]
    counts = {name: suite.get(name) for name in ("id", "tests", "failures", "errors", "skipped", "time", "timestamp")}
    assert counts == {
        "id": "0", "tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "12.346",
        "timestamp": "2026-03-01T12:30:05",
    }  # fmt: skip
    blobs, tags, catalog, referrers = suite.iter("testcase")
    assert len(blobs) == 0
    failure, error, skipped = tags[0], catalog[0], referrers[0]
    assert (failure.tag, failure.get("type"), failure.get("message")) == ("failure", "lost-write", "lost-write at a:b")
    assert failure.text == "#1 wrote\n#2 read"
    assert (error.tag, error.get("type"), error.get("message")) == ("error", "error", "2 reads (needs 5)")
    assert (skipped.tag, skipped.get("message")) == ("skipped", "no referrers API")
    assert suite.findtext("system-out") == "again: nscr"
    assert [dict(one.attrib) for one in suite.iter("property")] == [{"name": "seed", "value": "7"}]


def test_a_junit_parser_of_other_people_counts_the_same() -> None:
    cases = [_case(outcome, outcome.name) for outcome in Outcome] + [_case(Outcome.FAILED, "twice", message=HOSTILE)]
    parsed = JUnitXml.fromstring(
        junit_document([_suite(*cases, properties={"seed": "7"}), _suite(*cases[:1])]).encode()
    )
    first, second = parsed
    assert (first.tests, first.failures, first.errors, first.skipped) == (5, 2, 1, 1)
    assert (second.tests, second.failures, second.errors, second.skipped) == (1, 0, 0, 0)
    assert [type(one.result[0]).__name__ if one.result else "passed" for one in first] == [
        "passed", "Failure", "Error", "Skipped", "Failure",
    ]  # fmt: skip
    assert [(one.name, one.value) for one in first.properties()] == [("seed", "7")]


def test_the_start_is_told_in_utc_and_without_a_zone() -> None:
    started = STARTED.astimezone(timezone(timedelta(hours=5)))
    assert _accepted(junit_document([_suite(started=started)]))[0].get("timestamp") == "2026-03-01T12:30:05"


@pytest.mark.parametrize("outcome", Outcome)
def test_hostile_strings_stay_text(outcome: Outcome) -> None:
    case = Case(name=HOSTILE, classname=HOSTILE, outcome=outcome, type=HOSTILE, message=HOSTILE, text=HOSTILE)
    suite = _suite(case, name=HOSTILE, hostname=HOSTILE, properties={HOSTILE: HOSTILE}, output=HOSTILE)
    document = junit_document([suite])
    assert document.isascii()
    root = _accepted(document)
    everything = [*root.itertext(), *(value for element in root.iter() for value in element.attrib.values())]
    assert all(char.isprintable() or char == "\n" for text in everything for char in text)
    assert "]]> <b>&amp;\"'" in (root.findtext("testsuite/system-out") or "")
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped",
        "system-out", "system-err",
    }  # fmt: skip


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text_is_accepted(text: str) -> None:
    case = Case(name=text, classname=text, outcome=Outcome.FAILED, type=text, message=text, text=text)
    _accepted(junit_document([_suite(case, name=text, hostname=text, properties={text: text}, output=text)]))


def test_a_text_of_many_megabytes_is_cut() -> None:
    case = _case(Outcome.FAILED, message="m" * 11_000_000, text="t" * 11_000_000)
    failure = _accepted(junit_document([_suite(case)])).find("testsuite/testcase/failure")
    assert failure is not None
    assert len(failure.text or "") == 100_001
    assert len(failure.get("message", "")) == 1_000


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ('tests="1"', 'tests="-1"'),
        ('time="0.000"', 'time="nan"'),
        ("<properties />", ""),
        ('classname="nscr.mixed"', ""),
    ],
)
def test_the_schema_refuses_what_readers_would(told: str, instead: str) -> None:
    document = junit_document([_suite(_case(Outcome.PASSED))])
    assert told in document
    with pytest.raises(etree.DocumentInvalid):
        _accepted(document.replace(told, instead))
