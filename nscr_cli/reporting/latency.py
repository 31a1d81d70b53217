"""Operations counted and timed, by what was asked. Pure.

A latency runs from the intended start of an operation to its end, so that a stall counts for everything that had to
wait for it (no coordinated omission). Percentiles are exact, by nearest rank: the smallest latency that at least this
share of the operations did not exceed. Only `ok` operations are timed: a refusal is not the work that was asked for,
and an `info` has no end.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from nscr_cli.history.history import Operation
from nscr_cli.history.ops import Kind


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The distribution of some latencies, in milliseconds."""

    min_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


class OperationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All operations of one kind; of a blob push, also of one style. Each operation is counted in exactly one."""

    f: str
    style: str
    count: int
    ok: int
    fail: int
    info: int
    latency: Latency | None


def latency_ms(operation: Operation) -> float | None:
    """From the intended start to the end; None for an operation that never ended."""
    return None if operation.kind is Kind.INFO else (operation.end_ns - operation.intended_ns) / 1e6


def nearest_rank(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed. `ascending` holds at least one."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def distribution(latencies: Iterable[float]) -> Latency | None:
    """Their percentiles; None of nothing."""
    ascending = sorted(latencies)
    if not ascending:
        return None
    return Latency(
        min_ms=ascending[0],
        p50_ms=nearest_rank(ascending, 0.5),
        p90_ms=nearest_rank(ascending, 0.9),
        p95_ms=nearest_rank(ascending, 0.95),
        p99_ms=nearest_rank(ascending, 0.99),
        p99_9_ms=nearest_rank(ascending, 0.999),
        max_ms=ascending[-1],
    )


def summarise(operations: Iterable[Operation]) -> tuple[OperationSummary, ...]:
    """One summary for each kind of operation and push style, by name."""
    kinds: dict[tuple[str, str], Counter[Kind]] = {}
    latencies: dict[tuple[str, str], list[float]] = {}
    for operation in operations:
        style = operation.asked.style
        group = (operation.f.value, style.value if style is not None else "")
        kinds.setdefault(group, Counter())[operation.kind] += 1
        milliseconds = latency_ms(operation)
        if operation.kind is Kind.OK and milliseconds is not None:
            latencies.setdefault(group, []).append(milliseconds)
    return tuple(
        OperationSummary(
            f=group[0],
            style=group[1],
            count=kinds[group].total(),
            ok=kinds[group][Kind.OK],
            fail=kinds[group][Kind.FAIL],
            info=kinds[group][Kind.INFO],
            latency=distribution(latencies.get(group, ())),
        )
        for group in sorted(kinds)
    )
