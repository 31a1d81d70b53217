"""How long a registry that is being watched is left alone after a round of polls. Pure.

One that answers is asked again after the interval. One that is silent or busy (429, 503) gets twice as long with every
such round, up to a bound, and whatever Retry-After asks for (RFC 9110, 10.2.3), up to another. A single failed round
costs nothing yet: a recovery is to be seen soon.
"""

from collections.abc import Collection

import msgspec

from nscr_cli.monitors.rules import Answer

LONGEST_S = 60.0
MOST_INTERVALS = 8
LONGEST_OBEYED_S = 600.0
_BUSY = (429, 503)


class Backoff(msgspec.Struct, frozen=True):
    """How many rounds in a row failed."""

    failures: int = 0

    def after(self, answers: Collection[Answer], interval_s: float) -> "tuple[Backoff, float]":
        """The back-off after one more round, and the seconds from its beginning to that of the next."""
        is_silent = all(answer.status is None for answer in answers)
        if not is_silent and not any(answer.status in _BUSY for answer in answers):
            return Backoff(), interval_s
        longest = max(interval_s, min(LONGEST_S, MOST_INTERVALS * interval_s))
        wait = min(longest, interval_s * 2.0 ** min(self.failures, 10))
        asked_for = max((answer.retry_after_s or 0.0 for answer in answers), default=0.0)
        return Backoff(self.failures + 1), max(wait, min(asked_for, LONGEST_OBEYED_S))
