"""docs/cli.md is what the commands say, whatever terminal and whoever's machine it is made on."""

from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.manual.reference import render_commands

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def test_the_document_is_fresh(root: TyperGroup):
    written = (ROOT / "docs" / "cli.md").read_text()
    assert written == render_commands(root), "nscr reference > docs/cli.md"


def test_the_command_prints_the_document(root: TyperGroup):
    assert CliRunner().invoke(app, ["reference"]).stdout == render_commands(root)


def test_neither_terminal_nor_environment_enter_it(root: TyperGroup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    before = render_commands(root)
    surroundings = {"COLUMNS": "40", "HOME": str(tmp_path), "FORCE_COLOR": "1", "NSCR_REGISTRY_URL": "http://other"}
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert render_commands(root) == before
    assert str(Path.home()) not in before
    assert str(ROOT) not in before
