"""The commands are there though nobody has imported them, and none is forgotten."""

from importlib import import_module
from pkgutil import iter_modules

import pytest
import typer.main
from typer.core import TyperGroup

import nscr_cli.commands
from nscr_cli.app import app
from nscr_cli.commands.on_demand import PANELS


@pytest.fixture
def root() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def test_each_is_made_once_under_its_name_and_in_its_panel(root: TyperGroup) -> None:
    assert list(root.commands) == list(PANELS)
    assert len(root.commands) == len(PANELS)
    for name, command in root.commands.items():
        assert command.name == name
        assert command is root.commands[name]
        assert getattr(command, "rich_help_panel", None) == PANELS[name]
        assert command.hidden is (name == "reference")


def test_what_is_none_is_not_there(root: TyperGroup) -> None:
    assert root.commands.get("wach") is None
    assert "options" not in root.commands  # a module of that room, and no command


def test_every_module_with_a_command_of_its_name_is_one() -> None:
    modules = {
        name: import_module(f"nscr_cli.commands.{name}") for _, name, _ in iter_modules(nscr_cli.commands.__path__)
    }
    assert {name for name, module in modules.items() if hasattr(module, name)} == set(PANELS)
