"""Mounts that were acknowledged although what was to be mounted was not there to be mounted.

That somebody has the blob is enough for some registries, wherever it was said to come from; only the registry that the
run started promises to look there (spec.md#mounting-a-blob-from-another-repository leaves it open).
"""

from collections.abc import Iterable
from itertools import chain

from nscr_cli.checkers.inventory import BLOB_WRITES, Inventory, may_have_happened, may_have_written
from nscr_cli.checkers.presence import Begun, Ended, Presence
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, digest_of
from nscr_cli.history.ops import OK, F

_CHANGES = (*sorted(BLOB_WRITES), F.DELETE_BLOB)


def unfounded(
    part: History, inventory: Inventory, *, is_ours: bool
) -> Iterable[tuple[Operation, tuple[Operation, ...], str]]:
    """Each such mount, the operations that show it, and why.

    Args:
        is_ours: the run started the registry itself.
    """
    granted = [mount for mount in part.of(F.MOUNT_BLOB) if mount.kind is OK]
    changes = _changes(part, {_source(mount) for mount in granted}) if is_ours else {}
    for mount in granted:
        if not inventory.may_exist(mount):
            yield mount, (mount,), f"{told(mount)}. Nobody had pushed this blob, to any repository."
        elif is_ours:
            presence = _presence(changes.get(_source(mount), []))
            absence = presence.must_lack(mount.start_ns, mount.end_ns)
            if not presence.may_hold(mount.end_ns):
                yield mount, (mount,), f"{told(mount)}. Nobody had ever put it into {mount.asked.source}."
            elif absence is not None:
                yield mount, (absence, mount), f"{told(absence)}. Nothing can have put it there since: {told(mount)}."


def _source(mount: Operation) -> str:
    return digest_key(mount.asked.source or "", digest_of(mount.key) or "")


def _changes(part: History, keys: set[str]) -> dict[str, list[Operation]]:
    """What may have put these blobs there, or taken them away; in other parts of a history, too."""
    changes: dict[str, list[Operation]] = {}
    elsewhere = (one for one in part.elsewhere if one.f in _CHANGES)
    for one in chain(elsewhere, part.of(*_CHANGES)) if keys else ():
        if one.key in keys:
            changes.setdefault(one.key, []).append(one)
    return changes


def _presence(changes: Iterable[Operation]) -> Presence:
    """By what was asked alone: reads are not known of other parts of a history."""
    ordered = list(changes)
    removed = [one for one in ordered if one.f is F.DELETE_BLOB and may_have_happened(one)]
    return Presence(
        proofs=Ended(()),
        writes=Begun([one for one in ordered if may_have_written(one)]),
        removals=[Begun(removed)],
        absences=Ended([one for one in removed if one.kind is OK]),
    )
