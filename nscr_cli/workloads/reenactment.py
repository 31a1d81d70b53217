"""The bytes that a run wrote, made again from its plan and journal: they follow from the seed, and were not kept. Pure.

The load is asked again, by the same processes in the same order, and told the same answers; so it asks for the same. A
process that asks for anything else than it did (a journal that was cut, another version of nscr) is left out from there
on: bytes are given only for what the journal says was asked, and only if they hash to the digest that it names. Parts
of an upload that goes step by step are cut from such bytes: the process names the digest of the whole, as did the run.
"""

from collections.abc import Container, Iterable

import msgspec

from nscr_cli.generators.base import Context, Generator
from nscr_cli.history.history import History
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import Asked, Entry, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.workloads.capabilities import probe, style_probe
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.seeding import seeded_memory, seeds
from nscr_cli.workloads.world import World, world_of

_SEND = (F.PUSH_BLOB, F.PUT_MANIFEST)


def contents(plan: RunPlan, entries: Iterable[Entry], wanted: Container[str]) -> dict[int, Content]:
    """What was sent, by the index of the operation.

    Args:
        entries: the whole journal.
        wanted: digests under which something was written.
    """
    operations = [entry for entry in entries if isinstance(entry, Op)]
    history = History(entries)
    world = msgspec.structs.replace(world_of(plan), unsupported=frozenset(history.unsupported()))
    known = {} if not world.push_styles else _before_the_load(plan, world)
    made = {
        op.index: known[op.asked.digest]
        for op in operations
        if op.kind is Kind.INVOKE
        and op.f in _SEND
        and op.asked is not None
        and op.asked.digest in known
        and op.asked.digest in wanted
    }
    seeded = seeded_memory(world, [one for one in history.operations if one.phase is Phase.SEED])
    load = _Load(WORKLOADS[plan.scenario.workload].main(world, seeded))
    for op in operations:
        if op.phase is not Phase.MAIN:
            continue
        if op.kind is not Kind.INVOKE:
            load.ended(op)
        elif (invocation := load.begun(op)) is not None and _is_sound(invocation, wanted):
            made[op.index] = invocation.content or Content.of_bytes(b"")
    return made


def _before_the_load(plan: RunPlan, world: World) -> dict[str, Content]:
    stock = WORKLOADS[plan.scenario.workload].stock(world)
    early = (*style_probe(world), *probe(world), *seeds(world), *stock)
    return {one.content.digest: one.content for one in early if one.content is not None}


def sends_a_part(f: F, asked: Asked) -> bool:
    """Whether this is a step of an upload that carries bytes."""
    return f is F.PATCH_UPLOAD or (f is F.FINISH_UPLOAD and asked.range is not None)


def _is_sound(invocation: Invocation, wanted: Container[str]) -> bool:
    content, asked = invocation.content, invocation.asked
    if content is None or asked.digest not in wanted:
        return False
    return asked.wrong_bytes or content.digest == asked.digest or sends_a_part(invocation.f, asked)


class _Load:
    """A load that is asked again."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._lost: set[int] = set()

    def begun(self, op: Op) -> Invocation | None:
        """What was asked then, if the load still asks for that."""
        if op.process in self._lost:
            return None
        answer = self._generator.op(Context(op.process, op.intended_ns))
        if isinstance(answer, tuple):
            invocation, following = answer
            if (invocation.f, invocation.key, invocation.asked) == (op.f, op.key, op.asked):
                self._generator = following
                return invocation
        self._lost.add(op.process)
        return None

    def ended(self, op: Op) -> None:
        """What came of it."""
        if op.process not in self._lost:
            self._generator = self._generator.update(op)
