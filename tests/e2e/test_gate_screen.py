"""The gate on a real terminal: progress while it looks, and then the report alone; on a pipe and in CI."""

import subprocess
import threading
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.e2e.conftest import clean_environment
from tests.e2e.fake_registry import LAYER, REPOSITORY, Answer, FakeRegistry, served
from tests.e2e.images import digest_of
from tests.e2e.screen import framed, on_screen

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def held(fake: FakeRegistry) -> threading.Event:
    """Let the layer wait for the event."""
    go = threading.Event()
    honest = fake.answer

    def answer(method: str, path: str) -> Answer:
        if path == f"/v2/{REPOSITORY}/blobs/{digest_of(LAYER)}":
            go.wait(60)
        return honest(method, path)

    fake.answer = answer  # type: ignore[method-assign]
    return go


@pytest.mark.needs("tmux")
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
def test_progress_and_then_the_report(nscr_program: str, tmp_path: Path, width: int, height: int) -> None:
    fake = FakeRegistry()
    go = held(fake)
    with served(fake) as url:
        command = [nscr_program, "gate", "--registry-url", url, "--deep"]
        with on_screen(command, width=width, height=height, folder=tmp_path) as screen:
            try:
                screen.wait_for("2 tags, 2 manifests, 1 blobs", "looking at what tags reach", ", 1 to go")
            finally:
                go.set()
            assert screen.wait_end() == 0
            text = screen.text()
    assert f"VALID: {url} · 1 repository, 2 tags, 2 manifests, 2 blobs (2 read," in " ".join(text.split()), framed(text)
    assert "looking at what tags reach" not in text, framed(text)
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("is_ci", [False, True])
def test_nothing_on_a_pipe_and_lines_in_ci(nscr_program: str, is_ci: bool) -> None:
    fake = FakeRegistry()
    go = held(fake)
    with served(fake) as url:
        process = subprocess.Popen(
            [nscr_program, "gate", "--registry-url", url, "--deep"],
            env={**clean_environment(), "CI": "true" if is_ci else ""},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        first = process.stderr.readline() if is_ci else ""
        go.set()
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert stdout.startswith("VALID: ")
    if is_ci:
        assert " looking at what tags reach: 2 tags, 2 manifests" in first
    else:
        assert stderr == ""
