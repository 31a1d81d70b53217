"""The sequential model of a tag: a register of digests that may hold nothing. For `linearizability.check`."""

from collections.abc import Sequence

from nscr_cli.checkers.linearizability import Call, LinearizabilityResult, search
from nscr_cli.checkers.register import judge_register
from nscr_cli.checkers.register_calls import RegisterCall, What
from nscr_cli.checkers.register_order import without_search
from nscr_cli.checkers.verdict import Verdict

_NOTHING = ""
_MOST_STEPS = 2**63
_STEPS_A_CALL = 20


class TagModel:
    """Writes set the digest, deletes clear it, a conditional delete clears it if it is the one named, reads see it."""

    def initial(self) -> str:
        return _NOTHING

    def step(self, state: str, action: RegisterCall) -> str | None:
        match action.what:
            case What.WRITE:
                return action.value
            case What.READ:
                return state if state == (action.value or _NOTHING) else None
            case What.DELETE:
                return _NOTHING
            case What.DELETE_IF:
                return _NOTHING if state == action.value else state

    def partition(self, calls: Sequence[Call[RegisterCall]]) -> list[range]:
        return [range(len(calls))]

    def shortcut(self, calls: Sequence[Call[RegisterCall]], max_steps: int | None) -> LinearizabilityResult | None:
        """Unique writes need no search for the verdict, and reads and writes alone none for their order either.

        Where something was deleted, the order is looked for within a few steps a call: where they are not enough, the
        prefix is the longest that was found, and of a valid history may be empty.
        """
        actions = [_action(call) for call in calls]
        if all(action.what in (What.WRITE, What.READ) for action in actions):
            reads_and_writes = [(one.what is What.WRITE, one.value, one.start, one.end) for one in actions]
            return without_search(reads_and_writes, max_steps)
        try:
            swept = judge_register(actions, max_steps=_MOST_STEPS if max_steps is None else max_steps)
        except ValueError:  # a value is written twice, or read before anybody wrote it
            return None
        if not swept.is_decided:
            return LinearizabilityResult(verdict=Verdict.UNKNOWN, prefix=(), steps=swept.steps)
        found = search(self, calls, max_steps=_STEPS_A_CALL * len(calls))
        if swept.stuck is None:
            prefix = found.prefix if found.verdict is Verdict.VALID else ()
            return LinearizabilityResult(verdict=Verdict.VALID, prefix=prefix, steps=swept.steps + found.steps)
        return LinearizabilityResult(
            verdict=Verdict.INVALID,
            prefix=found.prefix,
            misfits=found.misfits or (swept.stuck.forced,),
            steps=swept.steps + found.steps,
        )

    def describe(self, action: RegisterCall) -> str:
        return f"{action.what} {action.value or 'nothing'} in [{action.start}, {action.end}]"


def _action(call: Call[RegisterCall]) -> RegisterCall:
    """With the interval of the call itself: the model does not look at that of its action."""
    return RegisterCall(call.action.what, call.start, call.end, call.action.value)
