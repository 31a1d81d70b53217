"""How long a worker waits before it asks again. Pure.

A registry that says "too many requests" is obeyed (RFC 6585, RFC 9110 section 10.2.3), unless the scenario is there to
see what it does to clients that do not listen; one that does not answer, or that a proxy answers for, is not hammered:
each failure in a row doubles the wait. The operation itself is not repeated.
"""

import msgspec

from nscr_cli.history.ops import Answered

_BUSY = frozenset({429, 502, 503, 504})
_SHORTEST_S = 0.05
_LONGEST_S = 1.0
_LONGEST_OBEYED_S = 60.0


class Pace(msgspec.Struct, frozen=True):
    """How many operations in a row were turned away or not answered.

    Attributes:
        is_obedient: waits when it is turned away.
    """

    failures: int = 0
    is_obedient: bool = True

    def after(self, answered: Answered) -> "tuple[Pace, float]":
        """The pace after one more operation, and the seconds to wait."""
        if answered.status is not None and not (self.is_obedient and answered.status in _BUSY):
            return (self if not self.failures else Pace(is_obedient=self.is_obedient)), 0.0
        backoff = min(_LONGEST_S, _SHORTEST_S * 2 ** min(self.failures, 10))
        asked_for = min(answered.retry_after_s or 0.0, _LONGEST_OBEYED_S)
        return Pace(self.failures + 1, self.is_obedient), max(backoff, asked_for)
