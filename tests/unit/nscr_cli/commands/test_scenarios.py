"""`nscr scenarios`: every verb as a user types it; nothing is sent anywhere."""

import json

import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.engine.scenario_file import load_scenario, scenario_names
from nscr_cli.errors import ScenarioError, UsageError
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
