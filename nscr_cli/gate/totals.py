"""Counts that several answers of the monitoring API give must agree; but only of the same instant. Pure.

A snapshot is an answer between two states of the same generation: nothing was committed in between. A registry whose
answers have no generation is taken to have held still where the whole of both is the same; that proves less, and is why
a contradiction has to show in two snapshots, and in every one that there is. With fewer, nothing is said.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from nscr_cli.client.monitoring import Blobs, CollectionStats, Health, State
from nscr_cli.gate.monitoring_rules import Suspicion
from nscr_cli.gate.subjects import Check

ENOUGH = 2


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and the states that were asked for right before and after it; None where one cannot be read."""

    before: State | None
    between: Blobs | CollectionStats | Health | None
    after: State | None


def is_still(snapshot: Snapshot) -> bool:
    """All of it could be read, and nothing was committed while it was taken."""
    before, after = snapshot.before, snapshot.after
    if before is None or after is None or snapshot.between is None:
        return False
    if before.generation is not None or after.generation is not None:
        return before.generation == after.generation
    return (before.summary, before.repositories) == (after.summary, after.repositories)


def contradictions(snapshot: Snapshot) -> Iterator[Suspicion]:
    """What does not agree in a snapshot that held still."""
    if snapshot.after is None:
        return
    summary = snapshot.after.summary
    match snapshot.between:
        case Blobs(blobs=blobs):
            yield from _differing("/api/registry/blobs", {"totalBlobs": (summary.total_blobs, len(blobs))})
            if not 0 <= summary.estimated_space_to_free <= (size := sum(blob.size for blob in blobs)):
                told = f"estimatedSpaceToFree is {summary.estimated_space_to_free}, all blobs have {size} bytes"
                yield _total("estimatedSpaceToFree and /api/registry/blobs", told)
        case CollectionStats() as stats:
            fields = CollectionStats.__struct_fields__
            told_both = {name: (getattr(summary, name), getattr(stats, name)) for name in fields}
            yield from _differing("/api/garbage-collect/stats", told_both)
        case Health(metrics=metrics):
            fields = ("total_repositories", "total_manifests", "total_blobs")
            told_both = {name: (getattr(summary, name), getattr(metrics, name)) for name in fields}
            yield from _differing("/api/registry/health", told_both)


def agreed(snapshots: Sequence[Snapshot]) -> tuple[tuple[Suspicion, ...], bool]:
    """What every one of some snapshots shows, and whether they are enough to say that, or that nothing is wrong."""
    shown = [{one.key: one for one in contradictions(snapshot)} for snapshot in snapshots]
    if not shown:
        return (), False
    lasting = [one for key, one in shown[-1].items() if all(key in earlier for earlier in shown)]
    if not lasting:
        return (), True
    return (tuple(lasting), True) if len(shown) >= ENOUGH else ((), False)


def _differing(other: str, told: Mapping[str, tuple[int, int]]) -> Iterator[Suspicion]:
    for name, (here, there) in told.items():
        if here != there:
            yield _total(f"{name} and {other}", f"the state says {here}, the other says {there}")


def _total(key: str, explanation: str) -> Suspicion:
    return Suspicion(check=Check.TOTALS, rule="totals", key=key, explanation=explanation)
