"""docs/checkers.md against the checkers: each has its section, with every rule that a golden history finds."""

import re
from pathlib import Path

import pytest

from nscr_cli.workloads.catalogue import WORKLOADS

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
_HEADING = re.compile(r"^## (\S+)$", re.MULTILINE)
_, *_PARTS = _HEADING.split((ROOT / "docs" / "checkers.md").read_text(encoding="utf-8"))
SECTIONS = dict(zip(_PARTS[::2], _PARTS[1::2], strict=True))
FINDS = sorted(
    {
        (path.parent.name, line.split()[1])
        for path in GOLDEN.glob("*/*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("finds ")
    }
)


def test_every_checker_has_a_section() -> None:
    named = {checker.name for workload in WORKLOADS.values() for checker in workload.checkers}
    golden = {path.parent.name for path in GOLDEN.glob("*/*.txt")}
    assert sorted((named | golden) - SECTIONS.keys()) == []


@pytest.mark.parametrize(("checker", "rule"), FINDS, ids=[f"{checker}/{rule}" for checker, rule in FINDS])
def test_every_rule_stands_in_the_section_of_its_checker(checker: str, rule: str) -> None:
    assert f"`{rule}`" in SECTIONS[checker]
