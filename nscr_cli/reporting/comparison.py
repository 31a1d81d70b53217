"""Two runs, or two sets of runs, side by side: whose promises broke, and who is faster. Pure; says if nobody can tell.

Noise has three sources, and each is answered for: within a run, by the scatter of its stretches (statistics.py); by
others on the machine, by how long the load waited for a processor, above which a run tells nothing (comparability.py);
from run to run, by the spread of at least three runs on each side that took turns, and otherwise by an allowance. A
difference is told where its interval misses 1 and it is large enough to matter.
"""

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from nscr_cli.exits import Exit
from nscr_cli.reporting.comparability import (
    Side,
    another_pace,
    disturbed,
    is_remote,
    is_replicated,
    not_the_same,
    other_notes,
    pace_note,
    quiet,
    too_little,
    unreplicated,
)
from nscr_cli.reporting.comparison_promises import Broken, checkers_compared, promises_compared
from nscr_cli.reporting.measures import (
    ALL,
    MEDIAN,
    QUANTILES,
    Measures,
    comparable,
    latency_estimate,
    pace_ms,
    quantile_ms,
    rate_estimate,
    shares,
)
from nscr_cli.reporting.statistics import ENOUGH_RUNS, Ratio, compared

LEAST = 1.10
HIDDEN = 1.30
_ERROR = 0.01
_STEADY = 1.25
_ALLOWANCE = 1.05
_ALLOWANCE_OF_ONE = 1.15
_REMOTE_ALLOWANCE = 1.20


