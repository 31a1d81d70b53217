"""Who does what of a load that several processes share. Pure.

Member k of N has every N-th logical process from k on; so a logical process asks the same whatever N is. What is left
open when one dies goes on as process p + workers, in the same member.
"""

import msgspec

from nscr_cli.history.plan import RunPlan


class Share(msgspec.Struct, frozen=True):
    """The share of member `number` of `count`, of whom there are no more than workers."""

    number: int = 0
    count: int = 1

    def processes(self, plan: RunPlan) -> range:
        """The logical processes with which it begins."""
        return range(self.number, plan.workers, self.count)

    def plan(self, plan: RunPlan) -> RunPlan:
        """The plan with this share of its bounds: of operations, of bytes, of operations a second, by workers."""
        own, before = (
            len(self.processes(plan)),
            sum(len(Share(k, self.count).processes(plan)) for k in range(self.number)),
        )

        def part_of(most: int | None) -> int | None:
            if most is None:
                return None
            return most * (before + own) // plan.workers - most * before // plan.workers

        return msgspec.structs.replace(
            plan,
            max_operations=part_of(plan.max_operations),
            max_bytes=part_of(plan.max_bytes),
            max_rate=plan.max_rate * own / plan.workers if plan.max_rate is not None else None,
        )


WHOLE = Share()
