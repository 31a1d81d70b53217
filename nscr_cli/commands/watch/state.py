"""`nscr watch state`: parses what is asked, and streams what monitors/streams/state.py makes of the answers."""

from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrls
from nscr_cli.commands.watch.options import Interval, StreamOptions, wishes
from nscr_cli.commands.watch.streaming import stream
from nscr_cli.monitors.streams.state import StateFollower


@spread
def state(
    *,
    registry_url: RegistryUrls = None,
    interval: Interval = "5s",
    options: StreamOptions,
    access: Access,
) -> None:
    """Totals of the registry as they change, and tags that lost their manifest.

    The details of some repositories are asked for in each round, in turn.

    Exits 0 when all was well, 1 when there was an alert, 5 when a registry never
    answered.
    """
    asked = wishes(access.connections(registry_url or ()), interval, options)
    stream(StateFollower, StateFollower, asked)
