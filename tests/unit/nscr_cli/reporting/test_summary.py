"""summary.md and the Markdown that it is made of: hostile strings stay code, whatever a renderer makes of marks."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.reporting.markdown import code, code_cell, fenced, table
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.summary import summary_document

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
HOSTILE = "`` ` <img src=x onerror=alert(1)> @octocat #1 [a](javascript:b) | \\| *x* \x1b[2J\u202e\r\n# t\n```\n"


def _without_code(markdown: str) -> str:
    """What a renderer makes of it, but for what stands as code."""
    html = RENDERER.render(markdown)
    return re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("wrap", [code, fenced, lambda text: table(("a", "b"), [("1", code_cell(text))])])
def test_what_a_registry_said_is_code_and_nothing_else(wrap: object) -> None:
    assert callable(wrap)
    left = _without_code(wrap(HOSTILE))
    assert not re.search(r"img|octocat|javascript|alert|#1|<em>|<h1>|\x1b|\u202e", left)


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_is_one_code_span(text: str) -> None:
    tokens = RENDERER.parseInline(f"a {code(text)} b")
    kinds = [one.type for one in tokens[0].children or []]
    assert kinds in (["text", "code_inline", "text"], ["text"])
    row = RENDERER.render(table(("a", "b"), [("1", code_cell(text)), ("2", "x")]))
    assert row.count("<td") == 4


@pytest.fixture
def hostile(report: RunReport) -> RunReport:
    """A report in which all that a registry or a user may name is hostile."""
    finding = Finding(
        checker="tags", rule="lost-write", key=HOSTILE, operations=(0,), clause=HOSTILE, explanation=HOSTILE
    )
    result = Result(checker="tags", verdict=Verdict.INVALID, findings=(finding,) * 3, evidence={HOSTILE: 1})
    plan = msgspec.structs.replace(
        report.plan, scenario_name=HOSTILE, registry_url=HOSTILE, namespace=HOSTILE, sabotages=(HOSTILE,)
    )
    unknown = Result(checker="blobs", verdict=Verdict.UNKNOWN, reasons=(HOSTILE,), skipped=(HOSTILE,))
    return msgspec.structs.replace(
        report, plan=plan, results=(result, unknown), skipped=(HOSTILE,), leftovers=(HOSTILE,)
    )


def test_a_hostile_report_is_a_summary_without_marks_of_its_own(hostile: RunReport) -> None:
    left = _without_code(summary_document(hostile))
    assert not re.search(r"img|octocat|javascript|alert|<h1>|\x1b|\u202e", left)
    assert "<strong>lost-write</strong> (tags) (3 times)" in left


def test_the_verdict_comes_first_and_the_replay_is_a_command(report: RunReport) -> None:
    summary = summary_document(report)
    assert summary.startswith("## nscr: INVALID (partial)") is report.partial
    assert "**A tag was written, the registry confirmed it, and the write is gone.**" in summary
    assert f"```sh\n{report.replay_command}\n```" in summary
    assert "- `blobs: only 1 read`" in summary
    rows = re.findall(r"^\| (push-blob [a-z-]+|get-manifest)", summary, flags=re.MULTILINE)
    assert rows == ["get-manifest", "push-blob post-put", "push-blob single-post"]


def test_a_valid_run_says_so_and_a_thousand_leftovers_are_ten(report: RunReport) -> None:
    valid = Result(checker="tags", verdict=Verdict.VALID)
    summary = summary_document(
        msgspec.structs.replace(
            report, verdict=Verdict.VALID, results=(valid,), leftovers=tuple(map(str, range(1000))), partial=False
        )
    )
    assert summary.startswith("## nscr: VALID\n\n**Everything that was checked held.**")
    assert "What broke" not in summary
    assert "- and 990 more" in summary
