"""Scenarios with faults as they are typed: what was planned goes wrong, and the verdict is about the registry alone."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.loads import load_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
Torture = Callable[..., tuple[int, dict[str, Any]]]

NEVER = """
title = "a fault that has no occasion"
description = "nothing is mounted here"
workload = "tags"
[weights]
read-tag = 1
move-tag = 1
[[faults]]
name = "no-occasion"
steps = ["mount-blob"]
toxics = [{ kind = "drop-reply" }]
share = 1.0
"""


@pytest.fixture
def torture(nscr_program: str, tmp_path: Path) -> Torture:
    """Runs `nscr torture`; its exit code and its report."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        done = subprocess.run(
            [nscr_program, "torture", *words, "--json", "--seed", "5", "--workers", "6"],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=clean,
        )
        return done.returncode, json.loads(done.stdout)

    return run


def checker(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["checkers"] if one["checker"] == name)


def test_an_honest_registry_survives_faults(torture: Torture) -> None:
    code, report = torture("lost-replies", *load_of())
    assert (code, report["verdict"]) == (0, "VALID"), report
    evidence = checker(report, "faults")["evidence"]
    assert all(count > 0 for count in evidence.values()), evidence


def test_a_bug_is_found_under_faults(torture: Torture) -> None:
    code, report = torture("lost-replies", *load_of(times=1.5), "--sabotage", "lost-tag")
    assert (code, report["verdict"]) == (1, "INVALID")
    assert checker(report, "tags")["verdict"] == "INVALID"
    assert checker(report, "liveness")["verdict"] == "VALID"


def test_a_fault_that_never_fires_leaves_the_verdict_unknown(torture: Torture, tmp_path: Path) -> None:
    (tmp_path / "never.toml").write_text(NEVER)
    code, report = torture("./never.toml", *load_of(times=0.5))
    assert (code, report["verdict"]) == (3, "UNKNOWN")
    assert checker(report, "faults")["reasons"] == ["fault no-occasion: planned, and it struck no operation"]
