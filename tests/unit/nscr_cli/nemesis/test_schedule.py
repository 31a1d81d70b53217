"""The same seed strikes the same matches, and nothing outside of what was aimed at."""

from nscr_cli.history.faults import DropReply, Fault, Step
from nscr_cli.nemesis.schedule import Schedule


def fault(**fields: object) -> Fault:
    return Fault(**{"name": "f", "steps": (Step.PUT_MANIFEST,), "toxics": (DropReply(),), **fields})


def struck(plan: list[Fault], seed: int, requests: list[tuple[Step, int, float]]) -> list[list[tuple[str, int, float]]]:
    schedule = Schedule(plan, seed)
    return [
        [(one.name, number, chance.random()) for one, number, chance in schedule.strikes(*request)]
        for request in requests
    ]


def test_a_seed_decides() -> None:
    requests = [(Step.PUT_MANIFEST, 1, 0.0)] * 200
    first = struck([fault(share=0.3)], 5, requests)
    assert first == struck([fault(share=0.3)], 5, requests)
    assert first != struck([fault(share=0.3)], 6, requests)
    assert 30 < sum(map(len, first)) < 90


def test_other_faults_and_requests_move_nothing() -> None:
    requests = [(Step.PUT_MANIFEST, 1, 0.0)] * 50
    others = [fault(share=0.3), fault(name="g", steps=(Step.GET_BLOB,), share=0.5)]
    mixed = struck(others, 5, [request for put in requests for request in (put, (Step.GET_BLOB, 1, 0.0))])
    assert mixed[::2] == struck([fault(share=0.3)], 5, requests)


def test_exactly_the_nth() -> None:
    hits = struck([fault(nth=(2, 4))], 5, [(Step.PUT_MANIFEST, 1, 0.0)] * 5)
    assert [number for hit in hits for _, number, _ in hit] == [2, 4]


def test_only_within_the_window_and_at_the_ordinal() -> None:
    plan = [fault(share=1.0, start_s=1.0, stop_s=2.0, ordinal=2)]
    requests = [(Step.PUT_MANIFEST, ordinal, at) for at in (0.5, 1.0, 2.0) for ordinal in (1, 2)]
    assert [bool(hit) for hit in struck(plan, 5, requests)] == [False, False, False, True, False, False]


def test_only_the_step_that_was_aimed_at() -> None:
    assert struck([fault(share=1.0)], 5, [(Step.GET_MANIFEST, 1, 0.0)]) == [[]]
