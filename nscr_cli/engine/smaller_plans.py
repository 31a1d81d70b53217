"""Plans that ask for less than a plan does: fewer workers, operations, keys, errands, faults. Pure.

Nothing here asks a registry for more than the plan itself: no more workers, no faster, nowhere else.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from nscr_cli.history.plan import RunPlan

_SMALL_BLOB = 1024
_FEW_OPERATIONS = (64, 256, 1024)
_LEAPS = ((1, 1, 1), (2, 1, 2), (4, 1, 2))  # workers, repositories, tags

T = TypeVar("T")


def leaps(plan: RunPlan) -> Iterator[RunPlan]:
    """Smaller in everything at once, the smallest first: most bugs need few of anything."""
    for workers, repositories, tags in _LEAPS:
        for faults in dict.fromkeys(((), plan.scenario.faults)):
            smaller = msgspec.structs.replace(
                _closed(plan),
                workers=min(workers, plan.workers),
                processes=1,
                max_operations=min(plan.max_operations or _FEW_OPERATIONS[1], _FEW_OPERATIONS[1]),
            )
            yield _with_scenario(
                smaller,
                repositories=min(repositories, plan.scenario.repositories),
                tags=min(tags, plan.scenario.tags),
                blob_sizes=_small_blobs(plan),
                faults=faults,
            )


def fewer_workers(plan: RunPlan) -> Iterator[RunPlan]:
    """One, two, four and so on."""
    for workers in _doubled(plan.workers):
        yield msgspec.structs.replace(plan, workers=workers)


def fewer_repositories(plan: RunPlan) -> Iterator[RunPlan]:
    """Likewise."""
    for repositories in _doubled(plan.scenario.repositories):
        yield _with_scenario(plan, repositories=repositories)


def fewer_tags(plan: RunPlan) -> Iterator[RunPlan]:
    """Likewise."""
    for tags in _doubled(plan.scenario.tags):
        yield _with_scenario(plan, tags=tags)


def fewer_errands(plan: RunPlan) -> Iterator[RunPlan]:
    """Without half of the errands, without a quarter of them, without one."""
    errands = [name for name, weight in plan.scenario.weights.items() if weight > 0]
    for left in _without_parts(errands):
        yield _with_scenario(plan, weights={name: plan.scenario.weights[name] for name in left})


def fewer_faults(plan: RunPlan) -> Iterator[RunPlan]:
    """Without any, without half of them, without one."""
    if plan.scenario.faults:
        yield _with_scenario(plan, faults=())
    for left in _without_parts(plan.scenario.faults):
        yield _with_scenario(plan, faults=tuple(left))


def simpler_load(plan: RunPlan) -> Iterator[RunPlan]:
    """Small blobs; one process; the closed model, no faster than the open one was."""
    if plan.processes > 1:
        yield msgspec.structs.replace(plan, processes=1)
    if _small_blobs(plan) != plan.scenario.blob_sizes:
        yield _with_scenario(plan, blob_sizes=_small_blobs(plan))
    if plan.rate is not None:
        yield _closed(plan)


def fewer_operations(plan: RunPlan) -> Iterator[RunPlan]:
    """Half, three quarters, seven eighths of them."""
    most = plan.max_operations
    counts = _FEW_OPERATIONS if most is None else (most // 2, most * 3 // 4, most * 7 // 8)
    for count in counts:
        if count >= 1 and count != most:
            yield msgspec.structs.replace(plan, max_operations=count)


REDUCTIONS: tuple[Callable[[RunPlan], Iterator[RunPlan]], ...] = (
    fewer_workers,
    fewer_faults,
    fewer_errands,
    fewer_repositories,
    fewer_tags,
    simpler_load,
)


def extent(plan: RunPlan) -> str:
    """How much a plan asks for, in words."""
    errands = [name for name, weight in plan.scenario.weights.items() if weight > 0]
    operations = (
        "any number of operations" if plan.max_operations is None else _plural(plan.max_operations, "operation")
    )
    parts = [
        _plural(plan.workers, "worker"),
        operations,
        _plural(plan.scenario.repositories, "repository", "repositories"),
        _plural(plan.scenario.tags, "tag"),
        f"{_plural(len(errands), 'errand')}{f' ({errands[0]})' if len(errands) == 1 else ''}",
    ]
    if plan.scenario.faults:
        parts.append(_plural(len(plan.scenario.faults), "fault"))
    return ", ".join(parts)


def _doubled(below: int) -> Iterator[int]:
    count = 1
    while count < below:
        yield count
        count *= 2


def _without_parts(things: Sequence[T]) -> Iterator[list[T]]:
    """The things without each half, each quarter, and so on, but never without all of them."""
    size = len(things) // 2
    while size:
        for start in range(0, len(things), size):
            left = [*things[:start], *things[start + size :]]
            if left:
                yield left
        size //= 2


def _small_blobs(plan: RunPlan) -> tuple[int, int]:
    smallest, largest = plan.scenario.blob_sizes
    return smallest, max(smallest, min(largest, _SMALL_BLOB))


def _closed(plan: RunPlan) -> RunPlan:
    closed = msgspec.structs.replace(plan, max_rate=plan.max_rate or plan.rate, rate=None, ramp_s=0.0)
    return _with_scenario(closed, rate=None, ramp_s=0.0)


def _with_scenario(plan: RunPlan, **changes: object) -> RunPlan:
    return msgspec.structs.replace(plan, scenario=msgspec.structs.replace(plan.scenario, **changes))


def _plural(count: int, noun: str, plural: str | None = None) -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
