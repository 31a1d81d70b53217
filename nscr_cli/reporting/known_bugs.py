"""Bugs that real registries shipped, of the class that a finding belongs to: where to look, not a claim of sameness.

The catalogue is docs/bugs.toml, which the wheel holds too. `_GROUPS` says which of its groups break which rule of the
checkers; a rule that is not there has no known bugs.
"""

import tomllib
from pathlib import Path

import msgspec

import nscr_cli

_PACKAGE = Path(nscr_cli.__file__).parent

_GROUPS = {
    "accepted-without-its-blobs": "I",
    "broken-image": "AI",
    "corrupt-content": "C",
    "cut-answer": "CM",
    "digest-differs": "GK",
    "dropped-connection": "M",
    "duplicate-referrer": "I",
    "duplicate-tag": "J",
    "ghost-referrer": "HI",
    "ghost-tag": "HJ",
    "ignored-precondition": "B",
    "late-blob": "G",
    "late-list": "G",
    "late-manifest": "G",
    "leaked-descriptors": "M",
    "leaked-threads": "M",
    "length-differs": "K",
    "listed-but-not-there": "J",
    "long-page": "J",
    "lost-blob": "AD",
    "lost-entry": "B",
    "lost-manifest": "AD",
    "lost-write": "BD",
    "malformed-answer": "K",
    "memory-growth": "M",
    "missing-referrer": "I",
    "missing-tag": "BJ",
    "not-linearizable": "B",
    "out-of-order-accepted": "E",
    "phantom-referrer": "I",
    "phantom-tag": "J",
    "presence-differs": "GHK",
    "refused-precondition": "B",
    "refused-write": "F",
    "resurrected-tag": "H",
    "server-error": "K",
    "stale-read": "G",
    "stalled": "M",
    "stalled-operation": "M",
    "target-died": "M",
    "torn-read": "BC",
    "truncated-content": "C",
    "type-differs": "K",
    "undead-blob": "H",
    "undead-list": "H",
    "undead-manifest": "H",
    "unknown-repository": "BL",
    "unsorted-listing": "J",
    "visible-too-early": "C",
    "wrong-bytes-accepted": "C",
    "wrong-digest-header": "CK",
    "wrong-length": "CK",
    "wrong-media-type": "K",
    "wrong-range": "CEK",
    "wrong-size": "C",
    "wrong-status": "K",
}


class Group(msgspec.Struct, frozen=True):
    """A class of bugs, by the invariant that they violate."""

    id: str
    invariant: str


class Bug(msgspec.Struct, frozen=True):
    """A bug that was reported.

    Attributes:
        group: id of its class.
        reported: `owner/repo#N` and more, as docs/bugs.toml explains.
        what: what happened, and who says so.
    """

    id: str
    group: str
    reported: str
    what: str = ""


class Hunt(msgspec.Struct, frozen=True):
    """A scenario that would catch some of the bugs, as docs/bugs.toml plans it.

    Attributes:
        operations: what is done.
        catches: ids of bugs.
    """

    id: str
    name: str
    operations: str
    catches: tuple[str, ...]


class Catalogue(msgspec.Struct, frozen=True):
    """All that is known."""

    group: tuple[Group, ...]
    bug: tuple[Bug, ...]
    scenario: tuple[Hunt, ...] = ()

    def of_rule(self, rule: str) -> dict[str, tuple[Bug, ...]]:
        """The bugs that break a rule, by the invariant of their class."""
        groups = [group for group in self.group if group.id in _GROUPS.get(rule, "")]
        return {group.invariant: tuple(bug for bug in self.bug if bug.group == group.id) for group in groups}


def read_catalogue() -> Catalogue:
    """The catalogue that was shipped: inside the wheel, or in the documents of a work tree."""
    inside = _PACKAGE / "bugs.toml"
    path = inside if inside.is_file() else _PACKAGE.parent / "docs" / "bugs.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), type=Catalogue)
