"""Counts the repositories of a registry by its catalog, politely: a few pages, one after the other.

A page that is shorter than was asked for need not be the last one, and the Link header may be missing: the end is a
page that brings no new name.
"""

from urllib.parse import quote

from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.probing import Catalog, catalog_path, names_in

MOST_PAGES = 20


async def count_repositories(poller: Poller) -> Catalog | None:
    """How many there are; None where the catalog is not offered, or not to us."""
    seen: set[str] = set()
    last: str | None = None
    for _ in range(MOST_PAGES):
        polled = await poller.poll(catalog_path(last))
        names = names_in(polled.body) if polled.status == 200 else None
        if names is None:
            return Catalog(len(seen), is_whole=False) if seen else None
        if seen.issuperset(names):
            return Catalog(len(seen))
        seen.update(names)
        last = quote(names[-1], safe="")
    return Catalog(len(seen), is_whole=False)
