"""Workers with a client each, that take tasks from one queue; doing a task may bring up others."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import trio

from nscr_cli.client.registry import RegistryClient

Task = TypeVar("Task")
Do = Callable[[RegistryClient, Task], Awaitable[Iterable[Task]]]


class Crew:
    """The workers, and how far they are with what they are at.

    Attributes:
        done: tasks of the present work that are over.
        open: those that are not, as far as they are known.
    """

    def __init__(self, clients: Sequence[RegistryClient]) -> None:
        self.clients = clients
        self.done = 0
        self.open = 0

    async def work_off(self, tasks: Iterable[Task], do: Do[Task]) -> None:
        """Do every task, and every task that doing one returns, on as many connections as there are clients."""
        self.done = self.open = 0
        queue: _Queue[Task] = _Queue(self)
        queue.put(tasks)
        if queue.is_done():
            return
        async with trio.open_nursery() as nursery:
            for client in self.clients:
                nursery.start_soon(queue.take_turns, client, do)


class _Queue(Generic[Task]):
    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._give, self._take = trio.open_memory_channel[Task](float("inf"))

    def put(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self._crew.open += 1
            self._give.send_nowait(task)

    def is_done(self) -> bool:
        return self._crew.open == 0

    async def take_turns(self, client: RegistryClient, do: Do[Task]) -> None:
        async for task in self._take:
            self.put(await do(client, task))
            self._crew.open -= 1
            self._crew.done += 1
            if self.is_done():
                self._give.close()
