"""`nscr reference`: the whole command line as Markdown. Hidden: it is for whoever changes a command."""

import typer
from typer.core import TyperGroup

from nscr_cli.manual.reference import render_commands


def reference(context: typer.Context) -> None:
    """Every command, argument and option as Markdown: docs/cli.md."""
    root = context.find_root().command
    if isinstance(root, TyperGroup):
        typer.echo(render_commands(root), nl=False)
