"""Blobs that a registry may have collected: what referred to them may have been deleted, and nothing else needs them.

When a registry collects is its own affair; some do it seconds after a manifest is gone. A blob may go once a manifest
of its repository that referred to it may have been deleted (by digest, or with its tag), unless it was written again
since, or another manifest that certainly is there all the while refers to it. Pure.
"""

from typing import Protocol

from nscr_cli.checkers.presence import Begun, Ended, Presence
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, repository_of
from nscr_cli.history.ops import FAIL, F

MOST_REFERRING = 200
"""Of the manifests that refer to one blob so many are asked whether they are there; where none is, it may go."""


class Held(Protocol):
    """A manifest, as far as it keeps what it refers to."""

    def must_hold(self, start: int, end: int) -> Operation | None: ...


class CollectableBlob:
    """Presence of a blob in a registry of which nobody knows when it collects."""

    __slots__ = ("_acknowledged", "_deletes", "_presence", "_referring")

    def __init__(
        self,
        presence: Presence,
        *,
        writes: list[Operation],
        deletes: list[Operation],
        referring: list[Held],
    ) -> None:
        """Args:
        writes: acknowledged pushes and mounts of it.
        deletes: that may have taken a manifest which refers to it.
        referring: those manifests, and all others that do.
        """
        self._presence = presence
        self._acknowledged = Ended(writes)
        self._deletes = Begun(deletes)
        self._referring = referring

    def must_hold(self, start: int, end: int) -> Operation | None:
        """As of any blob, unless it may be collected."""
        proof = self._presence.must_hold(start, end)
        return None if proof is None or self.may_be_collected(proof.start_ns, start, end) else proof

    def must_lack(self, start: int, end: int) -> Operation | None:
        """As of any blob."""
        return self._presence.must_lack(start, end)

    def may_hold(self, end: int) -> bool:
        """As of any blob."""
        return self._presence.may_hold(end)

    def may_be_collected(self, since: int, start: int, end: int) -> bool:
        """Whether what was there at `since` may be gone within [start, end], by no delete of its own."""
        delete = self._deletes.latest_end(end)
        if delete is None:
            return False
        write = self._acknowledged.latest_start(start)
        if write is not None and delete.end_ns < write.start_ns:
            return False
        return not any(one.must_hold(since, end) for one in self._referring[:MOST_REFERRING])


class Needs:
    """Which manifests may need each blob of a history, and by what deletes they may be gone.

    Attributes:
        manifests: by the key of a blob, the keys of the manifests that may have been put over it.
        deletes: by the key of a blob, what may have deleted one of them; of those alone that have any.
    """

    def __init__(self, history: History) -> None:
        removals: dict[str, list[Operation]] = {}
        for one in history.of(F.DELETE_MANIFEST, F.DELETE_TAG):
            if one.kind is not FAIL:
                removals.setdefault(one.key, []).append(one)
        self.manifests: dict[str, dict[str, None]] = {}
        self.deletes: dict[str, list[Operation]] = {}
        if not removals:
            return
        anchors: dict[str, dict[str, None]] = {}
        for one in history.of(F.PUT_MANIFEST):
            if one.kind is FAIL or one.asked.digest is None:
                continue
            repository = repository_of(one.key)
            manifest = digest_key(repository, one.asked.digest)
            anchors.setdefault(manifest, {manifest: None})[one.key] = None
            for edge in one.asked.references:
                if not edge.is_manifest:
                    self.manifests.setdefault(digest_key(repository, edge.digest), {})[manifest] = None
        for blob, manifests in self.manifests.items():
            keys = dict.fromkeys(key for manifest in manifests for key in anchors[manifest] if key in removals)
            if keys:
                self.deletes[blob] = [one for key in keys for one in removals[key]]
