"""Puts the fault proxy between the clients of a run and its registry, where its plan has faults.

The monitoring API is polled past it: what is planned to go wrong goes wrong for the load alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio

from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.plan import RunPlan
from nscr_cli.nemesis.exchange import Strike
from nscr_cli.nemesis.proxy import Proxy, ProxyDialer
from nscr_cli.targets.base import Running


class Nemesis:
    """The faults of one run; without planned faults it does nothing."""

    def __init__(self, proxy: Proxy | None, recorder: Recorder) -> None:
        self._proxy = proxy
        self._recorder = recorder

    def arm(self) -> None:
        """The main phase begins."""
        if self._proxy is not None:
            self._proxy.arm()

    def heal(self) -> None:
        """The main phase is over: nothing is struck any more."""
        if self._proxy is not None:
            self._proxy.heal()
            self._recorder.event("healed")


@asynccontextmanager
async def faulting(plan: RunPlan, running: Running, recorder: Recorder) -> AsyncIterator[tuple[Running, Nemesis]]:
    """The registry as the clients of the load reach it, and what goes wrong on the way."""
    if not plan.scenario.faults:
        yield running, Nemesis(None, recorder)
        return

    def report(strike: Strike) -> None:
        recorder.event(
            "fault",
            fault=strike.fault,
            toxic=strike.toxic,
            step=strike.step,
            match=str(strike.match),
            connection=str(strike.connection),
            request=strike.request_id,
            direction=strike.direction,
            passed=str(strike.passed),
            in_flight=str(recorder.in_flight),
        )

    address = running.address
    proxy = Proxy(address.host, address.port, faults=plan.scenario.faults, seed=plan.seed, report=report)
    async with trio.open_nursery() as nursery:
        port: int = await nursery.start(proxy.serve)
        yield msgspec.structs.replace(running, dialer=ProxyDialer(port)), Nemesis(proxy, recorder)
        nursery.cancel_scope.cancel()
