"""Every rule that docs/checkers.md knows is told in plain words, and no other."""

import re
from pathlib import Path

import pytest

from nscr_cli.reporting.plain_rules import _OF_CHECKER, _WORDS, in_plain_words

DOCUMENT = (Path(__file__).parents[4] / "docs" / "checkers.md").read_text()
OUTCOMES = {"ok", "fail", "info"}


def _tabled() -> set[str]:
    cells = [line.split("|")[1] for line in DOCUMENT.splitlines() if line.startswith("| `")]
    return {rule for cell in cells for rule in re.findall(r"`([a-z-]+)`", cell)} - OUTCOMES


def test_every_rule_has_its_words() -> None:
    assert len(_tabled()) > 80
    assert _tabled() <= set(_WORDS)


def test_no_words_are_of_a_rule_that_there_is_not() -> None:
    named = set(re.findall(r"`([a-z-]+)`", DOCUMENT))
    assert set(_WORDS) <= named
    assert {rule for _, rule in _OF_CHECKER} <= set(_WORDS)


@pytest.mark.parametrize("words", [*_WORDS.values(), *_OF_CHECKER.values()])
def test_words_are_a_clause_to_be_gone_on_with(words: str) -> None:
    assert words[0].islower() or words.startswith("HEAD")
    assert not words.endswith(".")
    assert "`" not in words


def test_the_checker_tells_rules_of_one_name_apart() -> None:
    assert in_plain_words("closure", "refused-write") != in_plain_words("blobs", "refused-write")
    assert in_plain_words("tags", "never-heard-of") == "the promise 'never-heard-of' was broken"
