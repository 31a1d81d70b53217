"""Deletes what a run pushed, where the registry allows, and lists in the run folder what remains.

`nscr torture --clean RUNDIR` does it again later: what is gone already counts as deleted.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import trio

from nscr_cli.engine.deletions import deletions, split_unsupported
from nscr_cli.engine.interpreter import Client
from nscr_cli.engine.run import Wiring
from nscr_cli.errors import ReportsUnwritable
from nscr_cli.generators.namespace import namespace_of
from nscr_cli.history.history import Recorded
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Kind
from nscr_cli.history.plan import RunPlan
from nscr_cli.targets.base import TortureTarget

LEFTOVERS_NAME = "leftovers.txt"
_GONE = frozenset({404, 410})
_LONGEST_S = 120.0


async def clean_up(
    plan: RunPlan, history: Recorded, *, target: TortureTarget, wiring: Wiring, folder: Path
) -> tuple[str, ...]:
    """Delete all that the run pushed; the keys of what remains.

    Raises:
        TargetUnreachable, TargetRefused: the registry does not answer any more.
    """
    stages = deletions(history.operations, namespace_of(plan))
    possible, stay = split_unsupported(stages, history.unsupported())
    # Until the registry says otherwise, everything is still there; an interruption must not hide any of it.
    left = {invocation.key for stage in possible for invocation in stage}
    async with target.running(folder) as running:
        clients = [wiring.open_client(running, process) for process in range(plan.workers)]
        try:
            with trio.move_on_after(_LONGEST_S):
                await _delete(possible, clients, left, run_id=plan.run_id)
        finally:
            for client in clients:
                await client.aclose()
    return tuple(sorted({*stay, *left}))


def pushed_keys(plan: RunPlan, history: Recorded) -> tuple[str, ...]:
    """The keys of all that may lie in the registry, for a run that is kept."""
    stages = deletions(history.operations, namespace_of(plan))
    return tuple(sorted(invocation.key for stage in stages for invocation in stage))


def read_leftovers(folder: Path) -> tuple[str, ...]:
    """What the list says is still in the registry."""
    path = folder / LEFTOVERS_NAME
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()


def write_leftovers(folder: Path, keys: Sequence[str]) -> None:
    """List what is still in the registry; nothing left, no list.

    Raises:
        ReportsUnwritable: the disk is full or the folder is not writable.
    """
    path = folder / LEFTOVERS_NAME
    try:
        if keys:
            path.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ReportsUnwritable(
            f"{path}: {error.strerror or error}", hint="free some space, then run `nscr torture --clean`"
        ) from error


async def _delete(
    stages: Iterable[Sequence[Invocation]], clients: Sequence[Client], left: set[str], *, run_id: str
) -> None:
    for name, stage in enumerate(stages):
        waiting = list(enumerate(stage))[::-1]
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(_work, client, waiting, left, f"{run_id}-clean-{name}")


async def _work(client: Client, waiting: list[tuple[int, Invocation]], left: set[str], request: str) -> None:
    while waiting:
        number, invocation = waiting.pop()
        completion = await client.perform(invocation, f"{request}-{number}")
        if completion.kind is Kind.OK or completion.answered.status in _GONE:
            left.discard(invocation.key)
