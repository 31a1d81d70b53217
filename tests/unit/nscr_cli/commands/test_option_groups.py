"""A group of options on the command line."""

from typing import Annotated

import typer
from typer.testing import CliRunner

from nscr_cli.commands.option_groups import OptionGroup, spread

Name = Annotated[str, typer.Option("--name", help="A name.")]


class Place(OptionGroup, frozen=True):
    """Where."""

    host: Annotated[str, typer.Option("--host", envvar="PLACE_HOST")] = "here"
    port: Annotated[int, typer.Option("--port", min=1)] = 80


def program() -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @spread
    def greet(*, name: Name = "you", place: Place) -> None:
        """Greet somebody."""
        print(f"{name} at {place.host}:{place.port}")

    return app


def test_its_fields_are_options_beside_those_of_the_command() -> None:
    called = CliRunner().invoke(program(), ["--port", "5000", "--name", "ann"], env={"PLACE_HOST": "there"})
    assert called.stdout == "ann at there:5000\n"
    assert CliRunner().invoke(program(), []).stdout == "you at here:80\n"


def test_they_are_checked_and_told_like_all_options() -> None:
    refused = CliRunner().invoke(program(), ["--port", "0"])
    assert refused.exit_code == 2
    told = CliRunner().invoke(program(), ["--help"]).stdout
    assert "Greet somebody." in told
    assert "--host" in told
    assert "--place" not in told
