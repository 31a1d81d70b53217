"""Real processes for end-to-end tests: `nscr serve` on a port of its own, ended by pid when the test is over."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import debian
from tests.e2e.ports import unclaimed_port

NSCR = str(Path(sys.executable).with_name("nscr"))
READY = re.compile(r"^nscr: listening on (?P<url>https?://(?P<host>\S+):(?P<port>\d+))/? ")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any setting of nscr, and with `extra`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")} | dict(extra or {})


@dataclass
class Served:
    """A running `nscr serve`."""

    url: str
    host_port: str
    process: subprocess.Popen[str]
    data: Path
    log: Path

    @property
    def port(self) -> str:
        return self.host_port.rpartition(":")[2]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=20)


CONFIGURATION = """
version: 0.1
log: {{ level: info, accesslog: {{ disabled: true }} }}
storage: {{ filesystem: {{ rootdirectory: {data} }}, delete: {{ enabled: true }} }}
http: {{ addr: "127.0.0.1:0" }}
"""


@dataclass
class ForeignRegistry:
    """A registry of others that runs here."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def docker_registry(tmp_path: Path) -> Iterator[ForeignRegistry]:
    """Debian's docker-registry; ended when the test is over."""
    (tmp_path / "configuration.yml").write_text(CONFIGURATION.format(data=tmp_path / "docker-registry"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("REGISTRY_", "OTEL_"))}
    log = tmp_path / "docker-registry.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", "configuration.yml"], cwd=tmp_path, stdout=output, stderr=output, env=clean
        )
    try:
        end = time.monotonic() + 30
        while (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield ForeignRegistry(f"http://{found[1]}", process)
    finally:
        process.terminate()
        process.wait(timeout=20)


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def debian_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a minimal Debian with Python, to be read only."""
    return debian.debian_root(tmp_path_factory)


@pytest.fixture
def nscr_program() -> str:
    """The `nscr` of the environment that runs the tests."""
    return NSCR


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `nscr serve` with the flags given, in a folder of its own, and waits until it says that it listens.

    One that is to be started again on its port, or that must not be there, is one that `comes_back`.
    """
    started: list[Served] = []

    def start(
        *flags: str, data: Path | None = None, environment: Mapping[str, str] | None = None, comes_back: bool = False
    ) -> Served:
        port = str(unclaimed_port() if comes_back else 0)
        folder = data or tmp_path / f"data{len(started)}"
        log = tmp_path / f"serve{len(started)}.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [NSCR, "serve", "--host", "127.0.0.1", "--port", port, "--data", str(folder), *flags],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=clean_environment(environment),
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = READY.match(line)
        if ready is None:
            process.kill()
            process.wait()
            process.stdout.close()
            pytest.fail(f"nscr serve is not ready: {line!r}\n{log.read_text()}")
        served = Served(ready["url"], f"{ready['host']}:{ready['port']}", process, folder, log)
        started.append(served)
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.terminate()
        try:
            served.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            served.process.kill()
            served.process.wait()
        assert served.process.stdout is not None
        served.process.stdout.close()
