"""A tag's operations as calls on a register, and what does not fit, told so that a registry's maintainer accepts it.

Unique writes are swept (register.py); a tag to which one digest was put twice is searched (linearizability.py) up to a
fixed number of steps.
"""

from nscr_cli.checkers.inventory import seen_digest
from nscr_cli.checkers.linearizability import Call, check
from nscr_cli.checkers.register import judge_register
from nscr_cli.checkers.register_calls import RegisterCall, What
from nscr_cli.checkers.register_clash import Clash, prove
from nscr_cli.checkers.tag_model import TagModel
from nscr_cli.checkers.verdict import Finding, Verdict
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F

_SWEEP_STEPS = 5_000_000
_SEARCH_STEPS = 500_000
_WRITES = "spec.md#pushing-manifests: an acknowledged put is what the tag names, until another put or delete"
_DELETES = "spec.md#deleting-tags, #deleting-manifests: what was acknowledged as deleted is gone until it is put again"
_PUT, _GET, _HEAD, _DELETE_TAG = F.PUT_MANIFEST, F.GET_MANIFEST, F.HEAD_MANIFEST, F.DELETE_TAG
_READ, _WRITE = What.READ, What.WRITE


def judge_tag(key: str, operations: list[Operation]) -> tuple[list[Finding], list[str]]:
    """The first contradiction of a tag's history, if there is one; and why it could not be decided, if so."""
    calls = [_call(one) for one in operations]
    written = [call.value for call in calls if call.what is _WRITE]
    if len(set(written)) < len(written):
        return _searched(key, operations, calls)
    result = judge_register(calls, max_steps=_SWEEP_STEPS)
    if not result.is_decided:
        return [], [f"{key}: undecided after {_SWEEP_STEPS} steps"]
    return ([_finding(key, operations, prove(result.stuck, calls))] if result.stuck is not None else []), []


def _call(operation: Operation) -> RegisterCall:
    end = None if operation.end_ns == NEVER else operation.end_ns
    f = operation.f
    if f is _GET or f is _HEAD:
        value = None if operation.answered.present is False else seen_digest(operation)
        return RegisterCall(_READ, operation.start_ns, end, value)
    if f is _PUT:
        return RegisterCall(_WRITE, operation.start_ns, end, operation.asked.digest)
    if f is _DELETE_TAG:
        # One that was refused because there was no such tag is a read of nothing.
        what = _READ if operation.answered.status == 404 else What.DELETE
        return RegisterCall(what, operation.start_ns, end)
    return RegisterCall(What.DELETE_IF, operation.start_ns, end, digest_of(operation.key))


def _searched(key: str, operations: list[Operation], calls: list[RegisterCall]) -> tuple[list[Finding], list[str]]:
    found = check(TagModel(), [Call(call.start, call.end, call) for call in calls], max_steps=_SEARCH_STEPS)
    if found.verdict is Verdict.UNKNOWN:
        return [], [f"{key}: one digest was put twice, and no order was found within {_SEARCH_STEPS} steps"]
    if found.verdict is Verdict.VALID:
        return [], []
    misfits = [operations[position] for position in found.misfits]
    last = [operations[position] for position in found.prefix[-3:]]
    explanation = (
        f"{len(found.prefix)} operations can be put in an order that a register allows, the last of them: "
        f"{'; '.join(map(told, last))}. None of these can follow: {'; '.join(map(told, misfits))}."
    )
    indexes = tuple(sorted(one.index for one in (*last, *misfits)))
    return [_named("not-linearizable", key, indexes, _WRITES, explanation)], []


def _finding(key: str, operations: list[Operation], clash: Clash) -> Finding:
    call = _call(operations[clash.forced])
    held = _write_of(operations, clash.held)
    other = _write_of(operations, call.value) if call.what is What.READ else []
    named = {clash.opening, clash.forced, clash.later, clash.companion, *held, *other, *clash.spent, *clash.beside}
    indexes = tuple(sorted(operations[position].index for position in named if position is not None))
    if call.what in (What.DELETE, What.DELETE_IF):
        explanation = _held_on(operations, clash, "was deleted")
        return _named("resurrected-tag", key, indexes, _DELETES, explanation)
    if call.what is What.READ and call.value is None:
        return _named("lost-write", key, indexes, _WRITES, _unexplained_absence(operations, clash))
    is_read = any(_call(one).value == call.value for one in _reads(operations))
    rule = "stale-read" if is_read else "lost-write"
    return _named(rule, key, indexes, _WRITES, _held_on(operations, clash, "held another"))


def _reads(operations: list[Operation]) -> list[Operation]:
    return [one for one in operations if _call(one).what is What.READ]


def _write_of(operations: list[Operation], value: str | None) -> list[int]:
    return [
        position
        for position, one in enumerate(operations)
        if value is not None and one.f is F.PUT_MANIFEST and one.asked.digest == value
    ]


def _held_on(operations: list[Operation], clash: Clash, done: str) -> str:
    """The register held on to a value although something else took effect in between."""
    forced, opening = operations[clash.forced], operations[clash.opening]
    between = [forced] if clash.companion in (None, clash.forced) else [operations[clash.companion], forced]
    still = [operations[clash.later]] if clash.later is not None else []
    return (
        f"the tag held {short(clash.held)} when this ended: {told(opening)}; "
        f"and still when this began: {'; '.join(map(told, still))}. "
        f"That digest was put once, so the tag held it all the time in between. "
        f"But in between it {done}: {'; '.join(map(told, between))}."
    )


def _unexplained_absence(operations: list[Operation], clash: Clash) -> str:
    text = (
        f"the tag held {short(clash.held)} when this ended: {told(operations[clash.opening])}. "
        f"But then there was no such tag: {told(operations[clash.forced])}. "
    )
    if not clash.spent:
        return text + "Nothing was deleted that could explain it."
    spent = "; ".join(told(operations[position]) for position in clash.spent)
    beside = "; ".join(told(operations[position]) for position in clash.beside)
    return text + f"No delete explains it: {spent}" + (f"; beside {beside}." if beside else ".")


def _named(rule: str, key: str, indexes: tuple[int, ...], clause: str, explanation: str) -> Finding:
    return Finding(checker="tags", rule=rule, key=key, operations=indexes, clause=clause, explanation=explanation)
