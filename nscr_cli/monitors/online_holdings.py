"""What must be there because its write was acknowledged, and no delete can have followed it. Pure.

The plainest case of what the blobs checker judges (checkers/inventory.py): of a thing, or of the tag that it was put
under, every delete had ended before that write began. One of which nobody knows how it ended never ends.
"""

from nscr_cli.checkers.inventory import MANIFEST_READS
from nscr_cli.history.keys import digest_key, digest_of, repository_of
from nscr_cli.history.ops import INFO, F, Op

_MOST = 100_000  # things that are remembered: a run of days must not fill the memory
_PUT = F.PUT_MANIFEST


class _Deletes:
    """Of one key: how many have not ended, and when the last one did."""

    __slots__ = ("last_ns", "open")

    def __init__(self) -> None:
        self.open = 0
        self.last_ns = -1


class Holdings:
    """Blobs and manifests of which an acknowledged write is known.

    Attributes:
        is_ours: the registry was started by the run, and collects nothing that it is not told to.
    """

    def __init__(self) -> None:
        self.is_ours = False
        self._writes: dict[str, tuple[int, int, str]] = {}  # when it began and ended, and under which tag
        self._deletes: dict[str, _Deletes] = {}
        self._collectable: set[str] = set()

    def deleting(self, invocation: Op) -> None:
        """A delete may take effect from the moment on at which it is asked for."""
        key = invocation.key
        deletes = self._deletes.get(key)
        if deletes is None:
            if len(self._deletes) >= _MOST:
                self._writes = {}  # from here on nobody knows what was deleted
                return
            deletes = self._deletes[key] = _Deletes()
        deletes.open += 1
        if invocation.f is not F.DELETE_BLOB:
            self._collectable.add(repository_of(key))

    def deleted(self, completion: Op) -> None:
        """A delete ended."""
        deletes = self._deletes.get(completion.key)
        if deletes is not None and completion.kind is not INFO:
            deletes.open -= 1
            deletes.last_ns = completion.time_ns

    def written(self, invocation: Op, completion: Op) -> None:
        """A write was acknowledged."""
        key, tag, asked = completion.key, "", invocation.asked
        if asked is None or asked.wrong_bytes or max(len(self._writes), len(self._deletes)) >= _MOST:
            return
        if completion.f is _PUT and "@" not in key:
            if asked.digest is None:
                return
            key, tag = digest_key(repository_of(key), asked.digest), key
        known = self._writes.get(key)
        if known is None or (known[2] and not tag) or self._may_be_deleted(key, known):
            self._writes[key] = invocation.time_ns, completion.time_ns, tag

    def missed(self, invocation: Op, completion: Op) -> tuple[str, str, str] | None:
        """Rule, key and reason, where a read that was answered 404 shows that what must be there is not."""
        key, asked = completion.key, invocation.asked
        if digest_of(key) is None or asked is None or asked.accept is not None or asked.breaks_grammar:
            return None
        is_manifest = completion.f in MANIFEST_READS
        write = self._writes.get(key)
        if write is None or write[1] >= invocation.time_ns or self._may_be_deleted(key, write):
            return None
        if not is_manifest and not self.is_ours and repository_of(key) in self._collectable:
            return None
        why = f"{completion.f} answered 404, acknowledged at {write[1] / 1e9:.3f} s and not deleted since"
        return f"lost-{'manifest' if is_manifest else 'blob'}", key, why

    def _may_be_deleted(self, key: str, write: tuple[int, int, str]) -> bool:
        began_ns, _, tag = write
        for name in (key, tag):
            deletes = self._deletes.get(name)
            if deletes is not None and (deletes.open or deletes.last_ns >= began_ns):
                return True
        return False
