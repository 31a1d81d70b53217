"""A registry that somebody else runs: reached by its URL, never started or stopped, and never written to unasked.

A host that is not loopback is tortured only when its name was written twice; names are compared as text and nothing
is resolved, because what a name resolves to may change between the question and the load.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from nscr_cli.client.admission import check_admission
from nscr_cli.client.target import Credentials, Target
from nscr_cli.errors import ConsentError
from nscr_cli.targets.base import Running


def check_consent(address: Target, consented_host: str | None) -> None:
    """Let pass what may be tortured.

    Raises:
        ConsentError: not loopback, and not the host that was consented to.
    """
    if address.is_loopback or (consented_host or "").lower() == address.host.lower():
        return
    named = f"--i-may-torture names {consented_host!r}" if consented_host else "nobody said that it may be tortured"
    raise ConsentError(
        f"{address.host} is not this machine, and {named}",
        hint=f"torture only what is yours to break; then add --i-may-torture {address.host}",
    )


class ExternalTarget:
    """A registry at an address.

    Args:
        push_to: a repository that it must take pushes to; None where nothing is to be pushed.
    """

    def __init__(self, address: Target, credentials: Credentials | None, *, push_to: str | None = None) -> None:
        self._address = address
        self._credentials = credentials
        self._push_to = push_to

    @asynccontextmanager
    async def running(self, run_folder: Path) -> AsyncIterator[Running]:
        """See `TortureTarget.running`. Asks once whether it lets us in and push, before anything is written."""
        await check_admission(self._address, self._credentials, push_to=self._push_to)
        self._push_to = None  # to clean up later it need take no pushes any more
        yield Running(address=self._address, credentials=self._credentials, is_fresh=False, wait_death=_wait_for_ever)


async def _wait_for_ever() -> str:
    await trio.sleep_forever()
    raise AssertionError("unreachable")
