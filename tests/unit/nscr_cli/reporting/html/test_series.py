"""Series: counted exactly, timed within 1.6 %, in bounded memory, whatever the length of the run."""

from random import Random

import msgspec
import pytest

from nscr_cli.history.ops import Event, Sample
from nscr_cli.reporting.html.folding import Folding
from nscr_cli.reporting.html.series import MOST_STEPS, Gauge, bands, percentile

MS = 1_000_000
S = 1000 * MS


def state(at_ns: int, **summary: int) -> Sample:
    body = msgspec.json.encode({"summary": summary, "activeSessions": {"count": summary.get("sessions", 0)}})
    return Sample(endpoint="/api/registry/state", start_ns=at_ns - MS, end_ns=at_ns, status=200, body=msgspec.Raw(body))


@pytest.mark.parametrize("length_ns", [1, 3 * MS, 20 * S, 3600 * S, 400 * 86400 * S])
def test_a_run_of_any_length_has_few_steps_and_loses_nothing(length_ns: int) -> None:
    folding = Folding()
    for number in range(1000):
        folding.ended("get-blob", ("ok", "fail", "info")[number % 3], 0, number * length_ns // 1000)
    folding.ended("list-tags", "ok", 0, length_ns)
    series = folding.series()
    assert 1 <= series.steps <= MOST_STEPS
    assert series.step_ns * series.steps > series.end_ns == length_ns
    assert sum(series.ended("get-blob")) == 1000
    assert sum(series.ended("list-tags")) == series.ended("list-tags")[-1] == 1
    fail, info = series.troubled()
    assert (sum(fail), sum(info)) == (333, 333)


def test_the_order_of_what_goes_by_does_not_matter() -> None:
    chance = Random(5)
    ended = [("get-blob", "ok", at, at + chance.randrange(9 * S)) for at in range(0, 60 * S, 40 * MS)]
    one, other = Folding(), Folding()
    for operation in ended:
        one.ended(*operation)
    chance.shuffle(ended)
    for operation in ended:
        other.ended(*operation)
    assert one.series() == other.series()


def test_percentiles_are_at_most_a_little_off() -> None:
    print("seed 7")
    chance = Random(7)
    latencies = sorted(round(10 ** (chance.random() * 6 + 3)) for _ in range(5000))
    folding = Folding()
    for latency in latencies:
        folding.ended("get-blob", "ok", S, S + latency)
    bins = folding.series().latencies("get-blob")
    assert sum(bins.values()) == 5000
    for share in (0.5, 0.95, 0.99):
        exact = latencies[round(share * 5000) - 1] / 1e6
        # Below a millisecond the microsecond is the limit.
        assert percentile(bins, share) == pytest.approx(exact, rel=0.016, abs=0.001)


def test_a_step_without_anything_ok_has_no_latency() -> None:
    folding = Folding()
    folding.ended("get-blob", "ok", 0, 2 * MS)
    folding.ended("get-blob", "fail", 0, 4 * MS)
    assert folding.series().percentiles("get-blob", [0.5]) == [[None, None, 2.0, None, None]]


def test_gauges_keep_what_they_were_at_least_at_most_and_at_last() -> None:
    folding = Folding()
    for at, blobs in ((MS, 7), (MS + 1, 3), (MS + 2, 5)):
        folding.sampled(state(at, totalBlobs=blobs, sessions=1))
    folding.sampled(Sample(endpoint="/api/registry/state", start_ns=0, end_ns=MS + 3, status=500))
    assert folding.series().gauges["blobs"] == {1: Gauge(3, 7, 5)}
    folding.happened(Event(name="finished", time_ns=1600 * MS))  # steps are 16 ms now
    assert folding.series().gauges["blobs"] == {0: Gauge(3, 7, 5)}


def test_strikes_of_faults_are_counted() -> None:
    folding = Folding(frozenset({7}))
    for at, fault, request in ((0, "cut", "r-7.1"), (1, "cut", "r-9.1"), (300, "cut", ""), (9, "drop", "r-7.2")):
        detail = {"fault": fault, "request": request, "in_flight": str(at)}
        folding.happened(Event(name="fault", time_ns=at * MS, detail=detail))
    cut, drop = folding.series().faults
    assert (cut.name, cut.total, cut.most_in_flight) == ("cut", 3, 300)
    assert (drop.name, drop.total, drop.most_in_flight) == ("drop", 1, 9)
    assert folding.struck_by(7) == ("cut", "drop")
    assert folding.struck_by(9) == ()


def test_bands_bridge_one_step_and_no_more() -> None:
    assert list(bands([4, 1, 2, 9, 9])) == [(1, 4), (9, 9)]
    assert list(bands([1, 4])) == [(1, 1), (4, 4)]
    assert list(bands([])) == []


def test_what_the_registry_and_the_run_say_of_themselves() -> None:
    folding = Folding()
    state = msgspec.Raw(b'{"registryVersion":"9.9","summary":{}}')
    folding.sampled(Sample(endpoint="/api/registry/state", start_ns=0, end_ns=1, status=200, body=state))
    folding.happened(Event(name="environment", time_ns=0, detail={"python": "CPython 3.11"}))
    folding.happened(Event(name="target-died", time_ns=5, detail={"detail": "SIGKILL"}))
    folding.never_ended("get-blob", 3)
    series = folding.series()
    assert series.registry_version == "9.9"
    assert series.environment == {"python": "CPython 3.11"}
    assert [(mark.name, mark.detail) for mark in series.marks] == [("target-died", "SIGKILL")]
    assert series.unfinished == {"get-blob": 1}
