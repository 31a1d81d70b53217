"""`nscr scenarios`: every verb as a user types it; nothing is sent anywhere."""

import json
import re

import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.engine.scenario_file import load_scenario, parse_scenario, scenario_names
from nscr_cli.engine.scenario_keys import keys_of
from nscr_cli.errors import ScenarioError, UsageError
from nscr_cli.history.plan import Scenario
from nscr_cli.workloads.catalogue import WORKLOADS


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["scenarios", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list_names_every_scenario_with_its_title() -> None:
    lines = said("list").splitlines()
    assert [line.split()[0] for line in lines] == scenario_names()
    assert {entry["name"]: entry["title"] for entry in json.loads(said("list", "--json"))} == {
        name: load_scenario(name).title for name in scenario_names()
    }


def test_show_tells_the_prose_and_every_value() -> None:
    text = said("show", "tags")
    assert "Hunts:" in text
    assert "workers = 8" in text
    assert "evidence = {}" in text
    assert json.loads(said("show", "tags", "--json"))["weights"]["read-tag"] == 44


@pytest.mark.parametrize("name", scenario_names())
def test_what_is_shown_is_a_scenario_file(name: str) -> None:
    lines = said("show", name).splitlines()
    scenario = load_scenario(name)
    values = "\n".join(lines[lines.index(f'workload = "{scenario.workload}"') :])
    head = f"title = {json.dumps(scenario.title)}\ndescription = {json.dumps(scenario.description)}\n"
    assert parse_scenario(head + values, "shown") == scenario
    assert json.loads(said("show", name, "--json"))["title"] == scenario.title


def test_the_reference_tells_of_every_scenario() -> None:
    assert [line for line in said("reference").splitlines() if line.startswith("## ")][:-2] == [
        f"## {name}" for name in scenario_names()
    ]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_new_file_is_valid_and_has_every_errand(tmp_path, workload: str) -> None:
    path = str(tmp_path / "mine.toml")
    said("new", path, "--workload", workload)
    assert said("validate", path) == f"{path}: valid\n"
    assert set(load_scenario(path).weights) == set(WORKLOADS[workload].actions)
    with pytest.raises(UsageError, match="File exists"):
        said("new", path)


def test_a_new_file_tells_of_every_key(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    said("new", str(path))
    text = path.read_text()
    named = {key.name for key in keys_of(Scenario) if re.search(rf"^(# )?\[*{key.name}\b", text, re.MULTILINE)}
    assert named == {key.name for key in keys_of(Scenario)}


def test_the_commented_tables_of_a_new_file_hold(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    said("new", str(path))
    head, marker, tables = path.read_text().partition("# Least that must")
    bare = "\n".join(line.removeprefix("# ") for line in tables.splitlines() if re.match(r"# [\[\"a-z]+", line))
    path.write_text(head + bare)
    scenario = load_scenario(str(path))
    assert marker
    assert (len(scenario.faults), len(scenario.evidence), len(scenario.thresholds)) == (1, 1, 1)


def test_what_is_wrong_is_named_with_its_place(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    said("new", str(path), "--workload", "tags")
    path.write_text(path.read_text().replace("read-tag", "raed-tag"))
    with pytest.raises(ScenarioError, match=r"unknown key `weights\.raed-tag`") as caught:
        said("validate", str(path))
    assert "did you mean `read-tag`?" in caught.value.hint


def test_a_simulation_is_the_same_to_the_byte() -> None:
    arguments = ("simulate", "mixed", "--seed", "7", "--ops", "200", "--workers", "3")
    assert said(*arguments) == said(*arguments)
    assert len(said(*arguments).splitlines()) == 200
    document = json.loads(said(*arguments, "--json"))
    assert [len(document["operations"]), document["seed"]] == [200, 7]
    assert said(*arguments) != said("simulate", "mixed", "--seed", "8", "--ops", "200", "--workers", "3")
