"""The `nscr` command: assembles the verbs; errors meant for users become one line, a hint and an exit code."""

import sys
import traceback
from textwrap import fill
from typing import NoReturn

import typer

from nscr_cli import __version__
from nscr_cli.commands.on_demand import OnDemand
from nscr_cli.errors import NscrError
from nscr_cli.exits import MEANINGS, Exit
from nscr_cli.streams import OutputUnwritable, Unread, drop_results, prepare_streams
from nscr_cli.ui import printable, progress_console, results_console

_WIDTH = 78
EPILOG = "Exit codes:\n\n" + "\n".join(
    fill(meaning, _WIDTH, initial_indent=f"{code.value:>3}  ", subsequent_indent=" " * 5)
    for code, meaning in MEANINGS.items()
)

app = typer.Typer(
    name="nscr",
    cls=OnDemand,
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
    """Finds the bugs that lose container images.

    Begin with [bold]nscr torture[/bold]: it starts a registry of its own, lets many
    clients at it, judges every answer and prints a verdict.
    Then yours: [bold]nscr torture --registry-url URL[/bold].
    What each command does, with examples: [bold]nscr COMMAND --help[/bold].
    """


def main() -> None:
    """Entry point of the `nscr` script."""
    prepare_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a failure has an exit code
    except NscrError as error:
        console = progress_console()
        console.print(f"nscr: {printable(error.message, limit=2000)}", style="bold red", markup=False, soft_wrap=True)
        console.print(f"  hint: {error.hint}", markup=False, soft_wrap=True)
        _end(error.exit_code)
    except Unread:
        _end(Exit.UNREAD)
    except SystemExit as ended:
        if isinstance(ended.__context__, Unread):  # Rich ends with 1 then, which would say INVALID
            _end(Exit.UNREAD)
        if ended.__context__ is not None and isinstance(ended.__context__.__cause__, KeyboardInterrupt):
            _tell_of_interrupt()
        raise
    except KeyboardInterrupt:
        _tell_of_interrupt()
        _end(Exit.INTERRUPTED)
    except Exception:  # noqa: BLE001 - the interpreter's own exit code for this, 1, would say INVALID
        traceback.print_exc()
        progress_console().print("nscr: this is a bug in nscr; please report it with the lines above", style="bold red")
        _end(Exit.INTERNAL)


def _tell_of_interrupt() -> None:
    """Whatever has results by now takes the signal itself and tells them."""
    progress_console().print("nscr: interrupted before there was anything to tell")


def _end(code: Exit) -> NoReturn:
    try:
        sys.stdout.flush()
    except (Unread, OutputUnwritable):
        drop_results()
    sys.exit(code)
