"""What is deleted after a run: all that may be there, nothing that is certainly gone, nothing of anybody else's."""

from nscr_cli.engine.deletions import deletions, split_unsupported
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.ops import Answered, Asked, F, Kind, Phase

OURS = Namespace("ours")
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def operation(
    f: F, key: str, digest: str | None = None, *, start: int, kind: Kind = Kind.OK, end: int | None = None
) -> Operation:
    return Operation(
        index=start,
        process=0,
        f=f,
        key=key,
        phase=Phase.MAIN,
        asked=Asked(digest=digest),
        kind=kind,
        answered=Answered(),
        error=None,
        intended_ns=start,
        start_ns=start,
        end_ns=NEVER if kind is Kind.INFO else (start + 1 if end is None else end),
    )


def keys(*operations: Operation) -> list[list[str]]:
    return [[f"{one.f} {one.key}" for one in stage] for stage in deletions(operations, OURS)]


def test_all_that_was_written_is_deleted_in_the_order_of_need() -> None:
    assert keys(
        operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=1),
        operation(F.PUT_MANIFEST, f"ours/r@{A}", A, start=3),
        operation(F.PUT_MANIFEST, "ours/r:tag", B, start=5),
    ) == [
        ["delete-tag ours/r:tag"],
        [f"delete-manifest ours/r@{B}", f"delete-manifest ours/r@{A}"],
        [f"delete-blob ours/r@{A}"],
    ]


def test_what_certainly_did_not_happen_needs_no_deletion() -> None:
    assert keys(operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=1, kind=Kind.FAIL)) == [[], [], []]


def test_what_may_have_happened_is_deleted() -> None:
    assert keys(operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=1, kind=Kind.INFO))[2] == [f"delete-blob ours/r@{A}"]


def test_what_the_run_deleted_itself_is_gone_unless_a_write_may_have_come_later() -> None:
    push = operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=1)
    delete = operation(F.DELETE_BLOB, f"ours/r@{A}", A, start=10)
    assert keys(push, delete)[2] == []
    assert keys(push, operation(F.DELETE_BLOB, f"ours/r@{A}", A, start=10, kind=Kind.INFO))[2] != []
    assert keys(push, delete, operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=20))[2] != []
    assert keys(operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=1, end=15), delete)[2] != []
    assert keys(operation(F.PUSH_BLOB, f"ours/r@{A}", A, start=1, kind=Kind.INFO), delete)[2] != []


def test_nothing_outside_of_the_namespace_is_ever_named() -> None:
    assert keys(operation(F.PUSH_BLOB, f"theirs/r@{A}", A, start=1)) == [[], [], []]


def test_a_tag_stays_only_where_neither_it_nor_its_manifest_can_be_deleted() -> None:
    stages = deletions([operation(F.PUT_MANIFEST, "ours/r:tag", A, start=1)], OURS)
    possible, stay = split_unsupported(stages, {"delete-tag"})
    assert ([one.f for stage in possible for one in stage], stay) == ([F.DELETE_MANIFEST], [])
    possible, stay = split_unsupported(stages, {"delete-tag", "delete-manifest"})
    assert ([one.f for stage in possible for one in stage], stay) == ([], ["ours/r:tag", f"ours/r@{A}"])
