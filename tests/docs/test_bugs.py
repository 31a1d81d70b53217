"""docs/bugs.toml holds together: scenarios, oracles and bugs name each other rightly."""

import tomllib
from pathlib import Path

CATALOGUE = tomllib.loads((Path(__file__).parents[2] / "docs" / "bugs.toml").read_text())


def _ids(kind: str) -> list[str]:
    return [entry["id"] for entry in CATALOGUE[kind]]


def test_ids_are_unique():
    for kind in ("group", "bug", "oracle", "scenario"):
        assert len(_ids(kind)) == len(set(_ids(kind)))


def test_every_bug_lies_in_a_group_and_says_how_to_catch_it():
    for bug in CATALOGUE["bug"]:
        assert bug["group"] in _ids("group")
        assert bug["reported"]
        assert bug["torture"]


def test_scenarios_and_bugs_agree_on_who_catches_what():
    caught = {(scenario["id"], bug) for scenario in CATALOGUE["scenario"] for bug in scenario["catches"]}
    named = {(scenario, bug["id"]) for bug in CATALOGUE["bug"] for scenario in bug["scenarios"]}
    assert {pair for pair in caught if pair[1] in _ids("bug")} == named
    assert {bug for _, bug in caught} <= set(_ids("bug"))
    assert {oracle for scenario in CATALOGUE["scenario"] for oracle in scenario["oracles"]} <= set(_ids("oracle"))
