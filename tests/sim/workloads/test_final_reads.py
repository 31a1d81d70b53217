"""Final reads: every key that may have been written, once; what is left out is named."""

from random import Random

import pytest
from msgspec import structs

from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.ops import Answered, Asked, F, Kind, Phase
from nscr_cli.workloads.final_reads import MOST_HEADS, cancels, final_reads

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def operation(f: F, key: str, digest: str, kind: Kind = Kind.OK) -> Operation:
    return Operation(
        index=0,
        process=0,
        f=f,
        key=key,
        phase=Phase.MAIN,
        asked=Asked(digest=digest, size=3),
        kind=kind,
        answered=Answered(),
        error=None,
        intended_ns=0,
        start_ns=0,
        end_ns=NEVER if kind is Kind.INFO else 1,
    )


def read(*operations: Operation, most: int = 100) -> set[tuple[F, str]]:
    reads = final_reads(operations, ["r"], Random(1), most).invocations
    assert len({(one.f, one.key) for one in reads}) == len(reads)
    return {(one.f, one.key) for one in reads}


@pytest.mark.parametrize("kind", [Kind.OK, Kind.INFO])
def test_all_that_may_have_been_written_is_read(kind: Kind) -> None:
    assert read(
        operation(F.PUT_MANIFEST, "r:tag", A, kind),
        operation(F.PUT_MANIFEST, "r:tag", B, kind),
        operation(F.PUT_MANIFEST, f"r@{A}", A, kind),
        operation(F.PUSH_BLOB, f"r@{B}", B, kind),
        operation(F.PUSH_BLOB, f"r@{B}", B, kind),
        operation(F.MOUNT_BLOB, f"s@{B}", B, kind),
    ) == {
        *((f, key) for f in (F.GET_MANIFEST, F.HEAD_MANIFEST) for key in ("r:tag", f"r@{A}", f"r@{B}")),
        *((f, key) for f in (F.GET_BLOB, F.HEAD_BLOB) for key in (f"r@{B}", f"s@{B}")),
        (F.LIST_TAGS, "r"),
    }


def test_what_was_deleted_is_read_too() -> None:
    deleted = [operation(F.PUSH_BLOB, f"r@{A}", A), operation(F.DELETE_BLOB, f"r@{A}", A)]
    assert (F.GET_BLOB, f"r@{A}") in read(*deleted)


def test_what_certainly_was_not_written_is_not_read() -> None:
    assert read(operation(F.PUSH_BLOB, f"r@{A}", A, Kind.FAIL)) == {(F.LIST_TAGS, "r")}


def test_blobs_beyond_the_bound_are_named() -> None:
    pushes = [operation(F.PUSH_BLOB, f"r@sha256:{number:064x}", f"sha256:{number:064x}") for number in range(10)]
    chosen = final_reads(pushes, [], Random(1), 4)
    assert [sum(one.f is f for one in chosen.invocations) for f in (F.GET_BLOB, F.HEAD_BLOB)] == [4, 4]
    assert {one.key for one in chosen.invocations} | set(chosen.unread) == {one.key for one in pushes}
    assert len(chosen.unread) == 6
    assert all(one.asked.size == 3 for one in chosen.invocations)


def test_manifests_and_blobs_beyond_another_bound_are_not_asked_for_twice() -> None:
    digests = [f"sha256:{number:064x}" for number in range(MOST_HEADS + 1)]
    writes = [operation(F.PUSH_BLOB, f"r@{digest}", digest) for digest in digests]
    writes += [operation(F.PUT_MANIFEST, f"r@{digest}", digest) for digest in digests]
    chosen = [one.f for one in final_reads(writes, [], Random(1), 2 * MOST_HEADS).invocations]
    assert chosen.count(F.HEAD_BLOB) == chosen.count(F.HEAD_MANIFEST) == MOST_HEADS
    assert chosen.count(F.GET_BLOB) == chosen.count(F.GET_MANIFEST) == len(digests)


def step(f: F, upload: str, kind: Kind = Kind.OK) -> Operation:
    return structs.replace(operation(f, f"r@{A}", A, kind), asked=Asked(digest=A, size=3, upload=upload))


def test_uploads_that_may_be_open_are_cancelled() -> None:
    asked = cancels(
        [
            operation(F.PUSH_BLOB, f"r@{A}", A),
            *(step(F.START_UPLOAD, upload) for upload in ("open", "closed", "cancelled", "unsure", "refused")),
            step(F.START_UPLOAD, "never", Kind.INFO),  # nobody was told where it is
            step(F.FINISH_UPLOAD, "closed"),
            step(F.CANCEL_UPLOAD, "cancelled"),
            step(F.FINISH_UPLOAD, "unsure", Kind.INFO),
            step(F.FINISH_UPLOAD, "refused", Kind.FAIL),
        ]
    )
    assert [one.asked.upload for one in asked] == ["open", "unsure", "refused"]
    assert {(one.f, one.key) for one in asked} == {(F.CANCEL_UPLOAD, f"r@{A}")}


def test_tags_are_listed_in_pages_too_and_referrers_by_type() -> None:
    puts = [operation(F.PUT_MANIFEST, f"r:tag{number}", A) for number in range(12)]
    puts += [operation(F.PUT_MANIFEST, "s:a_b", A), operation(F.PUT_MANIFEST, "s:a.b", A)]
    for number, kind in enumerate(("x/a", "x/b", "x/b")):
        artifact = structs.replace(operation(F.PUT_MANIFEST, f"r@sha256:{number:064x}", B), process=number)
        puts.append(structs.replace(artifact, asked=structs.replace(artifact.asked, subject=A, artifact_type=kind)))
    reads = final_reads(puts, ["r", "s"], Random(1), 10).invocations
    lists = [(one.key, one.asked.page_size) for one in reads if one.f is F.LIST_TAGS]
    assert sorted(lists, key=str) == [("r", 2), ("r", None)]
    types = [(one.key, one.asked.artifact_type) for one in reads if one.f is F.LIST_REFERRERS]
    assert sorted(types, key=str) == [(f"r@{A}", "x/a"), (f"r@{A}", "x/b"), (f"r@{A}", None)]
