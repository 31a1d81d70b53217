"""The findings of docs/findings.md, judged again from the operations that prove them."""

from pathlib import Path

import pytest

from nscr_cli.checkers.verdict import Verdict
from nscr_cli.engine.judging import judge_run

FINDINGS = Path(__file__).parent / "findings"


@pytest.mark.parametrize(
    ("name", "checker", "rule"),
    [
        ("out-of-order-chunk", "uploads", "out-of-order-accepted"),
        ("unsorted-listing", "listing", "unsorted-listing"),
    ],
)
def test_a_finding_is_found_again(name: str, checker: str, rule: str) -> None:
    _, _, results = judge_run(FINDINGS / name)
    found = [(finding.checker, finding.rule) for result in results for finding in result.findings]
    assert found == [(checker, rule)]
    assert {result.checker: result.verdict for result in results}[checker] is Verdict.INVALID
