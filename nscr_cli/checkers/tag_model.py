"""The sequential model of a tag: a register of digests that may hold nothing. For `linearizability.check`."""

from collections.abc import Sequence

from nscr_cli.checkers.linearizability import Call
from nscr_cli.checkers.register_calls import RegisterCall, What

_NOTHING = ""


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

    def describe(self, action: RegisterCall) -> str:
        return f"{action.what} {action.value or 'nothing'} in [{action.start}, {action.end}]"
