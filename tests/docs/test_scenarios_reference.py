"""docs/scenarios.md is what the scenario files, the workloads and the schema say, and they say enough."""

from pathlib import Path

import pytest

from nscr_cli.engine.judging import checkers_of
from nscr_cli.engine.scenario_file import load_scenario, scenario_names
from nscr_cli.engine.scenario_keys import keys_of, tables_of
from nscr_cli.engine.scenario_reference import render_scenarios
from nscr_cli.history.plan import Scenario
from nscr_cli.reporting.known_bugs import read_catalogue

ROOT = Path(__file__).parents[2]
CHECKERS = (ROOT / "docs" / "checkers.md").read_text()


def test_the_document_is_fresh():
    rendered = render_scenarios({name: load_scenario(name) for name in scenario_names()}, read_catalogue())
    written = (ROOT / "docs" / "scenarios.md").read_text()
    assert written == rendered, "nscr scenarios reference > docs/scenarios.md"


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_belongs_to_the_catalogue(name: str):
    known = {hunt.id for hunt in read_catalogue().scenario}
    named = load_scenario(name).catalogue
    assert named
    assert set(named) <= known


@pytest.mark.parametrize("name", scenario_names())
def test_whoever_judges_a_scenario_is_documented(name: str):
    for checker in checkers_of(load_scenario(name)):
        assert f"\n## {checker.name}\n" in CHECKERS


def test_every_key_of_a_scenario_file_says_what_it_means():
    tables = [Scenario, *(table for _, table in tables_of(Scenario))]
    assert [key.name for table in tables for key in keys_of(table) if not key.meaning] == []
