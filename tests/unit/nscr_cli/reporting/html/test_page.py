"""The page: all that it must say in its order, what a registry said as nothing but text, the same bytes twice."""

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from nscr_cli.checkers.verdict import Result, Verdict
from nscr_cli.engine.recorded_verdict import recorded_report, renewed_report
from nscr_cli.history.journal import JOURNAL_NAME
from nscr_cli.history.ops import Entry, Event
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.html.run_page import PAGE_NAME, write_page
from nscr_cli.reporting.run_report import RunReport
from tests.unit.nscr_cli.reporting.html.made_runs import hostile_run, written_run
from tests.unit.nscr_cli.reporting.html.parsed import Parsed

GOLDEN = Path(__file__).parents[4] / "golden" / "findings"
SECTIONS = ["What broke", "How it went", "What was tried", "What was skipped, and why", "Environment", "Run it again"]


def checked(text: str) -> Parsed:
    """A page in which nothing is wrong, whatever it is about."""
    page = Parsed(text)
    assert page.open == []
    names = {tag for tag, _ in page.elements}
    assert not names & {"script", "img", "iframe", "link", "object", "embed", "form", "input", "base"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "src" not in attributes
        assert "style" not in attributes
        target = attributes.get("href") or ""
        assert target.startswith(("#", "https://github.com/opencontainers/", "https://www.rfc-editor.org/rfc/")) or (
            target.replace(".", "").isalnum() or not target
        ), target
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {target[1:] for _, one in page.elements if (target := one.get("href") or "").startswith("#")} <= set(ids)
    assert page.headings == SECTIONS
    assert all(title and description for title, description in page.pictures)
    assert not [char for char in text if unicodedata.category(char)[0] == "C" and char != "\n"]
    assert not [line for line in text.splitlines() if "url(" in line and "url(#" not in line]
    (policy,) = [one["content"] for _, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return page


def test_a_real_finding_is_told_whole(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(GOLDEN / "out-of-order-chunk", folder)
    page = checked(write_page(folder, renewed_report(folder)).read_text(encoding="utf-8"))
    for words in (
        "INVALID",
        "This registry is not fine",
        "A chunk that belongs elsewhere was accepted into an upload, first seen",
        "out-of-order-accepted",
        "Content-Range: 8453-",
        "What proves it",
        "nscr torture --replay RUNDIR",
        "findings.md",
    ):
        assert words in page.text, words
    assert "Operations a second over the time of the run" in [title for title, _ in page.pictures]
    assert "The operations that prove it, by process, in the order of events" in [title for title, _ in page.pictures]


@pytest.mark.parametrize("name", ["long-page", "two-patches-corrupt"])
def test_the_same_plan_and_journal_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    pages = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in ("plan.json", "journal.jsonl"):
            shutil.copy(GOLDEN / name / file, folder)
        pages.append(write_page(folder, renewed_report(folder)).read_bytes())
        recorded = recorded_report(folder)
        assert recorded is not None
        assert write_page(folder, recorded).read_bytes() == pages[-1]  # and so does the verdict that was written down
    assert pages[0] == pages[1]
    checked(pages[0].decode())


def test_what_a_registry_said_is_text(tmp_path: Path) -> None:
    page = checked(write_page(tmp_path, hostile_run(tmp_path)).read_text(encoding="utf-8"))
    assert "onerror=alert(1)" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "struck by" in page.text


def test_a_valid_run_says_so_at_once(tmp_path: Path, plan: Callable[..., RunPlan], entries: list[Entry]) -> None:
    report = written_run(
        tmp_path, plan(), entries, [Result(checker="tags", verdict=Verdict.VALID, evidence={"reads": 3})]
    )
    page = checked(write_page(tmp_path, report).read_text(encoding="utf-8"))
    assert "This registry is fine" in page.text
    assert "8 clients asked it for 4 things" in page.text
    assert "Nothing was found broken." in page.text
    assert "delete-tag: 405" in page.text


@pytest.mark.parametrize("entries", [[], [Event(name="phase", time_ns=0, detail={"phase": "seed"})]])
def test_a_run_of_nothing_has_a_page_too(tmp_path: Path, plan: Callable[..., RunPlan], entries: list[Entry]) -> None:
    page = checked(write_page(tmp_path, written_run(tmp_path, plan(), entries, [])).read_text(encoding="utf-8"))
    assert "Nobody can say" in page.text
    assert "This run is partial: it did not reach its end." in page.text
    assert "No operation ended, so there is nothing to plot." in page.text
    assert "the registry has no monitoring API" in page.text
    assert page.pictures == []


def test_a_page_that_cannot_be_written_leaves_the_former_one(tmp_path: Path, report: RunReport) -> None:
    shutil.copytree(GOLDEN / "long-page", tmp_path / "run")
    folder = tmp_path / "run"
    first = write_page(folder, renewed_report(folder)).read_bytes()
    (folder / JOURNAL_NAME).write_bytes(b"{}\n")
    with pytest.raises(Exception, match="not a journal"):
        write_page(folder, report)
    assert (folder / PAGE_NAME).read_bytes() == first
    assert recorded_report(folder) is None  # the verdict is of another journal now
