"""The sweep over a register: its limits, and how long it takes."""

from random import Random

import pytest

from nscr_cli.checkers.register import judge_register
from nscr_cli.checkers.register_calls import RegisterCall, What
from nscr_cli.checkers.register_clash import prove


def contended(seed: int, count: int, clients: int) -> list[RegisterCall]:
    """A valid history of one register: writes, deletes of both kinds, a few calls without end, most calls reads."""
    random = Random(seed)
    free = [0] * clients
    points: list[tuple[int, int, int, int]] = []
    for number in range(count):
        client = min(range(clients), key=free.__getitem__)
        start = free[client] + random.randint(1, 5)
        end = start + random.randint(1, 60)
        points.append((random.randint(start, end), start, end, number))
        free[client] = end + 1
    held: str | None = None
    calls: list[RegisterCall] = []
    for _, start, end, number in sorted(points):
        draw = random.random()
        stop = None if random.random() < 0.02 else end
        if draw < 0.35:
            held = f"v{number}"
            calls.append(RegisterCall(What.WRITE, start, stop, held))
        elif draw < 0.4:
            held = None
            calls.append(RegisterCall(What.DELETE, start, stop))
        elif draw < 0.45 and held is not None:
            calls.append(RegisterCall(What.DELETE_IF, start, stop, held))
            held = None
        else:
            calls.append(RegisterCall(What.READ, start, end, held))
    return calls


@pytest.mark.slow
def test_a_contended_register_is_decided_with_few_steps() -> None:
    calls = contended(seed=1, count=20_000, clients=32)
    result = judge_register(calls, max_steps=1_000_000)
    assert (result.is_decided, result.stuck) == (True, None)
    assert result.steps < len(calls)


def test_a_lost_write_among_many_is_named() -> None:
    calls = contended(seed=2, count=1000, clients=8)
    last = max(call.end or call.start for call in calls)
    calls += [
        RegisterCall(What.WRITE, last + 1, last + 2, "kept"),
        RegisterCall(What.WRITE, last + 3, last + 4, "lost"),
    ]
    calls += [RegisterCall(What.READ, last + 5, last + 6, "kept")]
    stuck = judge_register(calls, max_steps=100_000).stuck
    assert stuck is not None
    clash = prove(stuck, calls)
    assert [calls[number].value for number in (clash.opening, clash.forced, clash.later or 0)] == [
        "kept",
        "lost",
        "kept",
    ]


def test_the_step_limit_leaves_it_undecided() -> None:
    result = judge_register(contended(seed=3, count=200, clients=4), max_steps=10)
    assert (result.is_decided, result.stuck) == (False, None)


@pytest.mark.parametrize(
    "calls",
    [
        [RegisterCall(What.WRITE, 0, 1, "a"), RegisterCall(What.WRITE, 2, 3, "a")],
        [RegisterCall(What.READ, 0, 1, "a"), RegisterCall(What.WRITE, 2, 3, "a")],
        [RegisterCall(What.READ, 0, 1, "a")],
    ],
    ids=["written twice", "read before it is written", "never written"],
)
def test_what_it_cannot_judge_it_refuses(calls: list[RegisterCall]) -> None:
    with pytest.raises(ValueError, match=r"written twice|nobody had started to write"):
        judge_register(calls, max_steps=10)
