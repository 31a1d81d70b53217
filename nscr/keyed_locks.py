"""Locks by key, made when needed and forgotten when free: what waits, waits for its own key only."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio


class KeyedLocks:
    """Mutual exclusion of tasks of one event loop, for each key apart."""

    def __init__(self) -> None:
        self._locks: dict[str, anyio.Lock] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Wait for the key and hold it."""
        lock = self._locks.setdefault(key, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            self._forget(key, lock)

    @contextmanager
    def hold_free(self, keys: Iterable[str]) -> Iterator[list[str]]:
        """Hold those of the keys that nobody holds or waits for, and say which."""
        taken: list[tuple[str, anyio.Lock]] = []
        for key in keys:
            if key not in self._locks:
                lock = self._locks[key] = anyio.Lock()
                lock.acquire_nowait()
                taken.append((key, lock))
        try:
            yield [key for key, _ in taken]
        finally:
            for key, lock in taken:
                lock.release()
                self._forget(key, lock)

    def _forget(self, key: str, lock: anyio.Lock) -> None:
        statistics = lock.statistics()
        if not statistics.locked and not statistics.tasks_waiting and self._locks.get(key) is lock:
            del self._locks[key]
