"""Reads spec.md into the sentences that oblige or allow something: by section, each known by a hash of its words.

A sentence is what ends in a full stop, colon or line break of a paragraph or list item; code blocks and tables hold
none. It counts where it has a key word of RFC 2119 in capitals. The hash is of its words in lower case, so that markup
and line breaks may change without a clause being lost.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

KEYWORDS = re.compile(
    r"\b(MUST NOT|MUST|REQUIRED|SHALL NOT|SHALL|SHOULD NOT|SHOULD|NOT RECOMMENDED|RECOMMENDED|MAY|OPTIONAL)\b"
)
_HEADING = re.compile(r"#+ +(.+?)\s*")
_FENCED = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`_<(\[*])")
# `e.g.` and `i.e.` end no sentence.
_ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e)\.")


@dataclass(frozen=True)
class Sentence:
    section: str
    text: str

    @property
    def hash(self) -> str:
        words = re.findall(r"[a-z0-9]+", self.text.lower())
        return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]

    @property
    def keywords(self) -> list[str]:
        return sorted(set(KEYWORDS.findall(self.text)))


def read_sentences(specification: str) -> list[Sentence]:
    """Every sentence with a key word, in the order of the text."""
    return [
        Sentence(section, sentence)
        for section, paragraph in _paragraphs(_FENCED.sub("\n\n", specification))
        for sentence in _SENTENCE_END.split(_ABBREVIATIONS.sub(lambda match: match[1].replace(".", ""), paragraph))
        if KEYWORDS.search(sentence)
    ]


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """Lines of prose with the heading that they stand under; a source line is never longer than its sentence."""
    section = ""
    gathered: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        heading = _HEADING.fullmatch(stripped)
        starts_new = not stripped or heading or stripped.startswith(("|", "- ", "1. ")) or line.startswith("**")
        if starts_new and gathered:
            yield section, " ".join(gathered)
            gathered = []
        if heading:
            section = heading[1]
        elif stripped and not stripped.startswith("|"):
            gathered.append(stripped)
