"""Metrics: names by convention, samples of now and nothing old, whatever a registry is called or says."""

import re
import threading
import urllib.request
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from nscr_cli.errors import EnvironmentFailed
from nscr_cli.monitors.exporter import Exporter, serving
from nscr_cli.monitors.metrics import METRICS, Type
from nscr_cli.monitors.probe_rules import ProbeRules, probe_document, probe_line
from nscr_cli.monitors.round_trip import RoundTrip, Step
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.streams.report import Cell, Report

URL = "http://r"


def report(figures: Mapping[str, Cell] | None = None, notices: tuple[Notice, ...] = (), *, polls: int = 1) -> Report:
    is_answered = figures is not None
    return Report(
        at_s=1,
        is_answered=is_answered,
        polls=polls,
        unchanged=polls - 1,
        latency_ms=250 if is_answered else None,
        error=None,
        figures=figures or {},
        notices=notices,
    )


def notice(rule: str, subject: str = "", *, recovered: bool = False, is_failure: bool = True) -> Notice:
    return Notice(
        at_s=1, rule=rule, endpoint="/e", subject=subject, text="x", recovered=recovered, is_failure=is_failure
    )


def samples(exporter: Exporter) -> dict[str, float]:
    """What a scrape shows: `name{other label}` of registry URL."""
    registry = CollectorRegistry()
    registry.register(exporter)
    shown = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            assert sample.labels.pop("registry") == URL
            shown[f"{sample.name}{{{','.join(sample.labels.values())}}}"] = sample.value
    return shown


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric) -> None:
    assert re.fullmatch(r"nscr_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") is (metric.type is Type.COUNTER)
    assert not re.search(r"_(ms|milliseconds|kib|mb|count)\b", metric.name)
    assert metric.help[0].islower() or metric.help[0].isdigit()
    assert not metric.help.endswith(".")


def test_names_are_unique() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)


def test_a_round() -> None:
    exporter = Exporter()
    exporter.observe(URL, report({"status": "healthy", "blobs": 5, "space_to_free": 7, "uptime_s": 1.5}, polls=3), 1000)
    shown = samples(exporter)
    expected = {
        "nscr_registry_up{}": 1,
        "nscr_registry_healthy{}": 1,
        "nscr_registry_answer_seconds{}": 0.25,
        "nscr_registry_last_answer_timestamp_seconds{}": 1000,
        "nscr_registry_polls_total{answered}": 1,
        "nscr_registry_polls_total{unchanged}": 2,
        "nscr_registry_blobs{}": 5,
        "nscr_registry_space_to_free_bytes{}": 7,
        "nscr_registry_uptime_seconds{}": 1.5,
    }
    assert shown == expected


def test_nothing_old_is_shown_of_a_silent_registry() -> None:
    exporter = Exporter()
    exporter.observe(URL, report({"status": "degraded", "blobs": 5}), 1000)
    assert samples(exporter)["nscr_registry_healthy{}"] == 0
    exporter.observe(URL, report(None), 2000)
    shown = samples(exporter)
    assert shown["nscr_registry_up{}"] == 0
    assert shown["nscr_registry_last_answer_timestamp_seconds{}"] == 1000
    assert shown["nscr_registry_polls_total{silent}"] == 1
    assert not {"nscr_registry_blobs{}", "nscr_registry_healthy{}", "nscr_registry_answer_seconds{}"} & set(shown)


def test_what_is_counted_adds_up() -> None:
    exporter = Exporter()
    for created in (3, None, 4):
        exporter.observe(URL, report({"created": created, "deleted": 0}), 1)
    assert samples(exporter)["nscr_registry_blobs_created_total{}"] == 7


def test_alerts_fire_until_they_are_over() -> None:
    exporter = Exporter()
    exporter.observe(
        URL, report({}, (notice("stuck", "a"), notice("stuck", "b"), notice("restarted", is_failure=False))), 1
    )
    shown = samples(exporter)
    assert (shown["nscr_alerts_total{stuck}"], shown["nscr_alerts_firing{stuck}"]) == (2, 2)
    assert shown["nscr_notices_total{restarted}"] == 1
    assert "nscr_alerts_total{restarted}" not in shown
    exporter.observe(URL, report({}, (notice("stuck", "a", recovered=True),)), 1)
    shown = samples(exporter)
    assert (shown["nscr_alerts_total{stuck}"], shown["nscr_alerts_firing{stuck}"]) == (2, 1)


