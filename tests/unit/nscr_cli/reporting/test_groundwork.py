"""What a transcript lays first: what the operations need and the history acknowledged, and nothing else."""

import msgspec

from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, Entry, F, Kind, Op, Phase, Reference
from nscr_cli.reporting.groundwork import Ground, Groundwork

BLOB, LAYER, CHILD, INDEX, SECOND = (f"sha256:{letter * 64}" for letter in "abcde")
IMAGE = Asked(digest=CHILD, media_type="image", references=(Reference(BLOB, False, 1), Reference(LAYER, False, 1)))
OVER = Asked(digest=INDEX, media_type="index", references=(Reference(CHILD, True, 1),))


class Journal:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def did(self, f: F, key: str, asked: Asked, *, kind: Kind = Kind.OK, answered: Answered = Answered()) -> int:  # noqa: B008 - frozen
        index = len(self.entries)
        common = {"process": index, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": index}
        self.entries.append(Op(index=index, kind=Kind.INVOKE, time_ns=10 * index, asked=asked, **common))
        self.entries.append(Op(index=index + 1, kind=kind, time_ns=10 * index + 5, answered=answered, **common))
        return index

    def push(self, digest: str, *, kind: Kind = Kind.OK, repository: str = "r") -> int:
        return self.did(F.PUSH_BLOB, f"{repository}@{digest}", Asked(digest=digest), kind=kind)

    def ground(self, *indexes: int, is_whole: bool = True) -> tuple[Ground, ...]:
        history = History(self.entries)
        return Groundwork(history.operations, is_whole=is_whole).of([history.by_index[index] for index in indexes])


def test_an_index_stands_on_its_children_and_they_on_their_blobs() -> None:
    journal = Journal()
    journal.push(BLOB)
    journal.push(LAYER)
    journal.did(F.PUT_MANIFEST, f"r@{CHILD}", IMAGE)
    index = journal.did(F.PUT_MANIFEST, "r:t", OVER)
    read = journal.did(F.GET_MANIFEST, "r:t", Asked())
    assert journal.ground(index, read) == (Ground("r", BLOB), Ground("r", LAYER), Ground("r", CHILD, IMAGE))


def test_what_an_operation_of_the_finding_pushes_itself_is_not_laid() -> None:
    journal = Journal()
    journal.push(LAYER)
    push = journal.push(BLOB)
    put = journal.did(F.PUT_MANIFEST, "r:t", IMAGE)
    assert journal.ground(push, put) == (Ground("r", LAYER),)


def test_what_was_never_acknowledged_or_only_later_or_elsewhere_is_not_laid() -> None:
    journal = Journal()
    journal.push(BLOB, kind=Kind.INFO)
    journal.push(LAYER, repository="elsewhere")
    put = journal.did(F.PUT_MANIFEST, "r:t", IMAGE)
    read = journal.did(F.GET_BLOB, f"r@{SECOND}", Asked(digest=SECOND))
    journal.push(SECOND)
    assert journal.ground(put, read) == ()


def test_a_read_stands_on_what_is_read_and_a_mount_on_its_source() -> None:
    journal = Journal()
    journal.push(BLOB)
    journal.push(LAYER)
    journal.did(F.PUT_MANIFEST, f"r@{CHILD}", IMAGE)
    reads = [
        journal.did(F.HEAD_MANIFEST, f"r@{CHILD}", Asked(digest=CHILD)),
        journal.did(F.MOUNT_BLOB, f"second@{BLOB}", Asked(digest=BLOB, source="r")),
    ]
    assert journal.ground(*reads) == (Ground("r", BLOB), Ground("r", LAYER), Ground("r", CHILD, IMAGE))


def test_a_list_stands_on_the_tags_that_it_named_as_they_were_then() -> None:
    journal = Journal()
    journal.push(BLOB)
    journal.push(LAYER)
    older = msgspec.structs.replace(IMAGE, digest=SECOND)
    journal.did(F.PUT_MANIFEST, "r:t", older)
    journal.did(F.PUT_MANIFEST, "r:t", IMAGE)
    read = journal.did(F.LIST_TAGS, "r", Asked(), answered=Answered(tags=("strange", "t")))
    journal.did(F.PUT_MANIFEST, "r:t", older)
    assert journal.ground(read) == (Ground("r", BLOB), Ground("r", LAYER), Ground("r", CHILD, IMAGE, "t"))


def test_under_a_manifest_of_a_cut_journal_what_it_names_is_taken_to_have_been_there() -> None:
    journal = Journal()
    put = journal.did(F.PUT_MANIFEST, "r:t", IMAGE)
    refused = journal.did(F.PUT_MANIFEST, "s:t", IMAGE, kind=Kind.FAIL)
    assert journal.ground(put, refused) == ()
    assert journal.ground(put, refused, is_whole=False) == (Ground("r", BLOB), Ground("r", LAYER))
