"""A command becomes Markdown: what stands in the tree stands in the text, and nothing else does."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer
import typer.main
from typer.core import TyperGroup

from nscr_cli.manual.reference import render_commands


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def _tree() -> TyperGroup:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    nested = typer.Typer(name="inner", help="A [bold]group[/bold].")

    @app.callback()
    def root() -> None:
        """The root."""

    @app.command(epilog="Examples:\n\n# quickly\n$ nscr paint wall")
    def paint(
        what: Annotated[str, typer.Argument(metavar="WHAT", help="To be <painted>.")],
        colour: Annotated[Colour, typer.Option(help="Of the paint.", rich_help_panel="Looks")] = Colour.RED,
        coats: Annotated[int, typer.Option(min=1, max=9, metavar="N", envvar="COATS", help="a|b")] = 2,
        into: Annotated[Path | None, typer.Option(show_default="the cellar")] = None,
        tag: Annotated[list[str] | None, typer.Option(help="Named so.")] = None,
        dry: Annotated[bool, typer.Option("--dry/--wet")] = True,
        secret: Annotated[bool, typer.Option("--secret", hidden=True)] = False,
    ) -> None:
        """Paint it.

        Twice if need be.
        """

    @app.command(hidden=True)
    def unseen() -> None:
        """Nobody looks."""

    @nested.command()
    def scrape() -> None:
        """Scrape it off."""

    app.add_typer(nested)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


@pytest.fixture(scope="module")
def text() -> str:
    return render_commands(_tree())


@pytest.mark.parametrize(
    "line",
    [
        "| [nscr paint](#nscr-paint) | Paint it. |",
        "| [nscr inner scrape](#nscr-inner-scrape) | Scrape it off. |",
        "nscr paint [OPTIONS] {WHAT}",
        "Twice if need be.",
        "| `WHAT` | required | To be \\<painted>. |",
        "| `--coats` | `N` | `2` | `COATS` | a\\|b From 1 to 9. |",
        "| `--into` | `PATH` | the cellar |  |  |",
        "| `--tag` | `STR` |  |  | Named so. May be repeated. |",
        "| `--dry`, `--wet` |  | `--dry` |  |  |",
        "Looks:",
        "| `--colour` | `COLOUR` | `red` | Of the paint. One of `red`, `blue`. |",
        "# quickly",
        "$ nscr paint wall",
        "## nscr inner scrape",
        "A group.",
        "| 0 | everything that was checked held |",
    ],
)
def test_what_a_command_has_is_told(text: str, line: str) -> None:
    assert line in text.splitlines()


@pytest.mark.parametrize("word", ["secret", "unseen", "Nobody", "[bold]", "`--help`"])
def test_what_is_hidden_is_not(text: str, word: str) -> None:
    assert word not in text
