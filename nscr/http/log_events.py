"""Turns log records into events of the log stream.

A record may be made in any thread; `hand_over` brings the event to the loop that the broadcast lives on. What the
registry logs never holds a header, a query or a credential, so nothing is to be cut out here.
"""

import logging
from collections.abc import Callable

import msgspec

from nscr.http.broadcast import Broadcast, Event

LONGEST_MESSAGE = 4000


class LogEvents(logging.Handler):
    """A handler that publishes what it is given; without clients it does nothing."""

    def __init__(self, broadcast: Broadcast, hand_over: Callable[[Callable[[Event], None], Event], object]) -> None:
        super().__init__()
        self._broadcast = broadcast
        self._hand_over = hand_over

    def emit(self, record: logging.LogRecord) -> None:
        if not self._broadcast.clients:
            return
        line = {
            "timestamp": int(record.created * 1000),
            "level": record.levelname,
            "message": record.getMessage()[:LONGEST_MESSAGE],
            "logger": record.name,
            "thread": record.threadName,
        }
        self._hand_over(self._broadcast.publish, Event("log", msgspec.json.encode(line)))
