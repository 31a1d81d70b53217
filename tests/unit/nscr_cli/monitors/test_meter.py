"""The meter of a running torture: seconds, outcomes, percentiles and the registry's figures."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.history.ops import F, Kind, Op, Phase, Sample
from nscr_cli.monitors.meter import Latencies, Meter
from nscr_cli.monitors.progress import Progress, RegistryFigures

SECOND = 1_000_000_000


def completion(kind: Kind, end_ns: int, took_ms: float, f: F = F.GET_BLOB) -> Op:
    intended = end_ns - int(took_ms * 1e6)
    return Op(index=1, process=0, kind=kind, f=f, key="a", phase=Phase.MAIN, intended_ns=intended, time_ns=end_ns)


def progress_at(meter: Meter, now_ns: int) -> Progress:
    return meter.progress(now_ns, run="r", target="t", phase="main", elapsed_s=1, total_s=None, workers=1)


def state(body: bytes | None, status: int | None = 200) -> Sample:
    raw = msgspec.Raw(body) if body is not None else None
    return Sample(endpoint="/api/registry/state", start_ns=0, end_ns=1, status=status, body=raw)


def test_rates_are_of_whole_seconds_past() -> None:
    meter = Meter(start_ns=100 * SECOND)
    for end in (100 * SECOND + 1, 100 * SECOND + 2, 102 * SECOND + 1):
        meter.ended(completion(Kind.OK, end, 5))
    progress = progress_at(meter, 102 * SECOND + 2)
    assert progress.rates == (2.0, 0.0)
    assert progress.latencies_ms[0] == pytest.approx(5, rel=0.05)
    assert progress.latencies_ms[1] is None


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


def test_no_latencies_no_percentile() -> None:
    assert Latencies().percentile(0.5) is None
