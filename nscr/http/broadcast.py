"""One source of events, any number of listeners, none of whom can hold up the source or another.

Each listener has a queue of its own with room for so many events; where a slow one lets it run full, the oldest are
dropped and counted. Knows nothing of HTTP.
"""

from collections import deque
from dataclasses import dataclass

import anyio

HELD_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """A name, and data that is JSON already."""

    name: str
    data: bytes


class Subscription:
    """One listener's queue."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._news = anyio.Event()
        self._is_ended = False
        self.dropped = 0

    def put(self, event: Event) -> None:
        if len(self._events) == HELD_EVENTS:
            self._events.popleft()
            self.dropped += 1
        self._events.append(event)
        self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._is_ended = True
        self._news.set()

    async def wait_next(self) -> Event | None:
        """The next event; None once the subscription has ended, whatever is left in it."""
        while not self._events and not self._is_ended:
            await self._news.wait()
            self._news = anyio.Event()
        return None if self._is_ended else self._events.popleft()


class Broadcast:
    """Hands each event to all who are subscribed. To be used on the event loop only."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._is_closed = False

    @property
    def clients(self) -> int:
        return len(self._subscriptions)

    def publish(self, event: Event) -> None:
        for subscription in self._subscriptions:
            subscription.put(event)

    def subscribe(self) -> Subscription:
        subscription = Subscription()
        self._subscriptions.add(subscription)
        if self._is_closed:
            subscription.end()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all subscriptions, and any that is made from now on."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.end()
