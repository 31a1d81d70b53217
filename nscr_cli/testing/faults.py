"""What can go wrong between a client under test and the registry, each aimed at steps of the protocol.

Which of the requests that it is aimed at are struck: all of them, or where one of these is given, a `share` drawn from
the seed, the `nth` counted from 1 over all connections, or only the k-th of its step in a row on a connection
(`ordinal`: 2 is the second PATCH of an upload).
"""

from collections.abc import Mapping
from typing import TypedDict, Unpack

import msgspec

from nscr_cli.errors import UsageError
from nscr_cli.history.faults import (
    Bandwidth,
    BlackHole,
    Cut,
    Direction,
    DropReply,
    Ending,
    Fault,
    Latency,
    Step,
    Toxic,
    wrong_values,
)
from nscr_cli.nemesis.replies import Alteration, Answer, DamagedBody, MovedRange, ShortBody


class Struck(TypedDict, total=False):
    """Which of the requests are struck."""

    share: float
    nth: tuple[int, ...] | list[int]
    ordinal: int


class Misbehaviour(msgspec.Struct, frozen=True, kw_only=True):
    """A fault, and what is told in place of the registry's reply, where that is what goes wrong."""

    fault: Fault
    reply: Answer | Alteration | None = None


def answer(
    status: int,
    *steps: str,
    retry_after_s: int | None = None,
    headers: Mapping[str, str] | None = None,
    **struck: Unpack[Struck],
) -> Misbehaviour:
    """The registry never hears of it, and `status` is answered: 429 of a limit, 503 of a gateway, 401 of a login that
    ended in the middle of a push."""
    if not 200 <= status <= 599:
        raise UsageError(f"status {status}", hint="a final status is from 200 to 599")
    told = {"Retry-After": str(retry_after_s)} if retry_after_s is not None else {}
    reply = Answer(status=status, headers=tuple((told | dict(headers or {})).items()))
    return Misbehaviour(fault=_fault(f"answer-{status}", steps, (), struck), reply=reply)


def slow(*steps: str, delay_s: float = 0.0, bytes_per_s: float | None = None, **struck: Unpack[Struck]) -> Misbehaviour:
    """The reply comes `delay_s` later, and at most so many bytes of it a second."""
    toxics: list[Toxic] = [Latency(delay_s=delay_s, direction=Direction.REPLY)] if delay_s else []
    if bytes_per_s is not None:
        toxics.append(Bandwidth(bytes_per_s=bytes_per_s, direction=Direction.REPLY))
    if not toxics:
        raise UsageError("slow by nothing", hint="give delay_s or bytes_per_s")
    return Misbehaviour(fault=_fault("slow", steps, tuple(toxics), struck))


def cut(
    *steps: str, after_bytes: int = 0, direction: str = "reply", ending: str = "reset", **struck: Unpack[Struck]
) -> Misbehaviour:
    """The connection ends once so many bytes of the reply have passed, its head among them; or of a request's body."""
    toxic = Cut(after_bytes=(after_bytes, after_bytes), direction=Direction(direction), ending=Ending(ending))
    return Misbehaviour(fault=_fault("cut", steps, (toxic,), struck))


def lose_reply(*steps: str, **struck: Unpack[Struck]) -> Misbehaviour:
    """The registry does it, and of its reply nothing arrives."""
    return Misbehaviour(fault=_fault("lose-reply", steps, (DropReply(),), struck))


def lose_request(*steps: str, hold_s: float = 0.5, **struck: Unpack[Struck]) -> Misbehaviour:
    """The registry never hears of it, and after `hold_s` the connection is reset."""
    return Misbehaviour(fault=_fault("lose-request", steps, (BlackHole(hold_s=hold_s),), struck))


def short_body(*steps: str, **struck: Unpack[Struck]) -> Misbehaviour:
    """Half of the body comes, with a Content-Length that matches: only its digest tells."""
    return Misbehaviour(fault=_fault("short-body", steps, (), struck), reply=ShortBody())


def damaged_body(*steps: str, **struck: Unpack[Struck]) -> Misbehaviour:
    """The first byte of the body is another: only its digest tells."""
    return Misbehaviour(fault=_fault("damaged-body", steps, (), struck), reply=DamagedBody())


def moved_range(*steps: str, **struck: Unpack[Struck]) -> Misbehaviour:
    """Range, in reply to a chunk, says one byte less than was kept; Content-Range, of a part, that it is another."""
    return Misbehaviour(fault=_fault("moved-range", steps, (), struck), reply=MovedRange())


def named(misbehaviours: tuple[Misbehaviour, ...]) -> tuple[Misbehaviour, ...]:
    """The same, each under a name of its own."""
    return tuple(
        msgspec.structs.replace(one, fault=msgspec.structs.replace(one.fault, name=f"{one.fault.name}#{number}"))
        for number, one in enumerate(misbehaviours, 1)
    )


def _fault(name: str, steps: tuple[str, ...], toxics: tuple[Toxic, ...], struck: Struck) -> Fault:
    unknown = [step for step in steps if step not in set(Step)]
    if unknown or not steps:
        known = ", ".join(Step)
        raise UsageError(f"{name} at {unknown[0] if unknown else 'no'} step", hint=f"steps are {known}")
    nth = tuple(struck.get("nth", ()))
    fault = Fault(
        name=name,
        steps=tuple(Step(step) for step in steps),
        toxics=toxics,
        share=struck.get("share", 0.0 if nth else 1.0),
        nth=nth,
        ordinal=struck.get("ordinal"),
    )
    for path, value, promise in wrong_values(fault):
        if path != "toxics":
            raise UsageError(f"{name}: {path} is {value!r}", hint=f"{path} is {promise}")
    return fault
