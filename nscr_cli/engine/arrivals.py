"""The open model: operations arrive by a schedule, whether or not those before them have ended. Pure.

A closed loop of workers asks a stalled registry nothing, so that a stall shows in one operation a worker. Here the
schedule goes on: what arrives during a stall waits for a worker, and its latency counts from when it was meant to
start. The workers bound what is open at one time, not how much arrives.
"""

import msgspec


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule, from its `number`-th arrival on.

    Attributes:
        rate: arrivals a second, once the ramp is over.
        ramp_s: seconds in which the rate grows evenly from nothing.
        every: of several schedules that share the arrivals, each has every so many; `number` is its first.
        began_ns: start of the schedule; nothing arrives at or after `end_ns`.
    """

    rate: float
    ramp_s: float
    began_ns: int
    end_ns: int
    number: int = 0
    every: int = 1

    def next(self) -> "tuple[int, Arrivals] | None":
        """When the next operation is meant to start, and the schedule after it; None where nothing more arrives."""
        due_ns = self.began_ns + round(self._seconds() * 1e9)
        if due_ns >= self.end_ns:
            return None
        return due_ns, msgspec.structs.replace(self, number=self.number + self.every)

    def _seconds(self) -> float:
        """Where the area under the rate reaches the number: a triangle while it grows, a rectangle after."""
        in_ramp = self.rate * self.ramp_s / 2
        if self.number < in_ramp:
            return float((2 * self.number * self.ramp_s / self.rate) ** 0.5)
        return self.ramp_s + (self.number - in_ramp) / self.rate
