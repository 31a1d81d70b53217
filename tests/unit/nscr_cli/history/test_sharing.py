"""Sharing saves memory and changes nothing: the same operations, with and without it."""

from itertools import count

import msgspec

from nscr_cli.history.history import History, Operation
from nscr_cli.history.ops import Answered, Asked, Entry, F, Kind, Op, Phase, Reference
from nscr_cli.history.sharing import Sharing


def run(answers: list[tuple[F, str, Asked, Answered]]) -> list[Entry]:
    """One process asks one thing after another."""
    entries: list[Entry] = []
    index = count()
    for f, key, asked, answered in answers:
        common = {"process": 0, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": 0}
        begun = next(index)
        entries.append(Op(index=begun, kind=Kind.INVOKE, time_ns=begun, asked=asked, **common))
        ended = next(index)
        entries.append(Op(index=ended, kind=Kind.OK, time_ns=ended, answered=answered, **common))
    return msgspec.json.decode(msgspec.json.encode(entries), type=list[Entry])  # no object is shared to begin with


def read(index: int, *, request: str = "run-a-{}.1", **fields: object) -> tuple[F, str, Asked, Answered]:
    answered = Answered(status=200, present=True, request_id=request.format(2 * index), **fields)
    return F.GET_MANIFEST, "r:a", Asked(), answered


EDGES = (Reference("sha256:b", False, 1), Reference("sha256:c", False, 2))
ASKED = Asked(digest="sha256:a", size=3, media_type="m", source="s", references=EDGES)
HISTORY = [
    (F.PUT_MANIFEST, "r:a", ASKED, Answered(status=201, header_digest="sha256:a", location="/v2/r")),
    read(1, digest="sha256:a", header_digest="sha256:a", media_type="m", references=EDGES),
    read(2, digest="sha256:a", header_digest="sha256:a", media_type="m", references=EDGES),
    read(3, request="run-a-{}.12", header_digest="sha256:a"),
    read(4, request="another-{}.1", digest="sha256:b"),
    read(5, request="run-a-99.1", digest="sha256:b"),
    read(6, request="run-a-{}.01", digest="sha256:b"),
    (F.LIST_TAGS, "r", Asked(), Answered(status=200, tags=("a", "b"), error_code=None)),
    (F.LIST_TAGS, "r", Asked(), Answered(status=200, tags=("a",))),
]


def plain(operation: Operation) -> Operation:
    """With its request id in words."""
    answered = msgspec.structs.replace(operation.answered, request_id=operation.request_id)
    return msgspec.structs.replace(operation, answered=answered, run=None, exchange=0)


def test_the_operations_are_the_same() -> None:
    without = History(run(HISTORY)).operations
    shared = History(run(HISTORY), sharing=Sharing()).operations
    assert [plain(one) for one in shared] == without
    assert [one.request_id for one in shared] == [one.answered.request_id for one in without]


def test_equal_parts_are_one_object() -> None:
    put, first, second, *_ = History(run(HISTORY), sharing=Sharing()).operations
    assert first.answered is second.answered
    assert first.asked is second.asked
    assert first.key is put.key
    assert first.answered.references is put.asked.references
    assert first.answered.digest is put.asked.digest
