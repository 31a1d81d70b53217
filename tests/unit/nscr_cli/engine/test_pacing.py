"""Pauses: what a registry asks for is given, silence is answered with ever longer pauses, up to a limit."""

import pytest

from nscr_cli.engine.pacing import Pace
from nscr_cli.history.ops import Answered


@pytest.mark.parametrize("status", [200, 201, 404, 400, 500])
def test_an_answer_is_no_reason_to_wait(status: int) -> None:
    assert Pace(3).after(Answered(status=status)) == (Pace(0), 0.0)


def test_silence_is_met_with_longer_and_longer_pauses() -> None:
    pace, pauses = Pace(), []
    for _ in range(8):
        pace, pause = pace.after(Answered())
        pauses.append(pause)
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_is_asked_for_is_given_within_reason(status: int) -> None:
    assert Pace().after(Answered(status=status, retry_after_s=7.0))[1] == 7.0
    assert Pace().after(Answered(status=status, retry_after_s=86400.0))[1] == 60.0
    assert Pace().after(Answered(status=status))[1] == 0.05


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_does_not_listen_asks_again_at_once_but_does_not_hammer_who_is_silent(status: int) -> None:
    deaf = Pace(is_obedient=False)
    assert deaf.after(Answered(status=status, retry_after_s=7.0)) == (deaf, 0.0)
    assert deaf.after(Answered())[1] == 0.05
    assert deaf.after(Answered())[0].after(Answered(status=status)) == (deaf, 0.0)
