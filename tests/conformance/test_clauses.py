"""Every MUST, SHOULD and MAY of the specification is tested, or a reason is written why not.

clauses.toml lists those sentences of spec.md by section and hash. A sentence ends in a full stop or with its paragraph
or list item; code blocks and tables hold none; it counts where it has a key word of RFC 2119 in capitals. The hash is
of its words in lower case, so that markup and line breaks may change without a clause being lost.

`pytest tests/conformance --spec PATH` compares the list with a spec.md.
"""

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CLAUSES = tomllib.loads((FOLDER / "clauses.toml").read_text())["clause"]

KEYWORDS = re.compile(
    r"\b(MUST NOT|MUST|REQUIRED|SHALL NOT|SHALL|SHOULD NOT|SHOULD|NOT RECOMMENDED|RECOMMENDED|MAY|OPTIONAL)\b"
)
HEADING = re.compile(r"#+ +(.+?)\s*")
FENCED = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`_<(\[*])")
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e)\.")


@dataclass(frozen=True)
class Sentence:
    section: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        words = re.findall(r"[a-z0-9]+", self.text.lower())
        return self.section, hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]

    @property
    def keywords(self) -> list[str]:
        return sorted(set(KEYWORDS.findall(self.text)))


def read_sentences(specification: str) -> list[Sentence]:
    """Every sentence with a key word, in the order of the text."""
    return [
        Sentence(section, sentence)
        for section, paragraph in _paragraphs(FENCED.sub("\n\n", specification))
        for sentence in SENTENCE_END.split(ABBREVIATIONS.sub(lambda match: match[1].replace(".", ""), paragraph))
        if KEYWORDS.search(sentence)
    ]


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    section, gathered = "", ""
    for line in [*map(str.strip, text.splitlines()), ""]:
        heading = HEADING.fullmatch(line)
        if gathered and (not line or heading or line.startswith(("|", "- ", "1. "))):
            yield section, gathered
            gathered = ""
        if heading:
            section = heading[1]
        elif not line.startswith("|"):
            gathered = f"{gathered} {line}".strip()


def _named_tests() -> set[str]:
    """All tests of this folder, as file::function."""
    return {
        f"{path.name}::{node.name}"
        for path in FOLDER.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_clause_has_a_test_or_a_reason() -> None:
    for clause in CLAUSES:
        assert set(clause) in ({"section", "hash", "keywords", "tests"}, {"section", "hash", "keywords", "reason"}), (
            clause
        )
        assert clause.get("tests") or clause.get("reason"), clause


def test_every_named_test_is_there() -> None:
    assert {name for clause in CLAUSES for name in clause.get("tests", ())} <= _named_tests()


def test_no_clause_is_listed_twice() -> None:
    keys = [(clause["section"], clause["hash"]) for clause in CLAUSES]
    assert len(keys) == len(set(keys))


def test_sentences_are_read_as_the_list_defines_them() -> None:
    text = (
        "# One\n\nA registry MAY\nwait. It must not! Clients `x` SHOULD NOT, i.e. Never, MUST do.\n"
        "1. It MUST sort.\n\n```\nMUST be code\n```\n| MUST be a table |\n## Two\n**It** is OPTIONAL."
    )
    sentences = read_sentences(text)
    assert [(sentence.section, sentence.keywords) for sentence in sentences] == [
        ("One", ["MAY"]),
        ("One", ["MUST", "SHOULD NOT"]),
        ("One", ["MUST"]),
        ("Two", ["OPTIONAL"]),
    ]
    reflowed = read_sentences(text.replace("MAY\nwait", "**MAY** wait"))
    assert [sentence.key for sentence in reflowed] == [sentence.key for sentence in sentences]


def test_the_list_is_that_of_the_specification(request: pytest.FixtureRequest) -> None:
    path = request.config.getoption("--spec", default=None)
    if path is None:
        # The text is not ours to ship; the sentences that the list was made of are counted.
        assert len(CLAUSES) == 192
        return
    sentences = {sentence.key: sentence for sentence in read_sentences(Path(path).read_text())}
    listed = {(clause["section"], clause["hash"]): clause for clause in CLAUSES}
    assert [sentence.text for key, sentence in sentences.items() if key not in listed] == [], "not in clauses.toml"
    assert [key for key in listed if key not in sentences] == [], "not in the specification"
    assert {key: clause["keywords"] for key, clause in listed.items()} == {
        key: sentence.keywords for key, sentence in sentences.items()
    }
