"""docs/settings.md is what the configuration says, and the flags that it names are those of `nscr serve`."""

from pathlib import Path

import pytest
import typer.main

from nscr.config import PARSERS
from nscr.settings_reference import DESCRIPTIONS, render_settings
from nscr_cli.app import app

ROOT = Path(__file__).parents[2]
NOT_SETTINGS = {"config", "sabotage", "password", "help"}


def test_the_document_is_fresh():
    written = (ROOT / "docs" / "settings.md").read_text()
    assert written == render_settings(), "python -m nscr --settings-reference > docs/settings.md"


def test_every_setting_is_described():
    assert set(DESCRIPTIONS) == set(PARSERS)


def test_every_flag_is_described():
    flags = {option for option in _flags() if option.removeprefix("--") not in NOT_SETTINGS}
    assert flags == {each.flag for each in DESCRIPTIONS.values() if each.flag is not None}


@pytest.mark.parametrize(
    "name", [name for name, each in DESCRIPTIONS.items() if each.flag not in {None, "--allow-anonymous"}]
)
def test_a_flag_names_its_variable(name):
    assert f"[NSCR_{name.upper()}" in _flags()[DESCRIPTIONS[name].flag]


def _flags() -> dict[str, str]:
    """Help by flag."""
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    return {parameter.opts[0]: parameter.help or "" for parameter in serve.params}
