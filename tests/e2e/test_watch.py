"""`nscr watch` on a pipe, against a real registry that is stopped, frozen and started again.

That it is told within two intervals is shown in virtual time, by test_watch_session.py: here the machine may be busy.
"""

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

INTERVAL_S = 1.0


@contextmanager
def watching(program: str, url: str, *flags: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A `nscr watch` whose lines can be read; it ends by itself after a while, whatever the test does."""
    command = [program, "watch", "--registry-url", url, "--interval", f"{INTERVAL_S}s", "--for", "25s", *flags]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean | environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """The next line that holds the word."""
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return line
    pytest.fail(f"no line with {word!r}; stderr: {process.stderr.read() if process.stderr else ''}")


def ended(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(timeout=20)


def test_an_honest_registry(serve: Callable[..., Any], nscr_program: str, tmp_path: Path) -> None:
    served, series = serve(), tmp_path / "watch.csv"
    with watching(nscr_program, served.url, "--for", "3500ms", "--csv", str(series)) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    assert 2 <= len(lines) <= 4  # four where the machine keeps up, as test_watch_session.py shows
    figures = "healthy repositories 0 manifests 0 blobs 0 uploads 0 unreferenced 0 orphaned 0 to-free 0 B"
    assert all(re.fullmatch(rf"\S+Z {figures} answered in \S+ ms", line) for line in lines)
    with series.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["answered"], row["status"], row["alerts"]) for row in rows] == [("yes", "healthy", "")] * len(lines)


def test_frozen_is_told_and_so_is_its_recovery(serve: Callable[..., Any], nscr_program: str) -> None:
    served = serve()
    with watching(nscr_program, served.url) as process:
        line_with(process, "healthy")
        frozen_at = time.monotonic()
        served.process.send_signal(signal.SIGSTOP)
        try:
            alert = line_with(process, "ALERT")
            took = time.monotonic() - frozen_at
        finally:
            served.process.send_signal(signal.SIGCONT)
        print(f"frozen: told after {took:.2f} s at an interval of {INTERVAL_S} s")
        assert "not-answering" in alert
        assert "not-answering" in line_with(process, "RECOVERED")
        assert ended(process, signal.SIGINT) == 1


def test_stopped_is_told_and_so_is_the_restart(serve: Callable[..., Any], nscr_program: str) -> None:
    served = serve(comes_back=True)
    with watching(nscr_program, served.url) as process:
        for _ in range(3):
            line_with(process, "healthy")
        served.stop()
        stopped_at = time.monotonic()
        alert = line_with(process, "ALERT")
        took = time.monotonic() - stopped_at
        print(f"stopped: told after {took:.2f} s at an interval of {INTERVAL_S} s")
        assert "not-answering" in alert
        serve("--port", served.port, data=served.data)
        assert "not-answering" in line_with(process, "RECOVERED")
        assert "restarted: uptime fell" in line_with(process, "NOTICE")
        assert ended(process, signal.SIGTERM) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ended_by_a_signal_without_an_alert(
    serve: Callable[..., Any], nscr_program: str, number: signal.Signals, code: int
) -> None:
    with watching(nscr_program, serve().url) as process:
        line_with(process, "healthy")
        assert ended(process, number) == code


def test_json_shows_an_open_upload(serve: Callable[..., Any], nscr_program: str) -> None:
    served = serve()
    command = ["curl", "-sS", "-o", os.devnull, "-X", "POST", f"{served.url}/v2/app/blobs/uploads/"]
    subprocess.run(command, check=True, timeout=20)
    with watching(nscr_program, served.url, "--json") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
    assert (document["format"], document["answered"], document["open_uploads"]) == (1, True, 1)
    assert document["oldest_upload_s"] >= 0
    assert document["alerts"] == []


def test_credentials(serve: Callable[..., Any], nscr_program: str) -> None:
    served = serve(
        environment={"NSCR_AUTH_USERNAME": "u", "NSCR_AUTH_PASSWORD": "right-secret", "NSCR_AUTH_ENABLED": "true"}
    )
    with watching(nscr_program, served.url, NSCR_USERNAME="u", NSCR_PASSWORD="wrong-secret") as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "credentials" in err
    assert "Traceback" not in err
    assert "secret" not in out + err
    with watching(nscr_program, served.url, NSCR_USERNAME="u", NSCR_PASSWORD="right-secret") as process:
        line_with(process, "healthy")


def test_a_reader_that_leaves_is_no_crash(serve: Callable[..., Any], nscr_program: str) -> None:
    with watching(nscr_program, serve().url) as process:
        line_with(process, "healthy")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert process.stderr.read() == ""


def watched_to_the_end(program: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    command = [program, "watch", "--interval", "500ms", "--for", "1500ms", *flags]
    return subprocess.run(command, capture_output=True, text=True, env=clean | environment, check=False, timeout=20)


def test_several_registries_one_with_credentials_of_its_own(serve: Callable[..., Any], nscr_program: str) -> None:
    guarded = serve(environment={"NSCR_AUTH_USERNAME": "u", "NSCR_AUTH_PASSWORD": "own", "NSCR_AUTH_ENABLED": "true"})
    plain = serve()
    urls = f"{guarded.url.replace('://', '://u:own@')} {plain.url}"
    others = {"NSCR_USERNAME": "other", "NSCR_PASSWORD": "wrong"}
    ended = watched_to_the_end(nscr_program, "--json", NSCR_REGISTRY_URL=urls, **others)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {(row["registry"], row["status"]) for row in rows} == {(guarded.url, "healthy"), (plain.url, "healthy")}
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_registry_that_never_answered_is_told_with_the_reason(serve: Callable[..., Any], nscr_program: str) -> None:
    gone, there = serve(comes_back=True), serve()
    gone.stop()
    alone = watched_to_the_end(nscr_program, "--registry-url", gone.url, "--for", "700ms")
    beside = watched_to_the_end(nscr_program, "--registry-url", there.url, "--registry-url", gone.url)
    for ended in (alone, beside):
        assert ended.returncode == 5
        assert f"{gone.url}: ConnectError" in ended.stderr
    assert f"{there.url} healthy" in beside.stdout
