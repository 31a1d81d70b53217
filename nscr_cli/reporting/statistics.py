"""What can be said of the ratio of two speeds, when each was measured for a while on a noisy machine. Pure; no chance.

Operations of one run are not independent: a disturbance lasts for hundreds of them, and a test that takes them for a
million observations finds a regression in every pair of runs. Here a run is cut into a few long stretches, and it is
their scatter that tells how sure its quantile is (the delete-a-group jackknife; disturbances that are shorter than a
stretch are within one). What differs from run to run shows in no single run: of at least three on each side their
spread tells it, of fewer nobody can, and an allowance stands for it.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

import msgspec

STRETCHES = 10
ENOUGH_RUNS = 3


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The logarithm of a speed, as one side's runs tell it.

    Attributes:
        of_whole: of each run.
        without: of each run, what it is without each of its stretches.
    """

    of_whole: tuple[float, ...]
    without: tuple[tuple[float, ...], ...]


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as much it is, and within which bounds that is so."""

    ratio: float
    low: float
    high: float


def compared(new: Estimate, old: Estimate, *, error: float, allowance: float) -> Ratio:
    """The ratio of two speeds, with an interval that misses the truth in a share `error` of all comparisons.

    Args:
        allowance: a factor by which two runs of the same build may differ anyhow, beyond what their own scatter tells.
    """
    of_new, of_old = _variance(new), _variance(old)
    total = of_new[0] + of_old[0]
    freedom = total**2 / sum(one**2 / degrees for one, degrees in (of_new, of_old)) if total > 0 else math.inf
    difference = fmean(new.of_whole) - fmean(old.of_whole)
    margin = student(1 - error / 2, freedom) * math.sqrt(total) + math.log(allowance)
    return Ratio(ratio=math.exp(difference), low=math.exp(difference - margin), high=math.exp(difference + margin))


def _variance(side: Estimate) -> tuple[float, float]:
    """Of the mean of the runs, and its degrees of freedom: by their stretches, or their spread where it is larger."""
    runs = len(side.of_whole)
    within = sum(_jackknife(values) for values in side.without) / runs**2
    between = variance(side.of_whole) / runs if runs >= ENOUGH_RUNS else 0.0
    return (between, runs - 1) if between > within else (within, sum(len(one) - 1 for one in side.without))


def _jackknife(values: Sequence[float]) -> float:
    middle, count = fmean(values), len(values)
    return (count - 1) / count * sum((value - middle) ** 2 for value in values)


def student(share: float, freedom: float) -> float:
    """The quantile of Student's distribution, by its expansion about the normal one (Abramowitz and Stegun 26.7.5).

    With two degrees of freedom it is a tenth too small at 0.995, with four a hundredth.
    """
    x = NormalDist().inv_cdf(share)
    terms = (
        x,
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))
