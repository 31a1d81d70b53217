"""Reaches a registry over the network: a wire client a process, one poller for the monitoring API."""

from contextlib import AbstractAsyncContextManager
from functools import cache, partial

from nscr_cli.client.completions import Completion
from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import dialer_for
from nscr_cli.client.uploads import Locations
from nscr_cli.history.invocation import Invocation
from nscr_cli.targets.base import Running
from nscr_cli.wire.watchdog import TimeOuts


class NetworkClient:
    """The client of one process."""

    def __init__(self, registry: RegistryClient, locations: Locations) -> None:
        self._registry = registry
        self._locations = locations

    async def perform(self, invocation: Invocation, request_id: str) -> Completion:
        """See interpreter.Client."""
        return await perform(self._registry, invocation, request_id, self._locations)

    async def aclose(self) -> None:
        """See interpreter.Client."""
        await self._registry.aclose()


class Network:
    """The wiring of real runs.

    Args:
        time_out_s: for each stage of an exchange.
    """

    def __init__(self, time_out_s: float = 30.0) -> None:
        self._time_outs = TimeOuts(send=time_out_s, first_byte=time_out_s, read=time_out_s)
        self._dialer_for = cache(dialer_for)  # the system's certificates are read once, not once a process
        self._locations = Locations()
        self._tokens_for = cache(partial(Tokens, user_agent=USER_AGENT, time_outs=self._time_outs))

    def open_client(self, running: Running, process: int) -> NetworkClient:
        """See run.Wiring."""
        address = running.address
        registry = RegistryClient(
            running.dialer or self._dialer_for(address),
            address,
            running.credentials,
            time_outs=self._time_outs,
            tokens=self._tokens_for(address, running.credentials),
        )
        return NetworkClient(registry, self._locations)

    def open_poller(self, running: Running) -> AbstractAsyncContextManager[Monitoring]:
        """See run.Wiring."""
        tokens = self._tokens_for(running.address, running.credentials)
        return Monitoring(running.address, running.credentials, tokens=tokens)
