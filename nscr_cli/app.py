"""The `nscr` command: assembles the verbs; errors meant for users become one line, a hint and an exit code."""

import sys
import traceback

import typer

from nscr_cli import __version__
from nscr_cli.commands.admin import admin
from nscr_cli.commands.gate import gate
from nscr_cli.commands.judge import judge
from nscr_cli.commands.reference import reference
from nscr_cli.commands.scenarios import scenarios
from nscr_cli.commands.serve import serve
from nscr_cli.commands.torture import torture
from nscr_cli.commands.watch import watch
from nscr_cli.errors import NscrError
from nscr_cli.exits import MEANINGS, Exit
from nscr_cli.ui import print_in_any_encoding, printable, progress_console, results_console

EPILOG = "Exit codes: " + " · ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="nscr",
    help="Finds the bugs that lose container images.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        results_console().print(f"nscr {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Finds the bugs that lose container images."""


app.command()(torture)
app.command()(judge)
app.command()(gate)
app.command()(serve)
app.add_typer(watch)
app.command(hidden=True)(reference)
app.add_typer(admin)
app.add_typer(scenarios)


def main() -> None:
    """Entry point of the `nscr` script."""
    print_in_any_encoding()
    try:
        app()
    except NscrError as error:
        console = progress_console()
        console.print(f"nscr: {printable(error.message, limit=2000)}", style="bold red", markup=False, soft_wrap=True)
        console.print(f"  hint: {error.hint}", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except Exception:  # noqa: BLE001 - the interpreter's own exit code for this, 1, would say INVALID
        traceback.print_exc()
        progress_console().print("nscr: this is a bug in nscr; please report it with the lines above", style="bold red")
        sys.exit(Exit.INTERNAL)
