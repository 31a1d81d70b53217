"""`nscr watch health`: parses what is asked, and streams what monitors/streams/health.py makes of the answers."""

from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrls
from nscr_cli.commands.watch.options import Interval, StreamOptions, wishes
from nscr_cli.commands.watch.streaming import stream
from nscr_cli.monitors.streams.health import HealthFollower


@spread
def health(
    *,
    registry_url: RegistryUrls = None,
    interval: Interval = "10s",
    options: StreamOptions,
    access: Access,
) -> None:
    """The health of the registry; an alert while it is not healthy or does not answer.

    Exits 0 when all was well, 1 when there was an alert, 5 when a registry never
    answered.
    """
    asked = wishes(access.connections(registry_url or ()), interval, options)
    stream(HealthFollower, HealthFollower, asked)
