"""Every scenario against a registry of others, Debian's `docker-registry`: what is found there is written down.

A finding of another rule is a bug of theirs that docs/findings.md does not have yet, or a false alarm of ours; either
way somebody has to look. Its races are many, so that `make seeds` alone insists on it (NSCR_TEST_WRITTEN_DOWN).
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("docker-registry")]

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").rglob("*.toml"))
CONFIGURATION = """
version: 0.1
log: {{ level: info, accesslog: {{ disabled: true }} }}
storage: {{ filesystem: {{ rootdirectory: {data} }}, delete: {{ enabled: true }} }}
http: {{ addr: "127.0.0.1:0" }}
"""
LOAD = ("--duration", "5s", "--workers", "6", "--seed", "11")
ALWAYS = {
    "chunk-chaos": {"out-of-order-accepted"},
    "head-get-range": {"broken-refusal"},
    "list-churn": {"unsorted-listing", "page-begins-too-early"},
    "tag-set": {"unsorted-listing"},
}
# It has no referrers API: nobody can be let off, and nobody can be found guilty.
SKIPPED = {"referrer-attach": "referrers", "compare-and-set": "preconditions"}
WRITTEN_DOWN = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", (ROOT / "docs" / "findings.md").read_text()))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Its URL; ended when the test is over."""
    (tmp_path / "configuration.yml").write_text(CONFIGURATION.format(data=tmp_path / "data"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("REGISTRY_", "OTEL_"))}
    log = tmp_path / "registry.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", "configuration.yml"], cwd=tmp_path, stdout=output, stderr=output, env=clean
        )
    try:
        end = time.monotonic() + 30
        while (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield f"http://{found[1]}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_found_is_written_down(
    nscr_program: str, registry: str, tmp_path: Path, scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    done = subprocess.run(
        [nscr_program, "torture", scenario, "--registry-url", registry, "--json", "--keep", *LOAD],
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
