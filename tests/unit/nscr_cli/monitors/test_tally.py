"""A tally: what a meter makes of it is what it makes of the operations themselves."""

from nscr_cli.history.ops import Answered, F, Kind, Op, Phase
from nscr_cli.monitors.meter import Meter
from nscr_cli.monitors.progress import Broken, Progress
from nscr_cli.monitors.tally import Tally

MS = 1_000_000


def ended(number: int) -> Op:
    return Op(
        index=number,
        process=0,
        kind=(Kind.OK, Kind.OK, Kind.FAIL, Kind.INFO)[number % 4],
        f=(F.GET_BLOB, F.PUT_MANIFEST)[number % 2],
        key="r:t",
        phase=Phase.MAIN,
        intended_ns=0,
        time_ns=(number + 1) * MS,
        answered=Answered(),
    )


def picture(meter: Meter) -> Progress:
    return meter.progress(3_000_000_000, run="r", target="t", total_s=None, workers=1)


def test_counts_stand_for_the_operations() -> None:
    one, other = Meter(), Meter()
    for half in (range(40), range(40, 90)):
        tally = Tally()
        for number in half:
            one.ended(ended(number))
            tally.ended(ended(number))
        outcomes, latencies, broken = tally.take()
        other.counted(90 * MS, outcomes, latencies)
        assert broken == ()
        assert tally.take() == ({}, {}, ())
    assert picture(one) == picture(other)
    assert picture(other).ok == 46


def test_what_was_broken_is_told_once_by_rule() -> None:
    tally = Tally()
    for at in (3.0, 2.0):
        tally.broke([Broken(checker="blobs", rule="corrupt-content", key=f"{at}", text="t", first_s=at)])
    _, _, (broken,) = tally.take()
    assert (broken.key, broken.count) == ("2.0", 2)
    assert tally.take()[2] == ()