GOOD = RoundTrip(seconds={Step.PUSH: 0.1, Step.VISIBLE: 0.2, Step.PULL: 0.3, Step.KEPT: 0.4}, failures={})
BAD = RoundTrip(seconds={Step.PUSH: 0.1, Step.KEPT: 0.4}, failures={Step.PUSH: "500 \x1b[31m", Step.KEPT: "gone"})
THROTTLED = RoundTrip(seconds={Step.PUSH: 0.1}, failures={}, is_throttled=True, retry_after_s=3)


def test_probes() -> None:
    exporter, rules = Exporter(), ProbeRules("nscr-probe/1")
    for epoch_s, made in ((100, GOOD), (200, BAD), (300, THROTTLED)):
        exporter.probed(URL, made, rules.follow(epoch_s, made), epoch_s)
    shown = samples(exporter)
    assert {name: value for name, value in shown.items() if name.startswith("nscr_probe")} == {
        "nscr_probe_up{}": 0,
        "nscr_probe_step_seconds{push}": 0.1,
        "nscr_probe_step_seconds{kept}": 0.4,
        "nscr_probe_failed{push}": 1,
        "nscr_probe_failed{kept}": 1,
        "nscr_probes_total{ok}": 1,
        "nscr_probes_total{failed}": 1,
        "nscr_probes_total{throttled}": 1,
        "nscr_probe_last_success_timestamp_seconds{}": 100,
    }
    assert shown["nscr_alerts_firing{probe-kept}"] == 1


def test_a_step_is_broken_until_it_succeeds_and_a_throttled_probe_says_nothing() -> None:
    rules = ProbeRules("nscr-probe/1")
    told = [
        [(n.rule, n.recovered) for n in rules.follow(at_s, made)]
        for at_s, made in enumerate((GOOD, BAD, BAD, THROTTLED))
    ]
    assert told == [[], [("probe-push", False), ("probe-kept", False)], [], []]
    over = rules.follow(9, GOOD)
    assert [(n.rule, n.recovered) for n in over] == [("probe-push", True), ("probe-kept", True)]
    assert over[0].text == "the probe's push failed: 500 \x1b[31m: over after 8s"


def test_a_step_that_was_not_made_is_not_over() -> None:
    rules = ProbeRules("nscr-probe/1")
    no_pull = RoundTrip(seconds=GOOD.seconds, failures={Step.PULL: "404"})
    assert [n.rule for n in rules.follow(0, no_pull)] == ["probe-pull"]
    assert [n.rule for n in rules.follow(1, BAD)] == ["probe-push", "probe-kept"]
    assert [n.rule for n in rules.follow(2, GOOD)] == ["probe-push", "probe-pull", "probe-kept"]


def test_a_probe_as_line_and_document() -> None:
    assert probe_line(GOOD, 3, lambda at_s: f"t{at_s}", None) == (
        "t3 PROBE ok push 100 ms visible 200 ms pull 300 ms kept 400 ms"
    )
    assert probe_line(BAD, 3, lambda at_s: f"t{at_s}", URL) == "t3 http://r PROBE failed push failed kept failed"
    document = probe_document(BAD, 3, lambda at_s: f"t{at_s}", URL)
    assert (document["outcome"], document["push_ms"], document["pull_ms"]) == ("failed", 100, None)
    assert document["failures"] == {"push": "500 \x1b[31m", "kept": "gone"}


def test_hostile_names_stay_labels() -> None:
    exporter = Exporter()
    hostile = 'a"b\nnscr_registry_up{registry="x"} 7'
    exporter.observe(URL, report({}, (notice(hostile),)), 1)
    assert samples(exporter)[f"nscr_alerts_total{{{hostile}}}"] == 1


@pytest.mark.slow
def test_it_listens_where_it_says_and_only_while_it_is_asked_to() -> None:
    exporter = Exporter()
    exporter.observe(URL, report({"blobs": 5}), 1000)
    before = set(threading.enumerate())  # some of them may end meanwhile: other libraries keep idle ones
    with serving(exporter, "127.0.0.1", 0) as where:
        with urllib.request.urlopen(where, timeout=10) as answer:  # noqa: S310 - http, and ours
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert b'nscr_registry_blobs{registry="http://r"} 5.0' in answer.read()
        port = int(re.search(r":(\d+)/metrics$", where)[1])
        with pytest.raises(EnvironmentFailed, match="nothing can listen"), serving(exporter, "127.0.0.1", port):
            pass
    for started in set(threading.enumerate()) - before:
        started.join(5)  # one that answers may be about to end
        assert not started.is_alive(), started
    with pytest.raises(OSError):
        urllib.request.urlopen(where, timeout=10)  # noqa: S310
