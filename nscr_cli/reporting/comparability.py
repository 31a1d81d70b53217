"""Whether speeds can be compared at all: was the same asked in the same way, and was the machine quiet. Pure."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from nscr_cli.client.target import is_loopback
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.measures import Measures
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.statistics import ENOUGH_RUNS

_MOST_WAITED = 0.10
_LEAST_SECONDS = 4.0
_LEAST_TIMED = 200
_MOST_PACE = 1.5
_SAME = ("workers", "processes", "rate", "max_rate", "ramp_s")


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one side."""

    folder: str
    report: RunReport
    measures: Measures


def not_the_same(new: Sequence[Side], old: Sequence[Side]) -> Iterator[str]:
    """Why these runs did not ask the same in the same way."""
    first = old[0].report.plan
    for plan in [one.report.plan for one in (*old[1:], *new)]:
        if msgspec.structs.replace(plan.scenario, duration_s=0.0) != msgspec.structs.replace(
            first.scenario, duration_s=0.0
        ):
            yield f"scenario {plan.scenario_name} is not what {first.scenario_name} was: other things were asked"
            return
        for name in _SAME:
            if getattr(plan, name) != getattr(first, name):
                yield f"{name} {getattr(plan, name)} against {getattr(first, name)}: another load"
                return


def other_notes(new: Sequence[Side], old: Sequence[Side]) -> Iterator[str]:
    plans_new, plans_old = [one.report.plan for one in new], [one.report.plan for one in old]
    for name in ("seed", "duration_s", "nscr", "registry_url", "sabotages"):
        values = [sorted({_shown(getattr(plan, name)) for plan in plans}) for plans in (plans_new, plans_old)]
        if values[0] != values[1]:
            yield f"{name}: {', '.join(values[0])} against {', '.join(values[1])}"
    partial = sum(one.report.partial for one in (*new, *old))
    if partial:
        yield f"{partial} of the runs did not reach their end"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return "the reference registry" if value is None else str(value)


def is_replicated(new: Sequence[Side], old: Sequence[Side]) -> bool:
    """Enough runs on each side, and neither side's all before the other's: else a machine that drifts tells on one."""
    if min(len(new), len(old)) < ENOUGH_RUNS:
        return False
    began_new, began_old = [one.report.plan.started_utc for one in new], [one.report.plan.started_utc for one in old]
    return max(began_new) > min(began_old) and max(began_old) > min(began_new)


def unreplicated(new: Sequence[Side], old: Sequence[Side], allowance: float) -> str:
    if min(len(new), len(old)) < ENOUGH_RUNS:
        count = "one pair of runs" if len(new) == len(old) == 1 else f"{len(new)} against {len(old)} runs"
        more = f"{ENOUGH_RUNS} or more on each side, in turns, would tell"
    else:
        count, more = "all runs of one side were before all of the other", "runs that take turns would tell"
    return (
        f"{count}: a machine that changed in between cannot be told from a build that did; each bound is "
        f"{allowance - 1:.0%} wider for that, and {more}"
    )


def pace_note(new: float | None, old: float | None) -> str:
    """By what ratios are told that the machine's own pace is taken out of."""
    pace = (new or 0.0) / (old or 1.0)
    return (
        f"the load itself needed {pace:.2f} times the processor time for each operation ({new or 0.0:.2f} ms against "
        f"{old or 0.0:.2f} ms): ratios are in terms of it, which follows the machine's pace and not the registry's"
    )


def another_pace(new: float | None, old: float | None) -> Iterator[str]:
    """Why nobody can tell where the machine's pace changed by so much that not all times follow it."""
    pace = (new or 0.0) / (old or 1.0)
    if not 1 / _MOST_PACE <= pace <= _MOST_PACE:
        yield f"the load itself needed {pace:.2f} times the processor time for each operation: the machine changed"


def is_remote(plan: RunPlan) -> bool:
    host = urlsplit(plan.registry_url or "").hostname
    return host is not None and not is_loopback(host)


def quiet(side: Sequence[Side]) -> list[Side]:
    return [one for one in side if one.measures.waited is not None and one.measures.waited <= _MOST_WAITED]


def disturbed(
    new: Sequence[Side], old: Sequence[Side], kept_new: Sequence[Side], kept_old: Sequence[Side], notes: list[str]
) -> Iterator[str]:
    for one in (*new, *old):
        if one in kept_new or one in kept_old:
            continue
        waited = one.measures.waited
        why = (
            "nobody noted how busy the machine was"
            if waited is None
            else f"the load waited {waited:.2f} s for a processor for each second that it ran, others were busy there"
        )
        notes.append(f"left out {one.folder}: {why} (at most {_MOST_WAITED:g})")
    if not kept_new or not kept_old:
        yield (
            "the machine was too busy with other work: run it on a quiet one, or ahead of others (chrt --rr 1 nscr "
            f"torture …), or {ENOUGH_RUNS} and more times on each side, in turns"
        )


def too_little(sides: Sequence[Side]) -> Iterator[str]:
    for one in sides:
        if one.measures.seconds < _LEAST_SECONDS or one.measures.timed < _LEAST_TIMED:
            yield (
                f"{one.folder}: {one.measures.timed} operations in {one.measures.seconds:.1f} s; at least "
                f"{_LEAST_TIMED} in {_LEAST_SECONDS:g} s are needed"
            )
            return
