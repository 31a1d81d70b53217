"""Intervals miss as rarely as they say, whether the noise is within runs or between them; Student's table."""

import math
from random import Random

import pytest

from nscr_cli.reporting.statistics import STRETCHES, Estimate, compared, student


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [(0.995, 4, 4.604), (0.995, 9, 3.250), (0.995, 18, 2.878), (0.9995, 18, 3.922), (0.975, 1e9, 1.960)],
)
def test_students_quantiles_are_those_of_the_tables(share: float, freedom: float, value: float) -> None:
    assert student(share, freedom) == pytest.approx(value, rel=0.01)


def _estimate(chance: Random, runs: int, *, within: float, between: float) -> Estimate:
    """Runs of which each is the mean of its stretches."""
    whole, without = [], []
    for _ in range(runs):
        level = chance.gauss(0, between)
        stretches = [level + chance.gauss(0, within) for _ in range(STRETCHES)]
        whole.append(sum(stretches) / STRETCHES)
        without.append(tuple((sum(stretches) - one) / (STRETCHES - 1) for one in stretches))
    return Estimate(of_whole=tuple(whole), without=tuple(without))


@pytest.mark.parametrize(("runs", "within", "between"), [(1, 0.2, 0.0), (5, 0.2, 0.0), (5, 0.05, 0.3)])
def test_an_interval_misses_the_truth_as_rarely_as_it_says(runs: int, within: float, between: float) -> None:
    missed = 0
    for seed in range(1000):
        chance = Random(f"{runs} {seed}")
        new, old = (_estimate(chance, runs, within=within, between=between) for _ in range(2))
        found = compared(new, old, error=0.05, allowance=1.0)
        missed += not found.low <= 1.0 <= found.high
    assert 5 <= missed <= 80, missed  # 50 of 1000, or fewer where the larger of two variances is taken


def test_the_ratio_is_that_of_the_means_and_the_allowance_widens_both_ends() -> None:
    same = Estimate(of_whole=(math.log(2.0),), without=((math.log(2.0),) * STRETCHES,))
    half = Estimate(of_whole=(0.0,), without=((0.0,) * STRETCHES,))
    found = compared(same, half, error=0.01, allowance=1.05)
    assert (found.ratio, found.low, found.high) == pytest.approx((2.0, 2.0 / 1.05, 2.0 * 1.05))
