"""No false alarm, no silent pass: against a simulated registry, honest or with one planted bug. Seeds are printed."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nscr_cli.checkers.agreement import AgreementChecker
from nscr_cli.checkers.blobs import BlobsChecker
from nscr_cli.checkers.closure import ClosureChecker
from nscr_cli.checkers.listing import ListingChecker
from nscr_cli.checkers.liveness import LivenessChecker
from nscr_cli.checkers.monitoring import MonitoringChecker
from nscr_cli.checkers.protocol import ProtocolChecker
from nscr_cli.checkers.tags import TagsChecker
from nscr_cli.checkers.uploads import UploadsChecker
from nscr_cli.checkers.verdict import Verdict, check_all, check_in_parts
from nscr_cli.checkers.visibility import VisibilityChecker
from nscr_cli.engine.parts import Parts
from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Kind, Op
from nscr_cli.history.plan import RunPlan

CHECKERS = (
    TagsChecker(),
    BlobsChecker(),
    ClosureChecker(),
    ListingChecker(),
    AgreementChecker(),
    VisibilityChecker(),
    UploadsChecker(),
    ProtocolChecker(),
    LivenessChecker(),
)
WATCHED = (*CHECKERS, MonitoringChecker())
SIMULATED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SIMULATED
@given(seed=st.integers(0, 2**32), clients=st.integers(1, 10))
def test_an_honest_registry_is_never_accused(
    seed: int, clients: int, plan: RunPlan, simulate: Callable[..., History]
) -> None:
    results = check_all(WATCHED, plan, simulate(seed, count=120, clients=clients, endless=0.06, polls=30))
    assert [finding for result in results for finding in result.findings] == []
    assert [result.reasons for result in results if any("crashed" in reason for reason in result.reasons)] == []


@SIMULATED
@given(seed=st.integers(0, 2**32), clients=st.integers(1, 10), bound=st.sampled_from(["0.000000001", "0.0000001", "1"]))
def test_an_honest_registry_is_never_late(
    seed: int, clients: int, bound: str, plan: RunPlan, simulate: Callable[..., History]
) -> None:
    scenario = msgspec.structs.replace(plan.scenario, tag_model=f"eventual({bound})")
    lagging = msgspec.structs.replace(plan, scenario=scenario)
    results = check_all(CHECKERS, lagging, simulate(seed, count=120, clients=clients, endless=0.06))
    assert [finding for result in results for finding in result.findings] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "rule"), [("lost-blob", "late-blob"), ("undead-blob", "undead-blob"), ("short-list", "late-list")]
)
def test_what_stays_lost_is_found_late(bug: str, rule: str, plan: RunPlan, simulate: Callable[..., History]) -> None:
    scenario = msgspec.structs.replace(plan.scenario, tag_model="eventual(0.000000001)")
    lagging = msgspec.structs.replace(plan, scenario=scenario)
    rules = {
        finding.rule
        for seed in range(8)
        for result in check_all(CHECKERS, lagging, simulate(seed, count=400, clients=6, bug=bug, share=0.3))
        for finding in result.findings
    }
    assert rule in rules


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "share", "checker", "rules"),
    [
        ("lost-tag", 0.05, "tags", {"lost-write", "stale-read"}),
        ("undead-tag", 0.2, "tags", {"resurrected-tag", "stale-read"}),
        ("tag-outlives-manifest", 0.5, "tags", {"resurrected-tag"}),
        ("delete-takes-more", 0.2, "tags", {"lost-write"}),
        ("lost-blob", 0.1, "blobs", {"lost-blob"}),
        ("truncated-blob", 0.05, "blobs", {"truncated-content"}),
        ("undead-blob", 0.3, "blobs", {"undead-blob"}),
        ("short-list", 0.2, "listing", {"missing-tag"}),
        ("stale-state", 0.1, "monitoring", {"untrue-figure"}),
    ],
)
def test_a_planted_bug_is_found_nearly_always(
    bug: str, share: float, checker: str, rules: set[str], plan: RunPlan, simulate: Callable[..., History]
) -> None:
    seeds = range(8)
    found = []
    for seed in seeds:
        results = {
            one.checker: one
            for one in check_all(WATCHED, plan, simulate(seed, count=1500, bug=bug, share=share, polls=60))
        }
        named = {finding.rule for finding in results[checker].findings}
        if results[checker].verdict is Verdict.INVALID and named & rules:
            found.append(seed)
    assert len(found) >= 7, f"{bug} was found with seeds {found} of {seeds}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "bug", ["", "lost-tag", "undead-tag", "lost-blob", "truncated-blob", "short-list", "stale-state"]
)
@pytest.mark.parametrize("seed", range(6))
def test_in_parts_the_results_are_the_same(
    seed: int, bug: str, plan: RunPlan, simulate: Callable[..., History], tmp_path: Path
) -> None:
    journal = _written(tmp_path, simulate(seed, count=900, bug=bug, share=0.4, endless=0.02, polls=60))
    parts = Parts(journal, tmp_path, 2)
    in_parts = check_in_parts(WATCHED, plan, parts.whole, parts.histories())
    assert in_parts == check_all(WATCHED, plan, History(read_journal(journal)))
    assert bug == "" or any(result.findings for result in in_parts)


def _written(folder: Path, history: History) -> Path:
    """A journal of this history."""
    entries: list[tuple[int, int, Op]] = []
    for one in history.operations:
        common = {"process": one.process, "f": one.f, "key": one.key, "phase": one.phase, "intended_ns": 0}
        begun = Op(index=one.index, kind=Kind.INVOKE, time_ns=one.start_ns, asked=one.asked, **common)
        entries.append((one.start_ns, 1, begun))
        if one.kind is not Kind.INFO:  # whether nothing was written or that nobody knows is all the same
            ended = Op(index=one.index + 1, kind=one.kind, time_ns=one.end_ns, answered=one.answered, **common)
            entries.append((one.end_ns, 0, ended))
    journal = folder / "journal.jsonl"
    with journal.open("wb") as file:
        writer = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0", run_id="run"))
        for entry in (*history.events, *history.samples):
            writer.append(entry)
        for _, _, op in sorted(entries, key=lambda entry: entry[:2]):
            writer.append(op)
    return journal
