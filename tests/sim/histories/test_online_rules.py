"""What is told of a run while it goes on, the checkers say too: no false alarm, against simulated registries."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nscr_cli.history.history import History
from nscr_cli.history.plan import RunPlan
from nscr_cli.workloads.catalogue import WORKLOADS
from tests.unit.nscr_cli.monitors.online_agreement import entries_of, told, unconfirmed

JUDGES = WORKLOADS["mixed"].checkers
BUGS = (
    "", "lost-tag", "undead-tag", "tag-outlives-manifest", "delete-takes-more", "lost-blob", "truncated-blob",
    "undead-blob", "short-list",
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    clients=st.integers(1, 8),
    bug=st.sampled_from(BUGS),
    endless=st.sampled_from([0.0, 0.03]),
    is_fresh=st.booleans(),
)
def test_nothing_is_told_that_the_checkers_do_not_find(
    seed: int, clients: int, bug: str, endless: float, is_fresh: bool, plan: RunPlan, simulate: Callable[..., History]
) -> None:
    history = simulate(seed, count=200, clients=clients, endless=endless, bug=bug, share=0.2)
    entries = entries_of(history)
    if not is_fresh:
        entries = [_foreign(entry) for entry in entries]
    seen = told(entries, plan, JUDGES)
    assert bug or not seen
    assert unconfirmed(seen, entries, plan, JUDGES) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "share", "clients", "rules"),
    [
        ("lost-tag", 0.1, 2, {"lost-or-stale"}),
        ("undead-tag", 0.3, 2, {"lost-or-stale"}),
        ("lost-blob", 0.2, 6, {"lost-blob"}),
        ("truncated-blob", 0.1, 6, {"truncated-content", "corrupt-content"}),
    ],
)
def test_a_planted_bug_is_mostly_seen_at_once(
    bug: str, share: float, clients: int, rules: set[str], plan: RunPlan, simulate: Callable[..., History]
) -> None:
    seen = []
    for seed in range(8):
        history = simulate(seed, count=600, clients=clients, endless=0.0, bug=bug, share=share)
        if {one.rule for one in told(entries_of(history), plan, JUDGES)} & rules:
            seen.append(seed)
    assert len(seen) >= 6, f"{bug} was seen with seeds {seen} of 0 to 7"


def test_of_other_models_and_by_who_sees_a_part_only_nothing_is_told_that_takes_more(
    plan: RunPlan, simulate: Callable[..., History]
) -> None:
    lagging = msgspec.structs.replace(plan, scenario=msgspec.structs.replace(plan.scenario, tag_model="eventual(1)"))
    tags = entries_of(simulate(1, count=600, clients=2, endless=0.0, bug="lost-tag", share=0.2))
    assert any(one.checker == "tags" for one in told(tags, plan, JUDGES))
    assert not told(tags, lagging, JUDGES)
    blobs = entries_of(simulate(1, count=600, clients=2, endless=0.0, bug="lost-blob", share=0.2))
    assert any(one.rule == "lost-blob" for one in told(blobs, plan, JUDGES))
    assert not told(blobs, plan, JUDGES, sees_all=False)
    assert not told(blobs, plan, [one for one in JUDGES if one.name != "blobs"])
    short = entries_of(simulate(1, count=600, clients=2, bug="truncated-blob", share=0.2))
    assert told(short, plan, JUDGES, sees_all=False)


def _foreign(entry):  # type: ignore[no-untyped-def]
    """As of a registry that others started."""
    if getattr(entry, "name", None) == "target":
        return msgspec.structs.replace(entry, detail={**entry.detail, "fresh": "no"})
    return entry
