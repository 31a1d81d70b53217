"""A registry that fails is left alone for longer and longer, within bounds; one that answers is not."""

import pytest

from nscr_cli.monitors.backoff import Backoff
from nscr_cli.monitors.rules import HEALTH, STATE, Answer


def answered(status: int | None, retry_after_s: float | None = None, endpoint: str = HEALTH) -> Answer:
    return Answer(endpoint=endpoint, latency_ms=1, status=status, retry_after_s=retry_after_s)


def waits(rounds: list[list[Answer]], interval_s: float) -> list[float]:
    backoff, all_waits = Backoff(), []
    for answers in rounds:
        backoff, wait_s = backoff.after(answers, interval_s)
        all_waits.append(wait_s)
    return all_waits


@pytest.mark.parametrize("status", [None, 429, 503])
def test_doubles_up_to_a_bound_and_starts_anew(status: int | None) -> None:
    bad, good = [answered(status)], [answered(200)]
    assert waits([bad, bad, bad, bad, bad, bad, good, bad, bad], 2) == [2, 4, 8, 16, 16, 16, 2, 2, 4]
    assert waits([bad] * 200, 10)[-1] == 60
    assert waits([bad] * 3, 90) == [90, 90, 90]


@pytest.mark.parametrize("status", [200, 304, 401, 404, 500])
def test_an_answer_of_any_other_kind_is_an_answer(status: int) -> None:
    assert waits([[answered(status)]] * 3, 2) == [2, 2, 2]


def test_one_endpoint_that_hangs_is_no_silence_but_a_busy_one_counts_for_all() -> None:
    hangs, fine, busy = answered(None), answered(200, endpoint=STATE), answered(503, endpoint=STATE)
    assert waits([[hangs, fine]] * 3, 2) == [2, 2, 2]
    assert waits([[answered(200), busy]] * 3, 2) == [2, 4, 8]


def test_retry_after_is_obeyed_within_reason() -> None:
    assert waits([[answered(503, 30)], [answered(503, 1)], [answered(429, 1e9)]], 2) == [30, 4, 600]
    assert waits([[answered(200, 30)]], 2) == [2]
