"""`nscr watch sessions`: parses what is asked, and streams what monitors/streams/sessions.py makes of the answers."""

from functools import partial

from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrls
from nscr_cli.commands.watch.options import Interval, StreamOptions, StuckAfter, wishes
from nscr_cli.commands.watch.streaming import stream
from nscr_cli.durations import parse_duration
from nscr_cli.monitors.streams.sessions import SessionsFollower


@spread
def sessions(
    *,
    registry_url: RegistryUrls = None,
    interval: Interval = "5s",
    options: StreamOptions,
    stuck_after: StuckAfter = "10m",
    access: Access,
) -> None:
    """Open uploads: opened, going on, closed; an alert for each that stands still.

    Exits 0 when all was well, 1 when there was an alert, 5 when a registry never
    answered.
    """
    asked = wishes(access.connections(registry_url or ()), interval, options)
    stream(SessionsFollower, partial(SessionsFollower, stuck_after_s=parse_duration(stuck_after)), asked)
