"""`nscr watch --prometheus --probe`: scraped as Prometheus would, against registries that keep and that lose images."""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import ForeignRegistry

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

Serve = Callable[..., Any]


@contextmanager
def watching(program: str, url: str, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """A stream of health with probes, as documents."""
    command = [program, "watch", "health", "--registry-url", url, "--interval", "1s", "--for", "100s", "--json", *flags]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def document(process: subprocess.Popen[str], event: str, **facts: Any) -> dict[str, Any]:
    """The next document of an event with these facts."""
    assert process.stdout is not None
    for line in process.stdout:
        told: dict[str, Any] = json.loads(line)
        if told["event"] == event and facts.items() <= told.items():
            return told
    pytest.fail(f"no {event} {facts}; stderr: {process.stderr.read() if process.stderr else ''}")


def ended(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=20)


def address(process: subprocess.Popen[str]) -> str:
    """Where metrics are served, as it says on standard error."""
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
    assert found is not None
    return found[0]


def scraped(where: str) -> dict[str, float]:
    """Samples, as `name{label that is not registry}`."""
    with urllib.request.urlopen(where, timeout=20) as answer:  # noqa: S310 - http, and ours
        text = answer.read().decode()
    shown = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            others = [value for name, value in sample.labels.items() if name != "registry"]
            shown[f"{sample.name}{{{','.join(others)}}}"] = sample.value
    return shown


def asked(url: str, path: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(f"{url}{path}", method=method)  # noqa: S310 - http, and ours
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


def test_it_pushes_and_pulls_and_leaves_nothing(serve: Serve, nscr_program: str) -> None:
    served = serve(comes_back=True)
    with watching(nscr_program, served.url, "--prometheus", "0", "--probe", "500ms") as process:
        where = address(process)
        first, second = document(process, "probe"), document(process, "probe")
        assert [first["outcome"], second["outcome"]] == ["ok", "ok"]
        assert first["kept_ms"] is None
        assert min(second[f"{step}_ms"] for step in ("push", "visible", "pull", "kept")) > 0
        shown = scraped(where)
        repositories = json.loads(asked(served.url, "/v2/_catalog"))["repositories"]
        assert [name.startswith("nscr-probe/") for name in repositories] == [True]
        served.stop()
        document(process, "alert", rule="probe-push")
        silent = scraped(where)
        serve("--port", served.port, data=served.data)
        document(process, "recovery", rule="probe-push")
        document(process, "probe", outcome="ok")
        assert ended(process) == 1
    assert (shown["nscr_registry_up{}"], shown["nscr_probe_up{}"], shown["nscr_registry_healthy{}"]) == (1, 1, 1)
    assert shown["nscr_probes_total{ok}"] >= 2
    assert {f"nscr_probe_step_seconds{{{step}}}" for step in ("push", "visible", "pull", "kept")} <= set(shown)
    assert shown["nscr_registry_uptime_seconds{}"] > 0
    assert (silent["nscr_probe_up{}"], silent["nscr_probe_failed{push}"], silent["nscr_alerts_firing{probe-push}"]) == (
        0,
        1,
        1,
    )
    assert json.loads(asked(served.url, "/v2/_catalog"))["repositories"] == []


def test_a_blob_that_is_lost_after_it_was_pulled_is_found(serve: Serve, nscr_program: str) -> None:
    served = serve()
    with watching(nscr_program, served.url, "--prometheus", "0", "--probe", "3s") as process:
        where = address(process)
        document(process, "probe", outcome="ok")
        (repository,) = json.loads(asked(served.url, "/v2/_catalog"))["repositories"]
        for blob in json.loads(asked(served.url, "/api/registry/blobs"))["blobs"]:
            asked(served.url, f"/v2/{repository}/blobs/{blob['digest']}", "DELETE")
        alert = document(process, "alert")
        assert alert["rule"] == "probe-kept"
        assert re.search(r"blob sha256:[0-9a-f]{64} is gone: 404", alert["text"])
        shown = scraped(where)
        assert (shown["nscr_probe_failed{kept}"], shown["nscr_probe_failed{pull}"]) == (1, 0)
        assert document(process, "recovery")["rule"] == "probe-kept"
        assert ended(process) == 1


def test_a_registry_that_serves_blobs_short_is_found(serve: Serve, nscr_program: str) -> None:
    served = serve("--sabotage", "truncated-blob")
    with watching(nscr_program, served.url, "--probe", "100ms") as process:
        alert = document(process, "alert")
        assert alert["rule"] in ("probe-pull", "probe-kept")
        assert re.search(r"blob sha256:\S+ comes as sha256:\S+, \d+ bytes", alert["text"])
        assert ended(process) == 1


def test_a_registry_that_lets_us_push_nothing_is_an_error(serve: Serve, nscr_program: str) -> None:
    served = serve(environment={"NSCR_AUTH_USERNAME": "u", "NSCR_AUTH_PASSWORD": "p", "NSCR_AUTH_ENABLED": "true"})
    with watching(nscr_program, served.url, "--probe", "1s") as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "Traceback" not in err


def test_a_port_that_is_taken(serve: Serve, nscr_program: str) -> None:
    served = serve()
    port = served.port
    with watching(nscr_program, served.url, "--prometheus", port) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert f"nothing can listen on 127.0.0.1:{port}" in err


@pytest.mark.needs("docker-registry")
def test_a_registry_without_the_monitoring_api_is_probed_as_well(
    docker_registry: ForeignRegistry, nscr_program: str
) -> None:
    with watching(nscr_program, docker_registry.url, "--prometheus", "0", "--probe", "500ms") as process:
        where = address(process)
        told = [document(process, "probe") for _ in range(3)]
        shown = scraped(where)
        assert ended(process) == 130
    assert [each["outcome"] for each in told] == ["ok"] * 3, told
    assert (shown["nscr_registry_up{}"], shown["nscr_probe_up{}"]) == (1, 1)
    assert "nscr_registry_healthy{}" not in shown
