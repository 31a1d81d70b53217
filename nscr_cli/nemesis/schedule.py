"""Which requests are struck: the decision for the i-th match of a fault follows from the seed, the fault and i. Pure.

Which request comes i-th is the network's to say; what then happens to it is not.
"""

from collections.abc import Iterator, Sequence
from random import Random

from nscr_cli.generators.streams import stream
from nscr_cli.history.faults import Fault, Step


class Schedule:
    """Counts matches of the planned faults."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._matches = dict.fromkeys((fault.name for fault in faults), 0)

    def strikes(self, step: Step, ordinal: int, at_s: float) -> Iterator[tuple[Fault, int, Random]]:
        """The faults that strike this request, each with the number of its match and its stream of chance.

        Args:
            ordinal: the request is the k-th of its step in a row on its connection.
            at_s: instant of the main phase.
        """
        for fault in self._faults:
            if not _is_aimed(fault, step, ordinal, at_s):
                continue
            self._matches[fault.name] += 1
            number = self._matches[fault.name]
            chance = stream(self._seed, "fault", fault.name, number)
            if chance.random() < fault.share or number in fault.nth:
                yield fault, number, chance


def _is_aimed(fault: Fault, step: Step, ordinal: int, at_s: float) -> bool:
    is_now = fault.start_s <= at_s and (fault.stop_s is None or at_s < fault.stop_s)
    return is_now and step in fault.steps and fault.ordinal in (None, ordinal)
