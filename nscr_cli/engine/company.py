"""Who keeps the load company: the sampler of the monitoring API, the observer of the process, the bystander."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from nscr_cli.engine.bystander import Bystander
from nscr_cli.engine.lateness import note_lateness
from nscr_cli.engine.observing import Observer
from nscr_cli.engine.processor_waits import note_processor
from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.plan import RunPlan
from nscr_cli.monitors.sampler import Sampler
from nscr_cli.workloads.world import World


class Company:
    """All of them, for one run."""

    def __init__(
        self, plan: RunPlan, recorder: Recorder, *, sampler: Sampler, observer: Observer, bystander: Bystander
    ) -> None:
        self.sampler = sampler
        self._plan = plan
        self._recorder = recorder
        self._observer = observer
        self._bystander = bystander

    async def before_load(self, world: World) -> None:
        """See and hear how it is while nothing is going on."""
        await self._bystander.begin(world)
        await self._observer.note_baseline()

    @asynccontextmanager
    async def beside_load(self, world: World, *, is_monitored: bool) -> AsyncIterator[None]:
        """Be there while the block runs."""
        async with trio.open_nursery() as watching:
            if is_monitored:
                watching.start_soon(self.sampler.sample_for_ever, self._plan.poll_interval_s, world.repositories)
            watching.start_soon(self._observer.note_load, self._plan.poll_interval_s)
            watching.start_soon(note_lateness, self._recorder)
            watching.start_soon(note_processor, self._recorder)
            async with trio.open_nursery() as clients:
                clients.start_soon(self._bystander.stay, world, self._plan.duration_s)
                yield
                self._bystander.stop()
            watching.cancel_scope.cancel()

    def stop(self) -> None:
        """The user has had enough: ask nothing more."""
        self._bystander.stop()

    async def settle(self) -> None:
        """All is over, and the connections of the load are closed: see what is left."""
        await self._bystander.aclose()
        await self._observer.note_settled()

    async def aclose(self) -> None:
        """Close what is open, whatever happened."""
        await self._bystander.aclose()
