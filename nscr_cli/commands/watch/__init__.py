"""`nscr watch`: views of registries that are being watched, one a file; the dashboard where none is named."""

from typing import Any

import typer
from typer.core import TyperGroup

from nscr_cli.commands.watch.blobs import blobs
from nscr_cli.commands.watch.dashboard import dashboard
from nscr_cli.commands.watch.health import health
from nscr_cli.commands.watch.sessions import sessions
from nscr_cli.commands.watch.state import state

_DEFAULT = "dashboard"


class _Views(TyperGroup):
    """Takes options where a view should be named for options of the default one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click.Group."""
        is_for_group = bool(args) and (args[0][:1] != "-" or args[0] in self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if is_for_group else [_DEFAULT, *args])


watch = typer.Typer(
    name="watch",
    cls=_Views,
    help="Watch registries: what they hold, and whether they are fine. Without a view: the dashboard.\n\n"
    "Every view has options of its own. Those of the dashboard, which are also\n"
    "those without a view: `nscr watch dashboard --help`; those of a stream,\n"
    "such as --prometheus: e.g. `nscr watch health --help`.",
)

watch.command(_DEFAULT)(dashboard)
for view in (state, health, sessions, blobs):
    watch.command()(view)
