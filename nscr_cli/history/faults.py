"""Faults as data: what goes wrong, at which step of the protocol, how often and when. What each does: nscr_cli.nemesis.

A fault is part of the plan, and what it did is part of the history: an event `fault` names the request it struck.
Standard library and msgspec only.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Direction(StrEnum):
    """Which half of an exchange a toxic works on."""

    REQUEST = "request"
    REPLY = "reply"


class Ending(StrEnum):
    """How a connection is ended: both sides closed, both reset (RST), or no more bytes in this direction."""

    CLOSE = "close"
    RESET = "reset"
    HALF_CLOSE = "half-close"


class Step(StrEnum):
    """A step of the protocol, told by method and path (spec.md#endpoints)."""

    PING = "ping"
    START_UPLOAD = "start-upload"
    POST_BLOB = "post-blob"
    MOUNT_BLOB = "mount-blob"
    PATCH_UPLOAD = "patch-upload"
    FINISH_UPLOAD = "finish-upload"
    GET_UPLOAD = "get-upload"
    CANCEL_UPLOAD = "cancel-upload"
    GET_BLOB = "get-blob"
    HEAD_BLOB = "head-blob"
    DELETE_BLOB = "delete-blob"
    PUT_MANIFEST = "put-manifest"
    GET_MANIFEST = "get-manifest"
    HEAD_MANIFEST = "head-manifest"
    DELETE_MANIFEST = "delete-manifest"
    LIST_TAGS = "list-tags"
    LIST_REFERRERS = "list-referrers"
    OTHER = "other"


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="latency"):
    """Bytes arrive `delay_s` later, and up to `jitter_s` more; their order is kept."""

    delay_s: float
    jitter_s: float = 0.0
    direction: Direction = Direction.REQUEST


class Bandwidth(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="bandwidth"
):
    """At most so many bytes a second."""

    bytes_per_s: float
    direction: Direction = Direction.REQUEST


class Slice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="slice"):
    """Bytes arrive in slices of at most `size`, each `pause_s` after the one before; a few slices make a slow client.

    Attributes:
        most: after so many slices the rest comes whole, so that a small size does not take for ever.
    """

    size: int
    pause_s: float = 0.0
    most: int = 64
    direction: Direction = Direction.REQUEST


class Cut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cut"):
    """The connection ends once so many bytes have passed.

    Attributes:
        after_bytes: inclusive smallest and largest number, one of which is drawn; counted from the body of a request,
            from the status line of a reply. A shorter one is not cut.
    """

    after_bytes: tuple[int, int] = (0, 0)
    ending: Ending = Ending.RESET
    direction: Direction = Direction.REQUEST


class BlackHole(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="black-hole"
):
    """Nothing arrives; after `hold_s` the connection is reset. On a request: the registry never hears of it."""

    hold_s: float = 0.5
    direction: Direction = Direction.REQUEST


class DropReply(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="drop-reply"
):
    """The registry does it and answers; of the answer nothing arrives, and the connection ends."""

    ending: Ending = Ending.RESET

    @property
    def direction(self) -> Direction:
        """Always the reply."""
        return Direction.REPLY


Toxic = Latency | Bandwidth | Slice | Cut | BlackHole | DropReply
TOXICS: dict[str, type[Toxic]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slice": Slice,
    "cut": Cut,
    "black-hole": BlackHole,
    "drop-reply": DropReply,
}

SLOWING = frozenset({"latency", "bandwidth", "slice"})
"""Kinds of toxics that delay bytes, and hand all of them on in their order."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of thing that goes wrong in the main phase.

    Attributes:
        name: unique in its scenario; reports count by it.
        steps: requests it is aimed at.
        toxics: what happens to such an exchange, in this order.
        share: fraction of those requests that are struck, drawn from the seed.
        nth: or exactly these of them, counted from 1 over all connections.
        ordinal: only the k-th request of its step in a row on a connection: 2 is the second PATCH of an upload.
        start_s: seconds into the main phase from which on it strikes.
        stop_s: and until when; to the end where nothing is said.
    """

    name: str
    steps: tuple[Step, ...]
    toxics: tuple[Toxic, ...]
    share: float = 0.0
    nth: tuple[int, ...] = ()
    ordinal: int | None = None
    start_s: float = 0.0
    stop_s: float | None = None


def operation_of(request_id: str) -> int | None:
    """The operation, by index of its invocation, that an X-Request-Id of ours names: `<run id>-<index>.<n>`."""
    index = request_id.rpartition(".")[0].rpartition("-")[2]
    return int(index) if index.isascii() and index.isdigit() else None


def wrong_values(fault: Fault) -> Iterable[tuple[str, object, str]]:
    """Path, value and promise of each value that makes no sense."""
    for path, value, holds, promise in (
        ("name", fault.name, bool(fault.name.strip()), "not empty"),
        ("steps", fault.steps, bool(fault.steps), "at least one step"),
        ("toxics", fault.toxics, bool(fault.toxics), "at least one toxic"),
        ("share", fault.share, 0 <= fault.share <= 1, "from 0 to 1"),
        ("share", fault.share, bool(fault.nth) or fault.share > 0, "above 0, or else name some in nth"),
        ("nth", fault.nth, all(number >= 1 for number in fault.nth), "counted from 1"),
        ("ordinal", fault.ordinal, fault.ordinal is None or fault.ordinal >= 1, "counted from 1"),
        ("start_s", fault.start_s, fault.start_s >= 0, "not before the main phase"),
        ("stop_s", fault.stop_s, fault.stop_s is None or fault.stop_s > fault.start_s, "after start_s"),
    ):
        if not holds:
            yield path, value, promise
    for place, toxic in enumerate(fault.toxics):
        for name, setting, holds, promise in _toxic_values(toxic):
            if not holds:
                yield f"toxics[{place}].{name}", setting, promise


def _toxic_values(toxic: Toxic) -> tuple[tuple[str, object, bool, str], ...]:
    match toxic:
        case Latency():
            return (
                ("delay_s", toxic.delay_s, 0 <= toxic.delay_s <= 10, "from 0 to 10 seconds"),
                ("jitter_s", toxic.jitter_s, 0 <= toxic.jitter_s <= 10, "from 0 to 10 seconds"),
            )
        case Bandwidth():
            return (("bytes_per_s", toxic.bytes_per_s, toxic.bytes_per_s >= 1, "at least 1"),)
        case Slice():
            return (
                ("size", toxic.size, toxic.size >= 1, "at least 1"),
                ("pause_s", toxic.pause_s, 0 <= toxic.pause_s <= 1, "from 0 to 1 second"),
                ("most", toxic.most, toxic.most >= 1, "at least 1"),
            )
        case Cut(after_bytes=(smallest, largest)):
            return (("after_bytes", toxic.after_bytes, 0 <= smallest <= largest, "smallest, then largest, in bytes"),)
        case BlackHole():
            return (("hold_s", toxic.hold_s, 0 <= toxic.hold_s <= 10, "from 0 to 10 seconds"),)
        case DropReply():
            return (("ending", toxic.ending, toxic.ending is not Ending.HALF_CLOSE, "close or reset"),)
