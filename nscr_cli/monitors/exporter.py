"""`--prometheus`: what is watched, for Prometheus to scrape; the metrics stand in metrics.py.

Scrapes are answered by a thread of prometheus_client, from figures that are exchanged under a lock. They ask nothing of
the registries: those are polled at the watch's own pace.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from nscr_cli.errors import EnvironmentFailed
from nscr_cli.monitors import metrics
from nscr_cli.monitors.metrics import Metric, Type
from nscr_cli.monitors.round_trip import RoundTrip
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.streams.report import Cell


class Told(Protocol):
    """A round as the exporter reads it; a Report is one."""

    @property
    def is_answered(self) -> bool: ...
    @property
    def polls(self) -> int: ...
    @property
    def unchanged(self) -> int: ...
    @property
    def latency_ms(self) -> float | None: ...
    @property
    def figures(self) -> Mapping[str, Cell]: ...
    @property
    def notices(self) -> tuple[Notice, ...]: ...


_Samples = dict[tuple[str, str], float]


def _zeros() -> defaultdict[tuple[str, str], float]:
    return defaultdict(float)


class Exporter(Collector):
    """Keeps the samples of all metrics: of each, by registry and by what its own label says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: defaultdict[str, _Samples] = defaultdict(dict)
        self._counts: defaultdict[str, defaultdict[tuple[str, str], float]] = defaultdict(_zeros)
        self._firing: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)

    def observe(self, url: str, told: Told, epoch_s: float) -> None:
        """Take in a round."""
        with self._lock:
            self._set(metrics.UP, url, float(told.is_answered))
            self._set(metrics.ANSWER, url, told.latency_ms / 1000 if told.latency_ms is not None else None)
            if told.is_answered:
                self._set(metrics.LAST_ANSWER, url, epoch_s)
            result = "answered" if told.is_answered else "silent"
            self._counts[metrics.POLLS.name][url, result] += told.polls - told.unchanged
            self._counts[metrics.POLLS.name][url, "unchanged"] += told.unchanged
            status = told.figures.get("status")
            self._set(metrics.HEALTHY, url, float(status == "healthy") if status is not None else None)
            for metric in metrics.FIGURES:
                self._figure(metric, url, told.figures.get(metric.figure or ""))
            self._note(url, told.notices)

    def probed(self, url: str, made: RoundTrip, notices: tuple[Notice, ...], epoch_s: float) -> None:
        """Take in a probe."""
        result = "ok" if made.is_ok else "throttled" if made.is_throttled else "failed"
        with self._lock:
            self._counts[metrics.PROBES.name][url, result] += 1
            if not made.is_throttled:
                self._set(metrics.PROBE_UP, url, float(made.is_ok))
                for name in (metrics.PROBE_STEP.name, metrics.PROBE_FAILED.name):
                    for key in [key for key in self._samples[name] if key[0] == url]:
                        del self._samples[name][key]
                for step, seconds in made.seconds.items():
                    self._set(metrics.PROBE_STEP, url, seconds, step)
                    self._set(metrics.PROBE_FAILED, url, float(step in made.failures), step)
            if made.is_ok:
                self._set(metrics.LAST_SUCCESS, url, epoch_s)
            self._note(url, notices)

    def collect(self) -> Iterator[Family]:
        """See prometheus_client."""
        with self._lock:
            samples = {name: dict(each) for name, each in self._samples.items()}
            samples |= {name: dict(each) for name, each in self._counts.items()}
        for metric in metrics.METRICS:
            labels = ["registry"] if metric.label is None else ["registry", metric.label]
            family: GaugeMetricFamily | CounterMetricFamily
            if metric.type is Type.COUNTER:
                family = CounterMetricFamily(metric.name, metric.help, labels=labels)
            else:
                family = GaugeMetricFamily(metric.name, metric.help, labels=labels)
            for (url, said), value in samples.get(metric.name, {}).items():
                family.add_metric([url] if metric.label is None else [url, said], value)
            yield family

    def _set(self, metric: Metric, url: str, value: float | None, said: str = "") -> None:
        if value is None:
            self._samples[metric.name].pop((url, said), None)
        else:
            self._samples[metric.name][url, said] = value

    def _figure(self, metric: Metric, url: str, value: Cell) -> None:
        number = float(value) if isinstance(value, int | float) else None
        if metric.type is Type.GAUGE:
            self._set(metric, url, number)
        elif number is not None:
            self._counts[metric.name][url, ""] += number

    def _note(self, url: str, notices: tuple[Notice, ...]) -> None:
        for notice in notices:
            if not notice.is_failure:
                self._counts[metrics.NOTICES.name][url, notice.rule] += 1
                continue
            name = (notice.rule, notice.endpoint, notice.subject)
            if notice.recovered:
                self._firing[url].discard(name)
            else:
                self._counts[metrics.ALERTS.name][url, notice.rule] += 1
                self._firing[url].add(name)
            firing = sum(rule == notice.rule for rule, _, _ in self._firing[url])
            self._set(metrics.FIRING, url, float(firing), notice.rule)


@contextmanager
def serving(exporter: Exporter, host: str, port: int) -> Iterator[str]:
    """Answer scrapes at an address; the one that is given is where, with the port that was free if 0 was asked for.

    Raises:
        EnvironmentFailed: nothing can listen there.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(exporter)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise EnvironmentFailed(
            f"--prometheus: nothing can listen on {host}:{port}: {error.strerror or error}",
            hint="name another port; 0 takes any that is free",
        ) from error
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{shown}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
