"""The action and the GitLab example: their inputs and flags are the command's, and nothing is pasted into a script."""

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import typer.main
import yaml

from nscr_cli.app import app

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "how-to" / "gitlab-ci.yml").read_text())
GATE = typer.main.get_command(app).commands["gate"]  # type: ignore[attr-defined]
OPTIONS = {option.removeprefix("--"): parameter for parameter in GATE.params for option in parameter.opts}
# What a workflow has in other ways: the runner reads commands, and a password comes in the environment.
LEFT_OUT = {"format", "json", "password-stdin", "help"}


def test_every_option_of_the_gate_is_an_input_and_every_input_an_option() -> None:
    assert set(ACTION["inputs"]) - {"python"} == set(OPTIONS) - LEFT_OUT


def test_every_input_reaches_its_flag_or_its_variable() -> None:
    (step,) = [step for step in STEPS if step.get("id") == "gate"]
    for name in sorted(set(ACTION["inputs"]) - {"python"}):
        (variable,) = [key for key, value in step["env"].items() if value == f"${{{{ inputs.{name} }}}}"]
        if variable.startswith("NSCR_"):
            assert variable == OPTIONS[name].envvar
            continue
        function = "switch" if OPTIONS[name].is_flag else "values" if OPTIONS[name].multiple else "value"
        assert f'\n{function} --{name} "${variable}"\n' in step["run"]


def test_no_input_is_pasted_into_a_script() -> None:
    assert [step["name"] for step in STEPS if "${{" in step["run"]] == []


def test_three_lines_are_enough() -> None:
    needed = [name for name, one in ACTION["inputs"].items() if one.get("required")]
    assert needed == ["registry-url"]
    assert all("default" in one for name, one in ACTION["inputs"].items() if name not in needed)


def test_the_gitlab_job_calls_the_gate_with_its_options_and_keeps_its_report() -> None:
    job = GITLAB["registry-gate"]
    (words,) = [shlex.split(line) for line in job["script"]]
    assert words[:2] == ["nscr", "gate"]
    flags = {word.removeprefix("--"): value for word, value in itertools.pairwise(words) if word[:2] == "--"}
    assert set(flags) <= set(OPTIONS)
    assert job["artifacts"]["reports"]["junit"] == flags["junit"]
    assert job["artifacts"]["paths"] == [flags["csv"]]
    assert job["artifacts"]["when"] == "always"


def test_the_documents_show_inputs_that_exist() -> None:
    text = (ROOT / "docs" / "gate.md").read_text()
    (shown,) = re.findall(r"```yaml\n(- uses: .*?)```", text, flags=re.DOTALL)
    (step,) = yaml.safe_load(shown)
    assert set(step["with"]) <= set(ACTION["inputs"])
