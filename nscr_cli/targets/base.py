"""The seam of targets: made ready, reached by an address, watched for death, taken down whatever happens."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from nscr_cli.client.target import Credentials, Target
from nscr_cli.history.resources import Resources
from nscr_cli.wire.dialing import Dialer


class Observed(Protocol):
    """A capability of some targets: what the registry's process holds can be looked at."""

    async def resources(self) -> Resources | None:
        """What it holds now; None where there is no process, or it has just ended."""
        ...


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A registry that answers.

    Attributes:
        credentials: to use there; None where it asks for none.
        is_fresh: started by this run on an empty folder, so nobody else writes to it.
        dialer: how clients of the load reach it, where not directly.
        observed: looks into the registry's process; None where we cannot.
        wait_death: returns in words how it died, unprovoked; never returns for what we cannot watch.
    """

    address: Target
    credentials: Credentials | None
    is_fresh: bool
    wait_death: Callable[[], Awaitable[str]]
    dialer: Dialer | None = None
    observed: Observed | None = None


class TortureTarget(Protocol):
    """What can be tortured."""

    def running(self, run_folder: Path) -> AbstractAsyncContextManager[Running]:
        """Ready while the block runs; its log, if it is ours, lies in `run_folder`.

        Raises:
            TargetUnreachable: it did not start or does not answer.
            TargetRefused: it does not let us in.
        """
        ...
