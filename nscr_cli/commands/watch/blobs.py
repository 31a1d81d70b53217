"""`nscr watch blobs`: parses what is asked, and streams what monitors/streams/blobs.py makes of the answers."""

from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrls
from nscr_cli.commands.watch.options import Interval, StreamOptions, wishes
from nscr_cli.commands.watch.streaming import stream
from nscr_cli.monitors.streams.blobs import BlobsFollower


@spread
def blobs(
    *,
    registry_url: RegistryUrls = None,
    interval: Interval = "15s",
    options: StreamOptions,
    access: Access,
) -> None:
    """Blobs that came and went between two polls, by digest.

    Read page by page where the registry has pages.

    Exits 0 when all was well, 1 when there was an alert, 5 when a registry never
    answered.
    """
    asked = wishes(access.connections(registry_url or ()), interval, options)
    stream(BlobsFollower, BlobsFollower, asked)
