"""`nscr watch dashboard` on real terminals of both sizes: what is on the screen is read back."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import ForeignRegistry, Serve, clean_environment
from tests.e2e.pushing import ask, open_upload, push_blob, push_image
from tests.e2e.screen import Screen, on_screen

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("tmux")]

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
TIME = r"\d\d:\d\d:\d\d"


def dashboard(program: str, *urls: str, interval: str = "2s", more: Sequence[str] = ()) -> Sequence[str]:
    registries = [word for url in urls for word in ("--registry-url", url)]
    return [program, "watch", "dashboard", "--interval", interval, "--for", "100s", *registries, *more]


def interrupted(screen: Screen) -> tuple[int, str]:
    """Ctrl-C; the exit code, and what is on the terminal afterwards."""
    screen.send("C-c")
    return screen.wait_end(), screen.text()


def name_of(url: str) -> str:
    return url.partition("://")[2]


def in_a_line(text: str) -> str:
    """What is on a screen without its frames, as if it were as wide as that takes."""
    return " ".join(text.replace("│", " ").split())


@SIZES
def test_a_fine_registry_with_an_upload_open(serve: Serve, nscr_program: str, width: int, height: int) -> None:
    url = serve().url
    push_image(url, "team/app", "1.0", b"layer")
    upload = open_upload(url, "team/app", b"x" * 2048).rpartition("/")[2].partition("?")[0]
    with on_screen(dashboard(nscr_program, url, interval="3s"), width=width, height=height) as screen:
        screen.wait_for(
            "HEALTHY  nothing is wrong",
            f"nscr watch {url} every 3s",
            re.compile(rf"team/app {upload} +\S+ +\S+ +1 +2\.0 KiB"),
            re.compile(r"^repositories +1 ", re.MULTILINE),
            re.compile(r"^open uploads +1 ", re.MULTILINE),
            re.compile(r"^health +•", re.MULTILINE),
            "no alerts",
        )
        code, after = interrupted(screen)
    assert code == 130
    assert f"0 alerts while {url} was watched" in after
    assert "HEALTHY" not in after  # what was on the terminal before came back


@SIZES
def test_one_of_two_is_killed_and_started_again(serve: Serve, nscr_program: str, width: int, height: int) -> None:
    fine, dying = serve(), serve(comes_back=True)
    with on_screen(dashboard(nscr_program, fine.url, dying.url), width=width, height=height) as screen:
        screen.wait_for("ALL FINE")
        dying.process.kill()
        dying.process.wait()
        screen.wait_for(
            f"1 OF 2 NOT FINE  {name_of(dying.url)}: not answering since",
            "NOT ANSWERING",
            re.compile(rf"! not-answering since {TIME} \("),
            "×",
            "HEALTHY",
        )
        serve("--port", dying.port, data=dying.data)
        screen.wait_until(lambda text: "ALL FINE" in text and "NOTICE restarted" in text and text.count("HEALTHY") == 2)
        code, after = interrupted(screen)
    assert code == 1
    assert re.search(rf"{TIME} RECOVERED not-answering: the registry is silent", after)
    assert f"1 alert while {dying.url} was watched" in after


@SIZES
def test_the_throughput_of_a_load_is_shown(serve: Serve, nscr_program: str, width: int, height: int) -> None:
    url = serve().url
    layer = os.urandom(256 * 1024)
    (digest,) = push_image(url, "team/app", "1.0", layer)
    with on_screen(dashboard(nscr_program, url), width=width, height=height) as screen:
        screen.wait_for("HEALTHY  nothing is wrong")
        rates: dict[str, float] = {}

        def is_shown(text: str) -> bool:
            push_blob(url, "team/app", os.urandom(len(layer)))
            ask("GET", f"{url}/v2/team/app/blobs/{digest}")
            found = re.findall(r"^(read|written) +([\d.]+) [KMG]iB/s", text, re.MULTILINE)
            rates.update({name: float(number) for name, number in found})
            return len(found) == 2

        text = screen.wait_until(is_shown)
        assert "HEALTHY  nothing is wrong" in text
        assert all(rate > 0 for rate in rates.values())
        # And when the load is over.
        text = screen.wait_until(lambda shown: re.search(r"^read +0 B/s.*\n(.*\n)?written +0 B/s", shown, re.MULTILINE))
        assert "HEALTHY  nothing is wrong" in text


def test_a_blob_that_vanishes_is_told_with_its_key(serve: Serve, nscr_program: str, tmp_path: Path) -> None:
    url = serve().url
    first, second = push_image(url, "team/app", "1.0", b"one", b"two")
    command = tmp_path / "tell"
    command.write_text(f'#!/bin/sh\necho noise; cat >> "{tmp_path}/told"; exit 3\n')
    command.chmod(0o755)
    with on_screen(dashboard(nscr_program, url, more=["--on-alert", str(command)])) as screen:
        screen.wait_for(re.compile(r"past (?:[6-9]|\d\d)"))  # the first walk is over
        ask("DELETE", f"{url}/v2/team/app/blobs/{second}")
        vanished = re.compile(rf"! vanished since {TIME} .*team/app:1\.0 cannot be pulled: a blob vanished .*{second}")
        text = screen.wait_until(lambda text: "1 PROBLEM" in text and vanished.search(in_a_line(text)))
        assert first not in in_a_line(text)
        push_blob(url, "team/app", b"two")
        text = screen.wait_for("HEALTHY  nothing is wrong")
        assert "noise" not in text
        told_in = tmp_path / "told"
        screen.wait_until(lambda _: told_in.exists() and told_in.read_text().count("\n") == 2)
        code, after = interrupted(screen)
    assert code == 1
    assert "--on-alert: exit code 3, for alert vanished" in after
    told = [json.loads(line) for line in told_in.read_text().splitlines()]
    assert [(each["event"], each["rule"], each["registry"]) for each in told] == [
        ("alert", "vanished", url),
        ("recovery", "vanished", url),
    ]


def test_a_key_leaves_it(serve: Serve, nscr_program: str) -> None:
    url = serve().url
    with on_screen(dashboard(nscr_program, url)) as screen:
        screen.wait_for("HEALTHY", "· q leaves")
        screen.send("Up", "x")  # no other key does
        screen.wait_until(lambda text: re.search(r"watched for ([2-9]|\d\d+)s", text))
        screen.send("q")
        assert screen.wait_end() == 0
        assert f"0 alerts while {url} was watched" in screen.text()


@SIZES
@pytest.mark.needs("docker-registry")
def test_a_registry_without_the_monitoring_api(
    docker_registry: ForeignRegistry, nscr_program: str, width: int, height: int
) -> None:
    url = docker_registry.url
    push_image(url, "app", "1", b"layer")
    with on_screen(dashboard(nscr_program, url), width=width, height=height) as screen:
        screen.wait_for("UP  nothing is wrong", "no monitoring API: probing /v2/ only")
        text = screen.wait_until(lambda shown: re.search(r"^repositories +1 ", shown, re.MULTILINE))
        assert "manifests" not in text
        docker_registry.process.send_signal(signal.SIGSTOP)
        try:
            screen.wait_for("NOT ANSWERING")
        finally:
            docker_registry.process.send_signal(signal.SIGCONT)
        screen.wait_for("UP  nothing is wrong")
        assert interrupted(screen)[0] == 1


def test_the_terminal_may_change_its_size(serve: Serve, nscr_program: str) -> None:
    urls = [serve().url for _ in range(2)]
    with on_screen(dashboard(nscr_program, *urls), width=80, height=24) as screen:
        screen.wait_for("ALL FINE")
        for _ in range(2):
            screen.resize(200, 50)
            screen.wait_until(lambda text: text.count("╭") == text.count("╯") == 2 and text.count("HEALTHY") == 2)
            screen.resize(80, 24)
            screen.wait_until(lambda text: "╭" not in text and "│" not in text and text.count("HEALTHY") == 2)


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_are_an_addition(serve: Serve, nscr_program: str, no_color: str) -> None:
    environment = {"NO_COLOR": no_color} if no_color else {}
    with on_screen(dashboard(nscr_program, serve().url), environment=environment) as screen:
        screen.wait_for("HEALTHY  nothing is wrong", "•")
        coloured = re.findall(r"\x1b\[[\d;]*3[1-7][\d;]*m", screen.colours())
    assert bool(coloured) is not bool(no_color)


def test_ended_from_outside_the_terminal_is_as_before(serve: Serve, nscr_program: str) -> None:
    with on_screen(dashboard(nscr_program, serve().url, interval="3s")) as screen:
        screen.wait_for("HEALTHY")
        os.kill(screen.pid, signal.SIGTERM)
        assert screen.wait_end() == 143
        assert "HEALTHY" not in screen.text()


def test_what_is_still_wrong_at_the_end_is_told(serve: Serve, nscr_program: str) -> None:
    served = serve(comes_back=True)
    with on_screen(dashboard(nscr_program, served.url)) as screen:
        screen.wait_for("HEALTHY")
        served.process.kill()
        screen.wait_for("NOT ANSWERING")
        code, after = interrupted(screen)
    assert code == 1
    assert re.search(rf"NOT OVER not-answering since {TIME}: the registry is silent", after)


def test_the_screen_is_never_cleared_and_drawn_at_a_steady_beat(serve: Serve, nscr_program: str) -> None:
    """What flickers is a screen that is empty for a moment; what is drawn over the same place does not."""
    screen, inner = os.openpty()
    command = [*dashboard(nscr_program, serve().url), "--for", "4s"]
    environment = clean_environment({"TERM": "xterm-256color"})
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=environment) as process:
        os.close(inner)
        drawn = b""
        with suppress(OSError):  # Linux says EIO when nobody holds the other side of a terminal any more
            while piece := os.read(screen, 65536):
                drawn += piece
        os.close(screen)
    assert process.returncode in (0, 1)
    assert b"\x1b[2J" not in drawn
    assert drawn.count(b"\x1b[?1049h") == drawn.count(b"\x1b[?1049l") == 1
    assert drawn.index(b"\x1b[?25l") < drawn.index(b"\x1b[?25h")
    assert 3 <= drawn.count(b"\x1b[H") <= 14
