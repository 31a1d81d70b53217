"""How verdicts are drawn and merged: findings beat reasons, reasons beat silence, and nothing at all is UNKNOWN."""

from itertools import product

import msgspec
import pytest

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.verdict import Finding, Result, Verdict, check_all, merge
from nscr_cli.history.history import History
from nscr_cli.history.ops import Event
from nscr_cli.history.plan import RunPlan

FINDING = Finding(checker="c", rule="r", key="k", operations=(4,), clause="x", explanation="y")


class Crashing:
    """A checker with a bug of its own."""

    name = "crashing"

    def check(self, plan: RunPlan, history: History) -> Result:
        raise KeyError("lost")


@pytest.mark.parametrize(("left", "right"), list(product(Verdict, Verdict)))
def test_the_worse_of_two_verdicts_wins(left: Verdict, right: Verdict) -> None:
    assert merge([left, right]) == max(left, right)
    assert Verdict.VALID < Verdict.UNKNOWN < Verdict.INVALID


def test_the_merge_of_nothing_is_unknown() -> None:
    assert merge([]) is Verdict.UNKNOWN


def test_a_checker_that_crashes_is_unknown_and_hides_nothing(plan: RunPlan) -> None:
    (result,) = check_all([Crashing()], plan, History([]))
    assert (result.checker, result.verdict) == ("crashing", Verdict.UNKNOWN)
    assert result.reasons == ("the checker crashed: KeyError: 'lost'",)


@pytest.mark.parametrize(
    ("findings", "reasons", "read", "verdict"),
    [
        ([], [], 3, Verdict.VALID),
        ([], [], 2, Verdict.UNKNOWN),
        ([], ["undecided"], 3, Verdict.UNKNOWN),
        ([FINDING], [], 0, Verdict.INVALID),
        ([FINDING], ["undecided"], 3, Verdict.INVALID),
    ],
)
def test_a_verdict_follows_from_findings_reasons_and_floors(
    findings: list[Finding], reasons: list[str], read: int, verdict: Verdict, plan: RunPlan
) -> None:
    result = conclude("c", plan, findings=findings, evidence={"read": read}, floors={"read": 3}, reasons=reasons)
    assert result.verdict is verdict
    assert result.evidence == {"read": read, "floor of read": 3}


def test_the_scenario_sets_the_floor(plan: RunPlan) -> None:
    scenario = msgspec.structs.replace(plan.scenario, evidence={"c.read": 0, "other.read": 99})
    own = msgspec.structs.replace(plan, scenario=scenario)
    assert conclude("c", own, findings=[], evidence={}, floors={"read": 3}).verdict is Verdict.VALID


def test_findings_come_in_the_order_of_what_proves_them(plan: RunPlan) -> None:
    later = msgspec.structs.replace(FINDING, operations=(1, 9))
    result = conclude("c", plan, findings=[later, FINDING], evidence={}, floors={})
    assert result.findings == (FINDING, later)


def test_what_a_registry_lacks_is_told_in_its_own_words() -> None:
    lacking = Event(name="capability", time_ns=0, detail={"name": "delete-tag", "supported": "no", "reason": "405"})
    assert skipped_capabilities(History([lacking]), ["delete-tag", "delete-blob"]) == ("delete-tag: 405",)
