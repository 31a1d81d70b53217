"""What every test may need: which outside programs are there, and the rule that nothing is skipped in silence."""

import gc
import os
import shutil
import subprocess
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# `make test` sets it: every example of each property, and each event loop. Without, a run is for who waits for it.
IS_THOROUGH = bool(os.environ.get("NSCR_TEST_THOROUGH"))
# How long an example takes, and to make it, is no fact about what is tested: the machine may be busy.
settings.register_profile(
    "busy machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 if IS_THOROUGH else 25,
)
settings.load_profile("busy machine")

SKIP_NOTHING = "NSCR_TEST_SKIP_NOTHING"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*what): programs on PATH, `docker-engine` or `root`; skipped without")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the tests file by file, the long ones come first: in the end none is left alone with one."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: "e2e" not in item.path.parts)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the collector need not look at it again after each thousand objects."""
    gc.collect()
    gc.freeze()


def _docker_engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60).returncode == 0


def _missing(what: str) -> str | None:
    if what == "root":
        return None if os.geteuid() == 0 else "needs root"
    if what == "docker-engine":
        return None if _docker_engine_answers() else "needs a docker engine that answers `docker info`"
    return None if shutil.which(what) else f"needs the program {what}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for what in marker.args:
            reason = _missing(what)
            if reason is not None:
                pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(SKIP_NOTHING):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and {SKIP_NOTHING} is set: {report.longrepr}"
    return report
