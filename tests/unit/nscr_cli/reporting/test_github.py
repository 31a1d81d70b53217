"""What the runner of GitHub Actions reads, and what it must not take for a command."""

import re
from pathlib import Path

import pytest

from nscr_cli.errors import ReportsUnwritable
from nscr_cli.reporting.github import (
    MOST_ANNOTATIONS,
    MOST_SUMMARY,
    Annotation,
    Level,
    annotation_line,
    append_summary,
    few,
    markdown_text,
    without_commands,
)

HOSTILE = "100% a:b,c\r\n::add-mask::x\x1b[2J"


def unescaped(text: str, *more: tuple[str, str]) -> str:
    """As the runner does it: the per cent sign last."""
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(escape, char)
    return text


def test_a_hostile_annotation_is_one_line_and_one_command() -> None:
    line = annotation_line(Annotation(level=Level.ERROR, title=HOSTILE, message=HOSTILE))
    assert "\n" not in line
    assert "\x1b" not in line
    found = re.fullmatch("::error title=([^:,]*)::(.*)", line)
    assert found is not None
    assert unescaped(found[1], ("%3A", ":"), ("%2C", ",")).startswith("100% a:b,c")
    assert unescaped(found[2]).startswith("100% a:b,c\ufffd\n::add-mask::x\ufffd")


def test_text_is_shown_without_commands() -> None:
    first, text, last = without_commands("::error::x\n").splitlines()
    assert text == "::error::x"
    assert first.startswith("::stop-commands::")
    assert last == f"::{first.removeprefix('::stop-commands::')}::"
    assert first != without_commands("").splitlines()[0]


def test_more_than_github_shows_is_counted() -> None:
    errors = [Annotation(level=Level.ERROR, title=str(number), message="x") for number in range(25)]
    notice = Annotation(level=Level.NOTICE, title="n", message="x")
    kept = few([*errors, notice])
    assert kept[:9] == errors[:9]
    assert (len(kept), kept[MOST_ANNOTATIONS - 1].title, kept[-1]) == (MOST_ANNOTATIONS + 1, "16 more", notice)
    assert few(errors[:10]) == errors[:10]


def test_a_summary_is_appended_and_cut_where_github_would_drop_it(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(path)}
    append_summary("one\n", environment)
    append_summary("two", environment)
    assert path.read_text() == "one\n\ntwo\n\n"
    append_summary("ü" * MOST_SUMMARY, environment)
    append_summary("three", environment)
    assert MOST_SUMMARY - 2 < path.stat().st_size <= MOST_SUMMARY
    path.read_text()  # what was cut is still UTF-8
    append_summary("x", environment | {"GITHUB_ACTIONS": "false"})
    append_summary("x", {"GITHUB_ACTIONS": "true"})
    with pytest.raises(ReportsUnwritable):
        append_summary("x", environment | {"GITHUB_STEP_SUMMARY": str(tmp_path)})


def test_markdown_takes_it_for_text() -> None:
    assert markdown_text("@team <b>|`*") == "&#64;team &lt;b&gt;\\|\\`\\*"
