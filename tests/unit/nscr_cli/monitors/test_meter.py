"""The meter of a running torture: seconds, outcomes, percentiles and the registry's figures."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.history.faults import DropReply, Fault, Latency, Step
from nscr_cli.history.ops import Event, F, Kind, Op, Phase, Sample
from nscr_cli.monitors.meter import Latencies, Meter
from nscr_cli.monitors.progress import Broken, Progress, RegistryFigures

SECOND = 1_000_000_000


def completion(kind: Kind, end_ns: int, took_ms: float, f: F = F.GET_BLOB) -> Op:
    intended = end_ns - int(took_ms * 1e6)
    return Op(index=1, process=0, kind=kind, f=f, key="a", phase=Phase.MAIN, intended_ns=intended, time_ns=end_ns)


def progress_at(meter: Meter, now_ns: int, began_ns: int | None = None) -> Progress:
    return meter.progress(now_ns, run="r", target="t", total_s=None, workers=1, began_ns=began_ns)


def phase(name: str, now_ns: int) -> Event:
    return Event(name="phase", time_ns=now_ns, detail={"phase": name})


def state(body: bytes | None, status: int | None = 200) -> Sample:
    raw = msgspec.Raw(body) if body is not None else None
    return Sample(endpoint="/api/registry/state", start_ns=0, end_ns=1, status=status, body=raw)


def test_rates_are_of_whole_seconds_of_the_load_counted_from_its_first_instant() -> None:
    meter = Meter(start_ns=0)
    meter.noted(phase("seed", 0))
    meter.ended(completion(Kind.OK, 10 * SECOND, 5))
    began = 100 * SECOND + SECOND // 2
    meter.noted(phase("main", began))
    for end in (began + 1, began + SECOND - 1, began + 2 * SECOND + 1):
        meter.ended(completion(Kind.OK, end, 5))
    progress = progress_at(meter, began + 2 * SECOND + 2, began)
    assert progress.rates == (2.0, 0.0)
    assert (progress.phase, progress.done, progress.ok) == ("main", 3, 4)
    assert progress.rate == 1.0
    assert progress.elapsed_s == pytest.approx(2)
    assert progress.latencies_ms[0] == pytest.approx(5, rel=0.05)
    assert progress.latencies_ms[1] is None


def test_what_comes_after_the_load_is_no_rate_of_it() -> None:
    meter = Meter()
    meter.noted(phase("main", 0))
    for number in range(2 * 50):
        meter.ended(completion(Kind.OK, number * SECOND // 50 + 1, 5))
    meter.noted(phase("final", 2 * SECOND))
    for number in range(5):
        meter.ended(completion(Kind.OK, 3 * SECOND + number, 5))
    progress = progress_at(meter, 9 * SECOND, 0)
    assert progress.rates == (50.0, 50.0)
    assert progress.rate == 50.0
    assert (progress.phase, progress.done, progress.phase_s) == ("final", 5, 7.0)


def test_processes_that_get_ready_are_no_seconds_of_the_load() -> None:
    meter = Meter()
    meter.noted(phase("main", 0))
    assert progress_at(meter, 4 * SECOND).elapsed_s == 0
    began = 5 * SECOND
    assert progress_at(meter, began + 1, began).rates == ()
    meter.ended(completion(Kind.OK, began + 2, 5))
    assert progress_at(meter, began + SECOND, began).rates == (1.0,)


def test_before_the_first_second_is_over_the_rate_is_that_of_what_there_was() -> None:
    meter = Meter()
    meter.noted(phase("main", 0))
    for _ in range(100):
        meter.ended(completion(Kind.OK, SECOND // 2, 5))
    assert progress_at(meter, SECOND // 2, 0).rate == pytest.approx(200)


def test_only_ok_is_timed_and_everything_is_counted() -> None:
    meter = Meter()
    meter.ended(completion(Kind.OK, SECOND, 10))
    meter.ended(completion(Kind.FAIL, SECOND, 900))
    meter.ended(completion(Kind.INFO, SECOND, 900, F.PUSH_BLOB))
    read, push = progress_at(meter, SECOND).operations
    assert (read.f, read.ok, read.fail, read.info) == ("get-blob", 1, 1, 0)
    assert read.p99_ms == pytest.approx(10, rel=0.05)
    assert (push.f, push.info, push.p50_ms) == ("push-blob", 1, None)


def test_memory_is_bounded_over_a_long_silence() -> None:
    meter = Meter()
    meter.noted(phase("main", 0))
    meter.ended(completion(Kind.OK, SECOND, 1))
    assert len(progress_at(meter, 10**6 * SECOND).rates) == 200


def test_figures_come_from_the_last_state() -> None:
    meter = Meter()
    summary, sessions = b'{"totalRepositories":3,"totalBlobs":45}', b'{"count":2}'
    meter.sampled(state(b'{"summary":%b,"activeSessions":%b,"health":{"status":"healthy"}}' % (summary, sessions)))
    expected = RegistryFigures(status="healthy", repositories=3, manifests=None, blobs=45, open_uploads=2)
    assert progress_at(meter, 1).registry == expected
    meter.sampled(Sample(endpoint="/api/registry/health", start_ns=0, end_ns=1, error="time-out"))
    assert progress_at(meter, 1).registry == expected
    meter.sampled(state(None, None))
    assert progress_at(meter, 1).registry == RegistryFigures(status="no answer")
    meter.sampled(state(b"<html>", 502))
    assert progress_at(meter, 1).registry == RegistryFigures(status="HTTP 502")


def test_faults_are_counted_by_the_requests_that_they_struck_and_are_active_in_their_window() -> None:
    toxics = (DropReply(), Latency(delay_s=0.1))
    faults = (
        Fault(name="early", steps=(Step.GET_BLOB,), toxics=toxics, share=0.5, stop_s=2.0),
        Fault(name="late", steps=(Step.GET_BLOB,), toxics=toxics, share=0.5, start_s=2.0),
    )
    meter = Meter(faults=faults)
    assert [one.state for one in progress_at(meter, 0).faults] == ["waits", "waits"]
    meter.noted(phase("main", 0))
    for request in ("r-1.0", "r-1.0", "r-2.0"):
        detail = {"fault": "early", "step": "get-blob", "request": request}
        meter.noted(Event(name="fault", time_ns=SECOND, detail=detail))
    early, late = progress_at(meter, SECOND + SECOND // 2, 0).faults
    assert (early.toxics, early.struck, early.is_active) == ("drop-reply, latency", 2, True)
    assert (early.last_step, early.last_s) == ("get-blob", 0.5)
    assert (late.struck, late.state, late.last_s) == (0, "from 2s", None)
    assert [one.state for one in progress_at(meter, 2 * SECOND, 0).faults] == ["over", "active"]
    meter.noted(Event(name="healed", time_ns=3 * SECOND))
    assert [one.state for one in progress_at(meter, 3 * SECOND, 0).faults] == ["healed", "healed"]


def test_whether_there_is_a_monitoring_api_is_known_once_it_was_asked() -> None:
    meter = Meter()
    assert progress_at(meter, 1).is_monitored is None
    meter.noted(Event(name="target", time_ns=1, detail={"monitoring": "no"}))
    assert progress_at(meter, 1).is_monitored is False


def test_what_was_seen_broken_is_one_a_rule_the_first_of_it_and_how_often() -> None:
    meter = Meter()
    for at, count in ((3.0, 1), (2.0, 4)):
        seen = Broken(checker="blobs", rule="corrupt-content", key=f"key {at}", text="t", first_s=at, count=count)
        meter.broke([seen])
    meter.broke([Broken(checker="protocol", rule="server-error", key="k", text="t", first_s=5.0)])
    blobs, protocol = progress_at(meter, 1).broken
    assert (blobs.key, blobs.first_s, blobs.count) == ("key 2.0", 2.0, 5)
    assert (protocol.rule, protocol.count) == ("server-error", 1)


@pytest.mark.parametrize("name", ["target-died", "process-died", "interrupted"])
def test_what_ends_a_run_early_is_an_alert(name: str) -> None:
    meter = Meter()
    meter.noted(Event(name=name, time_ns=1, detail={"detail": "why"}))
    meter.noted(Event(name="capability", time_ns=2, detail={"name": "x", "supported": "no"}))
    assert progress_at(meter, 1).alerts == (f"{name}: why",)


def test_alerts_are_kept_in_order() -> None:
    meter = Meter()
    meter.alert("one")
    meter.alert("two")
    assert progress_at(meter, 1).alerts == ("one", "two")


@given(st.lists(st.floats(min_value=0.002, max_value=1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_live_percentiles_are_right_to_five_per_cent(values: list[float], share: float) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    ascending = sorted(values)
    exact = ascending[max(0, -int(-share * len(values) // 1) - 1)]
    assert latencies.percentile(share) == pytest.approx(exact, rel=0.05)


@given(st.lists(st.floats(min_value=0.002, max_value=1e6), max_size=50))
def test_several_percentiles_at_once_are_those_one_by_one(values: list[float]) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    shares = (0.5, 0.95, 0.99)
    assert latencies.percentiles(*shares) == [latencies.percentile(share) for share in shares]


def test_no_latencies_no_percentile() -> None:
    assert Latencies().percentile(0.5) is None
