"""The streams of `nscr watch` against the reference registry, and against one that says what a test wants."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

VIEWS = ("state", "health", "sessions", "blobs")
Serve = Callable[..., Any]


@contextmanager
def watching(program: str, view: str, *flags: str, every: str = "200ms") -> Iterator[subprocess.Popen[str]]:
    """A stream whose lines can be read; it ends by itself after a while, whatever the test does."""
    command = [program, "watch", view, "--interval", every, "--for", "100s", *flags]
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


def line_with(process: subprocess.Popen[str], *words: str) -> str:
    """The next line that holds all of the words."""
    assert process.stdout is not None
    for line in process.stdout:
        if all(word in line for word in words):
            return line
    pytest.fail(f"no line with {words}; stderr: {process.stderr.read() if process.stderr else ''}")


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what another process does; a busy machine may take its time."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> int:
    sent = time.monotonic()
    process.send_signal(number)
    code = process.wait(timeout=20)
    print(f"{number.name}: ended after {time.monotonic() - sent:.2f} s with {code}")
    return code


def curl(*words: str) -> str:
    command = ["curl", "-sS", "--fail", *words]
    return subprocess.run(command, check=True, timeout=20, capture_output=True, text=True).stdout


def push(url: str, body: bytes, folder: Path) -> str:
    """Push a blob to repository app; its digest."""
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    (folder / "blob").write_bytes(body)
    curl("-X", "POST", "--data-binary", f"@{folder / 'blob'}", f"{url}/v2/app/blobs/uploads/?digest={digest}")
    return digest


class Scripted:
    """A registry's monitoring API that answers what `say` says: a status, headers and a document, for a path."""

    def __init__(self, say: Callable[[str, Any], tuple[int, dict[str, str], Any]]) -> None:
        seen: list[tuple[float, str, str | None]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                seen.append((time.monotonic(), self.path, self.headers.get("If-None-Match")))
                status, headers, told = say(self.path, self.headers)
                body = b"" if status == 304 else json.dumps(told).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        self.seen = seen
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Starts registries that a test scripts."""
    started: list[Scripted] = []

    def start(say: Callable[[str, Any], tuple[int, dict[str, str], Any]]) -> Scripted:
        started.append(Scripted(say))
        return started[-1]

    yield start
    for each in started:
        each.close()


def health(status: str = "healthy", warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    metrics = dict.fromkeys(
        ("totalRepositories", "totalManifests", "totalBlobs", "activeSessions", "logStreamClients"), 0
    )
    checks = {"repositoryListing": True}
    return {
        "status": status,
        "timestamp": 1,
        "uptime": 1,
        "checks": checks,
        "metrics": metrics,
        "warnings": [*warnings],
    }


@pytest.mark.parametrize("view", VIEWS)
def test_an_unchanged_registry_answers_304_and_all_is_well(
    serve: Serve, nscr_program: str, view: str, tmp_path: Path
) -> None:
    served, series = serve(), tmp_path / "series.csv"
    with watching(nscr_program, view, "--registry-url", served.url, "--csv", str(series)) as process:
        lines = [line_with(process, "answered"), line_with(process, "not modified")]
        assert ended(process) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert "not modified" not in lines[0]
    with series.open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["unchanged"] == "0"
    assert any(row["unchanged"] == row["polls"] for row in rows)
    assert {(row["answered"], row["alerts"]) for row in rows} == {("yes", "")}


def test_the_tag_is_sent_and_only_then(scripted: Callable[..., Scripted], nscr_program: str) -> None:
    def say(path: str, headers: Any) -> tuple[int, dict[str, str], Any]:
        return (304 if headers.get("If-None-Match") == '"v1"' else 200), {"ETag": '"v1"'}, health()

    registry = scripted(say)
    with watching(nscr_program, "health", "--registry-url", registry.url, "--json") as process:
        assert document(process, "round")["unchanged"] == 0
        told = [document(process, "round") for _ in range(3)]
    assert [(each["unchanged"], each["status"]) for each in told] == [(1, "healthy")] * 3
    assert [tag for _, _, tag in registry.seen[:4]] == [None, '"v1"', '"v1"', '"v1"']


def test_busy_is_told_once_and_retry_after_is_obeyed(scripted: Callable[..., Scripted], nscr_program: str) -> None:
    asked: list[str] = []

    def say(path: str, headers: Any) -> tuple[int, dict[str, str], Any]:
        asked.append(path)
        return (503, {"Retry-After": "2"}, {}) if len(asked) in (2, 3) else (200, {}, health())

    registry = scripted(say)
    with watching(nscr_program, "health", "--registry-url", registry.url, "--json") as process:
        alert = document(process, "alert")
        assert (alert["rule"], alert["text"]) == ("server-error", "/api/registry/health answers 503")
        assert document(process, "recovery")["rule"] == "server-error"
        assert ended(process) == 1
    times = [at for at, _, _ in registry.seen]
    assert times[2] - times[1] >= 1.9
    assert times[3] - times[2] >= 1.9


def test_killed_and_started_again(serve: Serve, nscr_program: str) -> None:
    served = serve(comes_back=True)
    with watching(nscr_program, "state", "--registry-url", served.url, "--json", every="500ms") as process:
        # Its uptime must be longer than that of the next one will be when that is asked first.
        wait_until(lambda: document(process, "round", answered=True)["uptime_s"] > 5)
        served.process.kill()
        served.process.wait()
        assert document(process, "alert")["rule"] == "not-answering"
        serve("--port", served.port, data=served.data)
        told = [document(process, "recovery")["rule"], document(process, "notice")["rule"]]
        assert told == ["not-answering", "restarted"]
        assert ended(process, signal.SIGTERM) == 1


HOSTILE = "$(touch pwned) `touch pwned`; \x1b[2J \u202e \n ' \" $HOME"


def test_a_command_runs_for_alert_and_recovery_and_hostile_words_stay_words(
    scripted: Callable[..., Scripted], nscr_program: str, tmp_path: Path
) -> None:
    asked: list[str] = []

    def say(path: str, headers: Any) -> tuple[int, dict[str, str], Any]:
        asked.append(path)
        return 200, {}, health("unhealthy", (HOSTILE,)) if len(asked) in (2, 3) else health()

    script = tmp_path / "tell"
    script.write_text(
        f'#!/bin/sh\ncd "{tmp_path}"\ncat >> told\necho "$NSCR_ALERT_EVENT $NSCR_ALERT_TEXT" >> environment\n'
    )
    script.chmod(0o755)
    registry = scripted(say)
    with watching(nscr_program, "health", "--registry-url", registry.url, "--on-alert", str(script)) as process:
        out = line_with(process, "ALERT") + line_with(process, "RECOVERED")
        environment = tmp_path / "environment"
        wait_until(lambda: environment.exists() and "recovery" in environment.read_text())
        assert ended(process) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert [(each["event"], each["rule"], each["registry"]) for each in told] == [
        ("alert", "unhealthy", registry.url),
        ("recovery", "unhealthy", registry.url),
    ]
    assert all(HOSTILE in each["text"] for each in told)
    assert "$(touch pwned) `touch pwned`" in environment.read_text()
    for hidden in ("\x1b", "\u202e"):
        assert hidden not in environment.read_text() + out
    assert not list(tmp_path.glob("**/pwned"))
    assert not Path("pwned").exists()


def test_a_command_that_fails_is_told_and_the_watch_goes_on(serve: Serve, nscr_program: str) -> None:
    served = serve(comes_back=True)
    with watching(nscr_program, "health", "--registry-url", served.url, "--on-alert", "false", "--json") as process:
        document(process, "round", answered=True)
        served.stop()
        document(process, "alert")
        assert process.stderr is not None
        assert "--on-alert: exit code 1, for alert not-answering" in process.stderr.readline()
        document(process, "round", answered=False)
        assert ended(process) == 1


def test_a_command_that_is_none(nscr_program: str) -> None:
    with watching(
        nscr_program, "health", "--registry-url", "http://127.0.0.1:1", "--on-alert", "no-such-x y"
    ) as process:
        assert process.wait(timeout=20) == 2
        assert process.stderr is not None
        assert "no program 'no-such-x'" in process.stderr.read()


def test_uploads_are_opened_stand_still_and_are_closed(serve: Serve, nscr_program: str) -> None:
    served = serve()
    flags = ("--registry-url", served.url, "--stuck-after", "1s", "--json")
    with watching(nscr_program, "sessions", *flags) as process:
        assert document(process, "round")["open_uploads"] == 0
        heads = curl("-i", "-X", "POST", f"{served.url}/v2/app/blobs/uploads/")
        location = next(line for line in heads.splitlines() if line.lower().startswith("location:")).split()[1]
        opened = document(process, "opened")
        assert opened["id"] in location
        assert opened["repository"] == "app"
        alert = document(process, "alert")
        assert (alert["rule"], alert["subject"]) == ("stuck-session", opened["id"])
        curl("-X", "DELETE", location if location.startswith("http") else served.url + location)
        assert document(process, "closed")["id"] == opened["id"]
        assert document(process, "recovery")["subject"] == opened["id"]
        assert ended(process) == 1


def test_blobs_come_and_go_by_digest(serve: Serve, nscr_program: str, tmp_path: Path) -> None:
    served = serve()
    push(served.url, b"there from the beginning", tmp_path)
    with watching(nscr_program, "blobs", "--registry-url", served.url, "--json") as process:
        assert document(process, "round")["blobs"] == 1
        digest = push(served.url, b"comes and goes", tmp_path)
        assert document(process, "created", digest=digest)["size"] == 14
        curl("-X", "DELETE", f"{served.url}/v2/app/blobs/{digest}")
        curl("-X", "POST", f"{served.url}/api/garbage-collect")
        assert document(process, "deleted", digest=digest)["registry"] == served.url
        assert ended(process) in (0, 130)


def test_several_registries_are_told_apart(serve: Serve, nscr_program: str) -> None:
    one, other = serve(), serve(comes_back=True)
    flags = ("--registry-url", one.url, "--registry-url", other.url)
    with watching(nscr_program, "health", *flags) as process:
        line_with(process, other.url, "healthy")
        other.stop()
        assert line_with(process, "ALERT").split()[1] == other.url
        line_with(process, one.url, "healthy")
        assert ended(process) == 1


def test_a_reader_that_leaves_is_no_crash(serve: Serve, nscr_program: str) -> None:
    with watching(nscr_program, "sessions", "--registry-url", serve().url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert process.stderr.read() == ""


def test_an_alert_counts_for_more_than_a_reader_that_leaves(
    scripted: Callable[..., Scripted], nscr_program: str
) -> None:
    registry = scripted(lambda path, headers: (200, {}, health("degraded")))
    with watching(nscr_program, "health", "--registry-url", registry.url) as process:
        line_with(process, "ALERT unhealthy")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=20) == 1
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ended_by_a_signal(serve: Serve, nscr_program: str, number: signal.Signals, code: int) -> None:
    with watching(nscr_program, "blobs", "--registry-url", serve().url, every="60s") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert ended(process, number) == code


def test_never_answered(nscr_program: str) -> None:
    began = time.monotonic()
    with watching(nscr_program, "state", "--registry-url", "http://127.0.0.1:1", every="10m") as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "http://127.0.0.1:1: " in err
    assert "Traceback" not in err
    *rounds, last = out.splitlines()
    assert all("no answer" in line for line in rounds)
    assert "ALERT not-answering: the registry never answered" in last
    print(f"never answered: told after {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize("flags", [(), ("--for", "1s"), ("--registry-url", "http://127.0.0.1:2", "--json")])
def test_a_watch_that_begins_in_an_outage_pages_somebody(
    nscr_program: str, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    command = f"sh -c 'cat >> {tmp_path}/paged; echo >> {tmp_path}/paged'"
    words = ("--registry-url", "http://127.0.0.1:1", "--on-alert", command, *flags)
    with watching(nscr_program, "health", *words) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 5, err
    paged = [json.loads(line) for line in (tmp_path / "paged").read_text().splitlines() if line]
    assert {(each["event"], each["rule"]) for each in paged} == {("alert", "not-answering")}
    registries = sorted(word for word in words if word.startswith("http://"))
    assert sorted(each["registry"] for each in paged) == registries


def test_no_monitoring_api(scripted: Callable[..., Scripted], nscr_program: str) -> None:
    registry = scripted(lambda path, headers: (404, {}, {}))
    with watching(nscr_program, "health", "--registry-url", registry.url) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "no monitoring API" in err
    assert [path for _, path, _ in registry.seen] == ["/api/registry/health", "/v2/"]
