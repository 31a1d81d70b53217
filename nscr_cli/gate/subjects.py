"""What is looked at, one by one, and what was found wrong with it. Values only."""

from enum import StrEnum

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.client.completions import Completion
from nscr_cli.history.keys import digest_key, tag_key


class Check(StrEnum):
    """One line of the gate's answer."""

    TAGS = "tags"
    AGREEMENT = "agreement"
    CONTENT = "content"
    CLOSURE = "closure"
    MONITORING = "monitoring"
    TOTALS = "totals"
    HEALTH = "health"
    SESSIONS = "sessions"


CLAUSES = {
    Check.TAGS: "spec.md#listing-tags: a listed tag names a manifest that can be pulled",
    Check.AGREEMENT: "spec.md#pull: HEAD answers as GET does, without the body",
    Check.CONTENT: "spec.md#pulling-manifests, #pulling-blobs: what is served under a digest hashes to it",
    Check.CLOSURE: "spec.md#pushing-manifests: what a manifest refers to can be pulled",
    Check.MONITORING: "docs/external-api.md: one consistent snapshot, of the registry that /v2 shows",
    Check.TOTALS: "docs/external-api.md: one consistent snapshot, whichever answer tells of it",
    Check.HEALTH: "docs/external-api.md: a registry that is well says healthy",
    Check.SESSIONS: "docs/external-api.md: active sessions are real and move on",
}


class Thing(StrEnum):
    """The kind of a subject."""

    TAG = "tag"
    MANIFEST = "manifest"
    BLOB = "blob"


class Subject(msgspec.Struct, frozen=True):
    """A tag, or a manifest or blob by its digest, within a repository."""

    thing: Thing
    repository: str
    reference: str

    @property
    def key(self) -> str:
        """As in history/keys.py."""
        if self.thing is Thing.TAG:
            return tag_key(self.repository, self.reference)
        return digest_key(self.repository, self.reference)


class Sight(msgspec.Struct, frozen=True):
    """A subject as it was seen once: HEAD, then GET; HEAD again only where the subject can move and they differ.

    Where no more than HEAD was wanted, `get` is `head`.
    """

    head: Completion
    get: Completion
    head_again: Completion


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with a subject, as one sight of it shows.

    Attributes:
        rule: short stable name.
        clause: what it breaks, where that is more than what its check follows.
        is_proven: one sight proves it; otherwise it counts only if it shows in every one of several.
        is_undecided: the registry did not let us see; never a finding, but never a pass either.
        is_skipped: nobody promises it, or it cannot be judged from here: told, and left out of the verdict.
    """

    check: Check
    rule: str
    explanation: str
    clause: str | None = None
    is_proven: bool = False
    is_undecided: bool = False
    is_skipped: bool = False


class GateFinding(Finding, frozen=True, kw_only=True):
    """A finding, and who is concerned.

    Attributes:
        tags: that lead to what is broken, as `repository:tag`, or the one that is; all of them.
    """

    tags: tuple[str, ...] = ()
