"""Pairing entries into operations: closed intervals, unanswered ones without end, and refusal to guess."""

import pytest

from nscr_cli.history.history import NEVER, History
from nscr_cli.history.ops import Answered, Asked, Event, F, Kind, Op, Phase, Sample


def op(index: int, kind: Kind, *, process: int = 0, key: str = "r:a", f: F = F.GET_MANIFEST) -> Op:
    asked = Asked(digest="sha256:x") if kind is Kind.INVOKE else None
    answered = None if kind is Kind.INVOKE else Answered(status=200)
    return Op(
        index=index,
        process=process,
        kind=kind,
        f=f,
        key=key,
        phase=Phase.MAIN,
        intended_ns=index,
        time_ns=10 * index,
        asked=asked,
        answered=answered,
        error="why" if kind is Kind.FAIL else None,
    )


def test_a_completion_is_paired_with_its_invocation() -> None:
    history = History([op(0, Kind.INVOKE), op(1, Kind.INVOKE, process=1), op(2, Kind.OK, process=1), op(3, Kind.FAIL)])
    first, second = history.operations
    assert (first.index, first.kind, first.start_ns, first.end_ns, first.error) == (0, Kind.FAIL, 0, 30, "why")
    assert (second.index, second.kind, second.start_ns, second.end_ns) == (1, Kind.OK, 10, 20)
    assert first.asked.digest == "sha256:x"
    assert first.answered.status == 200
    assert history.by_index[1] is second


def test_what_was_not_answered_never_ends() -> None:
    history = History([op(0, Kind.INVOKE), op(1, Kind.INFO), op(2, Kind.INVOKE, process=1)])
    assert [(one.kind, one.end_ns) for one in history.operations] == [(Kind.INFO, NEVER), (Kind.INFO, NEVER)]
    assert history.operations[1].error == "no completion in the journal"


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([op(0, Kind.INVOKE), op(1, Kind.INVOKE)], "process 0 has two open operations at index 1"),
        ([op(0, Kind.OK)], "index 0 completes what process 0 never asked"),
        ([op(0, Kind.INVOKE), op(1, Kind.OK, key="r:b")], "index 1 completes what process 0 never asked"),
        ([op(0, Kind.INVOKE), op(1, Kind.OK, f=F.LIST_TAGS)], "index 1 completes what process 0 never asked"),
    ],
)
def test_entries_that_cannot_be_a_history_are_refused(entries: list[Op], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        History(entries)


def test_events_and_samples_are_kept_beside_the_operations() -> None:
    sample = Sample(endpoint="/api/registry/state", start_ns=0, end_ns=1, status=200)
    finished = Event(name="finished", time_ns=9)
    history = History([sample, finished])
    assert (history.samples, history.events, history.operations) == ([sample], [finished], [])


@pytest.mark.parametrize(
    ("names", "is_partial"), [(["finished"], False), ([], True), (["interrupted", "finished"], True)]
)
def test_a_run_that_did_not_come_to_its_end_is_partial(names: list[str], is_partial: bool) -> None:
    assert History([Event(name=name, time_ns=0) for name in names]).is_partial is is_partial


def test_groups_keep_the_order_of_invocation_and_leave_out_what_has_no_name() -> None:
    entries = [
        entry
        for index, key in enumerate(["r:b", "r:a", "r", "r:b"])
        for entry in (op(2 * index, Kind.INVOKE, key=key), op(2 * index + 1, Kind.OK, key=key))
    ]
    groups = History(entries).grouped(lambda one: one.key if ":" in one.key else None)
    assert {name: [one.index for one in group] for name, group in groups.items()} == {"r:b": [0, 6], "r:a": [2]}


def test_only_what_is_said_to_be_missing_is_unsupported() -> None:
    def capability(name: str, supported: str) -> Event:
        return Event(name="capability", time_ns=0, detail={"name": name, "supported": supported, "reason": "405"})

    assert History([capability("mount", "yes"), capability("delete-tag", "no")]).unsupported() == {"delete-tag": "405"}


@pytest.mark.parametrize(
    ("toxics", "is_only_slowed"),
    [([], False), (["latency"], True), (["bandwidth", "slice"], True), (["latency", "cut"], False), ([None], False)],
)
def test_a_fault_that_only_delays_is_told_from_one_that_mutilates(
    toxics: list[str | None], is_only_slowed: bool
) -> None:
    events = [
        Event(
            name="fault", time_ns=0, detail={"fault": "f", "request": "run-0.1"} | ({"toxic": toxic} if toxic else {})
        )
        for toxic in toxics
    ]
    (operation,) = History([op(0, Kind.INVOKE), *events, op(1, Kind.OK)]).operations
    assert (operation.faults, operation.is_only_slowed) == (("f",) if toxics else (), is_only_slowed)
