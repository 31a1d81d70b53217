"""The script of the GitHub action, run by bash as the runner would, against a real registry."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
import yaml

from tests.e2e.conftest import clean_environment
from tests.e2e.images import image, push_image

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
(STEP,) = [step for step in ACTION["runs"]["steps"] if step.get("id") == "gate"]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the step with inputs, where the step before has installed nscr."""
    installed = tmp_path / "runner" / "nscr"
    installed.mkdir(parents=True)
    (installed / "bin").symlink_to(Path(sys.executable).parent)

    def start(**inputs: str) -> subprocess.CompletedProcess[str]:
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        values = {name: given.pop(name, one.get("default", "")) for name, one in ACTION["inputs"].items()}
        assert not given
        filled = {
            key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], value)
            for key, value in STEP["env"].items()
        }
        environment = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "RUNNER_TEMP": str(tmp_path / "runner"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        }
        script = tmp_path / "script.sh"
        script.write_text(STEP["run"])
        # https://docs.github.com/actions/reference/workflow-syntax-for-github-actions: how `shell: bash` is run
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=tmp_path, env=clean_environment(environment | filled), timeout=300,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return start


def test_a_sound_registry_passes_and_is_summed_up(
    run: Callable[..., Any], serve: Callable[..., Any], tmp_path: Path
) -> None:
    registry = serve("--username", "ann", "--password", "s3cret")
    with httpx.Client(base_url=registry.url, auth=("ann", "s3cret")) as client:
        for name in ("team/app", "team/other", "else/app"):
            push_image(client, name, "v1", image(name))
    done = run(
        registry_url=registry.url, username="ann", password="s3cret", repository="team/*\n  else/app \n",
        sample="100%", max_unreferenced="0", require_healthy="true", junit="gate.xml", csv="gate.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::notice title=nscr gate::VALID: " in done.stdout
    assert "3 repositories, 3 tags, 3 manifests, 6 blobs (6 read" in done.stdout
    assert "limit kept: 0 unreferenced blobs, at most 0" in done.stdout
    assert (tmp_path / "output").read_text() == "exit-code=0\n"
    assert "**VALID**" in (tmp_path / "summary").read_text()
    (suite,) = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314 - our own file
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert (tmp_path / "gate.csv").stat().st_size > 0
    assert "s3cret" not in done.stdout + done.stderr + "".join(
        path.read_text() for path in tmp_path.iterdir() if path.is_file() and path.name != "script.sh"
    )


def test_what_stands_in_an_input_is_never_run(
    run: Callable[..., Any], serve: Callable[..., Any], tmp_path: Path
) -> None:
    registry = serve()
    with httpx.Client(base_url=registry.url) as client:
        push_image(client, "team/app", "v1", image("1"))
    evil = "a`touch one`$(touch two); touch three"
    refused = run(registry_url=registry.url, repository=f"{evil}\nteam/app")
    assert refused.returncode == 2
    assert f"'{evil}' is no name of a repository" in refused.stderr
    (tmp_path / "output").unlink()
    done = run(registry_url=registry.url, repository="--deep\nteam/app")
    assert done.returncode == 3, done.stdout + done.stderr
    assert not {"one", "two", "three"} & {path.name for path in tmp_path.iterdir()}
    assert "--deep: " in done.stdout  # a repository of that name, and no flag
    assert "(0 read" in done.stdout
    assert (tmp_path / "output").read_text() == "exit-code=3\n"
    wrong = run(registry_url=registry.url, deep="yes")
    assert wrong.returncode == 2
    assert "deep is neither true nor false" in wrong.stdout