class Change(StrEnum):
    """What became of a speed, or of a promise."""

    SLOWER = "slower"
    FASTER = "faster"
    WITHIN_NOISE = "within noise"
    CANNOT_TELL = "cannot tell"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On which terms speeds are compared.

    Attributes:
        allowance: see `compared`; `allowance_of_one`, where it is the speed of a single operation, which differs more.
        judges_tails: quantiles beyond the median are judged; they are made by a few disturbances, a disk that was busy
            for a while, of which the stretches of one run know too little.
        by_pace: in terms of what the load itself ran for each operation, see `latency_estimate`.
        is_open: operations arrive by a schedule, and their rate says nothing.
    """

    allowance: float
    allowance_of_one: float
    judges_tails: bool
    by_pace: bool
    is_open: bool


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A speed on both sides.

    Attributes:
        what: an operation, `all` of them, or `rate`.
        quantile: `p50`, `p90` or `p99`; of a rate nothing.
        ratio, low, high: how many times as slow the new side is, and within which bounds.
        new, old: milliseconds, or operations a second.
    """

    what: str
    quantile: str
    change: Change
    ratio: float
    low: float
    high: float
    new: float | None = None
    old: float | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two sides differ in.

    Attributes:
        verdicts: of each checker, the worst outcome on the new side and on the old one; None where it did not judge.
        speeds: the first is of all operations.
        speed: of all of them together.
        unsure: why nobody can tell, or what the reader should know beside.
        notes: what else differs between the plans, or was left out.
    """

    new: tuple[str, ...]
    old: tuple[str, ...]
    verdict_new: str
    verdict_old: str
    verdicts: tuple[tuple[str, str | None, str | None], ...]
    broken: tuple[Broken, ...]
    mix: tuple[tuple[str, float, float], ...]
    speeds: tuple[Difference, ...]
    speed: Change
    unsure: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> Exit:
        """A promise that is newly broken beats a speed, which beats what nobody can tell."""
        if any(one.became == "new" for one in self.broken):
            return Exit.INVALID
        if self.speed is Change.SLOWER:
            return Exit.THRESHOLD
        return Exit.UNKNOWN if self.speed is Change.CANNOT_TELL or self.verdict_new == "UNKNOWN" else Exit.VALID


def compare(new: Sequence[Side], old: Sequence[Side]) -> Comparison:
    """The new side against the old one; both have at least one run."""
    unsure, notes = list(not_the_same(new, old)), list(other_notes(new, old))
    paces = pace_ms([one.measures for one in new]), pace_ms([one.measures for one in old])
    by_pace = None not in paces and not is_remote(new[0].report.plan)
    is_open = new[0].report.plan.rate is not None
    terms = Terms(allowance=1.0, allowance_of_one=1.0, judges_tails=True, by_pace=by_pace, is_open=is_open)
    kept_new, kept_old = list(new), list(old)
    if not unsure:
        if is_replicated(new, old):
            notes.append(f"noise from run to run: the spread of {len(new)} and {len(old)} runs that took turns")
        else:
            allowance = _REMOTE_ALLOWANCE if is_remote(new[0].report.plan) else _ALLOWANCE
            terms = msgspec.structs.replace(
                terms, allowance=allowance, allowance_of_one=max(allowance, _ALLOWANCE_OF_ONE), judges_tails=False
            )
            notes.append(unreplicated(new, old, allowance))
            kept_new, kept_old = quiet(new), quiet(old)
            unsure += disturbed(new, old, kept_new, kept_old, notes)
        unsure += too_little([*kept_new, *kept_old])
        if by_pace:
            notes.append(pace_note(*paces))
            unsure += another_pace(*paces)
    speeds: tuple[Difference, ...] = ()
    if not unsure:
        speeds = tuple(_speeds([one.measures for one in kept_new], [one.measures for one in kept_old], terms))
        if not terms.judges_tails and (unsteady := list(_unsteady(speeds))):
            speeds = tuple(msgspec.structs.replace(one, change=Change.CANNOT_TELL) for one in speeds)
            unsure += unsteady
        else:
            unsure += _too_wide(speeds, [*kept_new, *kept_old], terms.allowance)
    return Comparison(
        new=tuple(one.folder for one in new),
        old=tuple(one.folder for one in old),
        verdict_new=max(one.report.verdict for one in new).name,
        verdict_old=max(one.report.verdict for one in old).name,
        verdicts=tuple(checkers_compared(new, old)),
        broken=tuple(promises_compared(new, old)),
        mix=tuple(_mix(new, old)),
        speeds=speeds,
        speed=_overall(speeds),
        unsure=tuple(unsure),
        notes=tuple(notes),
    )


def _speeds(new: Sequence[Measures], old: Sequence[Measures], terms: Terms) -> Iterator[Difference]:
    """All operations and the rate first, each as sure as it can be; then one by one, with the chance shared out."""
    wanted = {quantile: comparable([*new, *old], quantile) for quantile in QUANTILES}
    counts = shares([*new, *old])
    firsts = [one for one, names in wanted.items() if names]
    error = _ERROR / (len(firsts) + (not terms.is_open))
    for quantile in firsts:
        yield _latency(ALL, quantile, new, old, {name: counts[name] for name in wanted[quantile]}, error, terms)
    if not terms.is_open:
        ratio = compared(
            *(rate_estimate(side, by_pace=terms.by_pace) for side in (old, new)), error=error, allowance=terms.allowance
        )
        per_second = [sum(sum(one.ended) for one in side) / sum(one.seconds for one in side) for side in (new, old)]
        yield _difference("rate", "", ratio, per_second[0], per_second[1], terms)
    pairs = sorted((name, quantile) for quantile, names in wanted.items() for name in names)
    for name, quantile in pairs:
        yield _latency(name, quantile, new, old, {name: 1.0}, _ERROR / len(pairs), terms)


def _latency(
    what: str,
    quantile: str,
    new: Sequence[Measures],
    old: Sequence[Measures],
    weights: dict[str, float],
    error: float,
    terms: Terms,
) -> Difference:
    estimates = [latency_estimate(side, quantile, weights, by_pace=terms.by_pace) for side in (new, old)]
    allowance = terms.allowance if what == ALL else terms.allowance_of_one
    ratio = compared(*estimates, error=error, allowance=allowance)
    if what == ALL:
        return _difference(what, quantile, ratio, None, None, terms)
    shown = [quantile_ms(side, what, quantile) for side in (new, old)]
    return _difference(what, quantile, ratio, shown[0], shown[1], terms)


def _difference(
    what: str, quantile: str, ratio: Ratio, new: float | None, old: float | None, terms: Terms
) -> Difference:
    is_judged = terms.judges_tails or quantile in (MEDIAN, "")
    if ratio.low > 1 and ratio.ratio >= LEAST:
        change = Change.SLOWER if is_judged else Change.CANNOT_TELL
    elif ratio.high < 1 and ratio.ratio <= 1 / LEAST:
        change = Change.FASTER if is_judged else Change.CANNOT_TELL
    else:
        change = Change.WITHIN_NOISE if ratio.high <= HIDDEN else Change.CANNOT_TELL
    return Difference(
        what=what, quantile=quantile, change=change, ratio=ratio.ratio, low=ratio.low, high=ratio.high, new=new, old=old
    )


def _overall(speeds: Sequence[Difference]) -> Change:
    """Slower if anything is; of what is not, the first says how sure that is."""
    changes = [one.change for one in speeds]
    if Change.SLOWER in changes:
        return Change.SLOWER
    return changes[0] if changes else Change.CANNOT_TELL


def _unsteady(speeds: Sequence[Difference]) -> Iterator[str]:
    """Why two runs tell nothing, neither good nor bad: one was disturbed, by a disk that others kept busy perhaps."""
    first = next(iter(speeds), None)
    if first is not None and first.high / first.ratio > _STEADY:
        yield (
            f"one of the runs was unsteady: its own stretches differ so much that the ratio is {first.low:.2f} to "
            f"{first.high:.2f}; run it again, longer, or {ENOUGH_RUNS} and more times on each side, in turns"
        )


def _too_wide(speeds: Sequence[Difference], sides: Sequence[Side], allowance: float) -> Iterator[str]:
    if _overall(speeds) is not Change.CANNOT_TELL:
        return
    if not speeds:
        yield "no operation was asked often enough on both sides"
        return
    first = speeds[0]
    margin = math.log(first.high / first.ratio / allowance)
    times = (margin / math.log(HIDDEN / allowance)) ** 2  # noise shrinks with the root of time
    seconds = max(1.5, times) * max(one.measures.seconds for one in sides)
    yield (
        f"a build that is slower by {HIDDEN - 1:.0%} could hide in the noise of these runs ({first.low:.2f} to "
        f"{first.high:.2f} times as long): runs of {seconds:.0f} s on each side would tell, or more of them in turns"
    )


def _mix(new: Sequence[Side], old: Sequence[Side]) -> Iterator[tuple[str, float, float]]:
    of_new, of_old = (shares([one.measures for one in side]) for side in (new, old))
    for name in sorted({*of_new, *of_old}):
        yield name, of_new.get(name, 0.0), of_old.get(name, 0.0)
