"""What other clients saw and when: delays to the last look that missed a write, and to the first that saw it."""

from nscr_cli.checkers.sightings import looked_at
from nscr_cli.checkers.visibility import VisibilityChecker
from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, Entry, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def operation(index: int, process: int, f: F, key: str, start: int, end: int, **answered: object) -> list[Entry]:
    digest = key.partition("@")[2] or (A if f is F.PUT_MANIFEST else None)
    common = {"process": process, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": start}
    return [
        Op(index=2 * index, kind=Kind.INVOKE, time_ns=start, asked=Asked(digest=digest, size=3), **common),
        Op(index=2 * index + 1, kind=Kind.OK, time_ns=end, answered=Answered(**answered), **common),
    ]


def history(*operations: list[Entry]) -> History:
    return History(sorted((entry for one in operations for entry in one), key=lambda entry: entry.time_ns))


def test_a_blob_that_is_missed_twice_and_then_seen() -> None:
    blob = f"r@{A}"
    (looked,) = looked_at(
        history(
            operation(0, 1, F.PUSH_BLOB, blob, 0, 100),
            operation(1, 2, F.HEAD_BLOB, blob, 50, 90, present=False),
            operation(2, 2, F.HEAD_BLOB, blob, 110, 120, present=False),
            operation(3, 3, F.GET_BLOB, blob, 130, 135, present=True, digest=A),
            operation(4, 2, F.HEAD_BLOB, blob, 140, 150, present=False),
            operation(5, 1, F.HEAD_BLOB, blob, 160, 170, present=False),
        )
    )
    assert looked.noun == "blobs"
    assert looked.delays_ns == (10, 30, 40)
    assert (looked.first_seen_ns, looked.last_missed_ns) == (35, 40)


def test_looks_beside_the_next_change_say_nothing() -> None:
    seen = list(
        looked_at(
            history(
                operation(0, 1, F.PUT_MANIFEST, "r:t", 0, 100),
                operation(1, 2, F.HEAD_MANIFEST, "r:t", 110, 120, present=True, header_digest=A),
                operation(2, 3, F.DELETE_TAG, "r:t", 150, 160),
                operation(3, 2, F.HEAD_MANIFEST, "r:t", 140, 155, present=False),
                operation(4, 2, F.HEAD_MANIFEST, "r:t", 170, 180, present=False),
            )
        )
    )
    assert [(one.noun, one.delays_ns, one.last_missed_ns) for one in seen] == [("tags", (10,), 0)]


def test_the_figures_are_nearest_ranks(plan: RunPlan) -> None:
    pushes = [operation(2 * n, 1, F.PUSH_BLOB, f"r@sha256:{n:064x}", 10**6 * n, 10**6 * n + 1000) for n in range(20)]
    reads = [
        operation(
            2 * n + 1,
            2,
            F.HEAD_BLOB,
            f"r@sha256:{n:064x}",
            10**6 * n + 1000 * (n + 2),
            10**6 * n + 1000 * (n + 2),
            present=n < 19,
        )
        for n in range(20)
    ]
    evidence = VisibilityChecker().check(plan, history(*pushes, *reads)).evidence
    assert evidence["looked-at"] == evidence["blobs"] == 20
    assert [evidence[f"first-seen-us-{share}"] for share in ("p50", "p95", "max")] == [10, 19, 19]
    assert [evidence[f"last-missed-us-{share}"] for share in ("p50", "p95", "max")] == [0, 0, 20]
    assert evidence["missed-at-first"] == 1
    assert (evidence["looks-within-1ms"], evidence["looks-later"]) == (20, 0)
