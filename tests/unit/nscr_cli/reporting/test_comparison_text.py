"""A comparison in words, as Markdown and as JSON: promises first, then speed with its bounds, then why nobody knows."""

import json

import msgspec
import pytest

from nscr_cli.exits import Exit
from nscr_cli.reporting.comparison import Change, Comparison, Difference
from nscr_cli.reporting.comparison_promises import Broken
from nscr_cli.reporting.comparison_text import comparison_document, headline, markdown_comparison, plain_comparison
from nscr_cli.reporting.reruns import Promise

HOSTILE = "a`|<img src=x>\x1b[2J"
SLOWER = Difference(
    what="all", quantile="p50", change=Change.SLOWER, ratio=1.31, low=1.24, high=1.38, new=None, old=None
)
OF_PULLS = Difference(
    what="get-blob", quantile="p50", change=Change.SLOWER, ratio=1.4, low=1.2, high=1.6, new=7.0, old=5.0
)
TOLD = Comparison(
    new=("new",),
    old=("old", "older"),
    verdict_new="INVALID",
    verdict_old="VALID",
    verdicts=(("tags", "INVALID", "VALID"), ("blobs", "VALID", "VALID"), ("reads", None, "SKIPPED")),
    broken=(Broken(promise=Promise(checker="tags", rule="lost-write"), new=1, old=0),),
    mix=(("get-blob", 0.5, 0.4), ("list-tags", 0.101, 0.1)),
    speeds=(SLOWER, OF_PULLS),
    speed=Change.SLOWER,
    unsure=(),
    notes=("one pair of runs",),
)


def test_a_terminal_is_told_in_a_sentence_and_then_in_tables() -> None:
    text = plain_comparison(TOLD)
    assert text.startswith(
        "1 newly broken: lost-write (tags); slower: p50 of all operations 1.31 x (1.24 to 1.38)\n"
        "new: new\nold: old, older"
    )
    assert "lost-write (tags)  new  1 of 1  0 of 2" in text
    assert "get-blob" in text and "7.00 ms" in text and "1.20 to 1.60" in text  # noqa: PT018
    assert "blobs" not in text and "list-tags" not in text  # noqa: PT018


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "1 newly broken: lost-write (tags); slower"),
        ({"broken": (), "verdict_new": "VALID"}, "VALID as before; slower"),
        ({"broken": (), "verdict_new": "UNKNOWN"}, "UNKNOWN, was VALID; slower"),
        ({"broken": (msgspec.structs.replace(TOLD.broken[0], new=0, old=2),)}, "1 broken no more; slower"),
        ({"broken": (msgspec.structs.replace(TOLD.broken[0], old=2),)}, "1 still broken; slower"),
        ({"speed": Change.CANNOT_TELL, "speeds": ()}, "of speed nobody can tell"),
    ],
)
def test_the_sentence(changed: dict[str, object], said: str) -> None:
    assert said in headline(msgspec.structs.replace(TOLD, **changed))


def test_markdown_quotes_what_others_named() -> None:
    told = msgspec.structs.replace(TOLD, new=(HOSTILE,), notes=(HOSTILE,))
    text = markdown_comparison(told)
    assert "\x1b" not in text
    assert text.count("<img") == text.count("``a`|<img") == 2
    assert "| get-blob   | p50 |" in text


def test_json_says_all_of_it_in_ascii() -> None:
    document = comparison_document(msgspec.structs.replace(TOLD, new=("ü",)))
    assert document.isascii()
    facts = json.loads(document)
    assert facts["exit_code"] == Exit.INVALID
    assert facts["new"] == {"runs": ["ü"], "verdict": "INVALID"}
    assert facts["speeds"][1] == {
        "what": "get-blob", "quantile": "p50", "change": "slower", "ratio": 1.4, "low": 1.2, "high": 1.6,
        "new": 7.0, "old": 5.0,
    }  # fmt: skip
    assert facts["broken"] == [{"checker": "tags", "rule": "lost-write", "became": "new", "new": 1, "old": 0}]


@pytest.mark.parametrize(
    ("broken", "speed", "verdict", "code"),
    [
        (TOLD.broken, Change.SLOWER, "INVALID", Exit.INVALID),
        ((), Change.SLOWER, "VALID", Exit.THRESHOLD),
        ((), Change.CANNOT_TELL, "VALID", Exit.UNKNOWN),
        ((), Change.FASTER, "UNKNOWN", Exit.UNKNOWN),
        ((), Change.WITHIN_NOISE, "VALID", Exit.VALID),
        ((msgspec.structs.replace(TOLD.broken[0], old=1),), Change.FASTER, "INVALID", Exit.VALID),
    ],
)
def test_the_exit_code(broken: tuple[Broken, ...], speed: Change, verdict: str, code: Exit) -> None:
    told = msgspec.structs.replace(TOLD, broken=broken, speed=speed, verdict_new=verdict)
    assert told.exit_code is code
