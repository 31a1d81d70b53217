"""Every scenario against a registry of others, Debian's `docker-registry`: what is found there is written down.

A finding of another rule is a bug of theirs that docs/findings.md does not have yet, or a false alarm of ours; either
way somebody has to look. Its races are many, so that `make seeds` alone insists on it (NSCR_TEST_WRITTEN_DOWN).
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import ForeignRegistry
from tests.e2e.loads import load_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("docker-registry")]

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").rglob("*.toml"))
ALWAYS = {
    "chunk-chaos": {"out-of-order-accepted"},
    "head-get-range": {"broken-refusal"},
    "list-churn": {"unsorted-listing", "page-begins-too-early"},
    "tag-set": {"unsorted-listing"},
}
# It has no referrers API: nobody can be let off, and nobody can be found guilty.
SKIPPED = {"referrer-attach": "referrers", "compare-and-set": "preconditions"}
WRITTEN_DOWN = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", (ROOT / "docs" / "findings.md").read_text()))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_found_is_written_down(
    nscr_program: str,
    docker_registry: ForeignRegistry,
    tmp_path: Path,
    scenario: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    done = subprocess.run(
        [nscr_program, "torture", scenario, "--registry-url", docker_registry.url, "--json", "--keep",
         "--workers", "6", "--seed", "11", *load_of(scenario)],
        capture_output=True, text=True, timeout=200, cwd=tmp_path, env=clean,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    report = json.loads(done.stdout)
    found = {finding["rule"] for checker in report["checkers"] for finding in checker["findings"]}
    with capsys.disabled():
        print(f"\n{scenario}: {report['verdict']} {', '.join(sorted(found))}")
    assert found >= ALWAYS.get(scenario, set())
    if scenario in SKIPPED:
        assert {checker["checker"]: checker["verdict"] for checker in report["checkers"]}[
            SKIPPED[scenario]
        ] == "SKIPPED"
    if os.environ.get("NSCR_TEST_WRITTEN_DOWN"):
        assert found <= WRITTEN_DOWN, sorted(found - WRITTEN_DOWN)
