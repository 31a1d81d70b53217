"""The pytest plugin: fixtures that give a test a running registry. What it imports, every pytest session pays for.

The fixtures: `nscr_registry`, one for each test, as the marker of that name wants it; `nscr_registry_session`, one for
all tests of a session (of each worker, under xdist); `nscr_registry_factory`, any number of them; and
`nscr_registry_options`, to be overridden, for what all of them have in common.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nscr_cli.testing.registry import RunningRegistry

_MARKER = "nscr_registry"


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker."""
    config.addinivalue_line(
        "markers", f"{_MARKER}(sabotage, username, password, faults, settings, seed): what kind of registry it is to be"
    )


@pytest.fixture(scope="session")
def nscr_registry_options() -> Mapping[str, Any]:
    """Options of every registry of the session; override it in a conftest.py."""
    return {}


@pytest.fixture
def nscr_registry_factory(
    nscr_registry_options: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Callable[..., RunningRegistry]]":
    """Starts a registry with the options given; all of them end with the test."""
    with ExitStack() as started:
        yield lambda **options: _start(started, tmp_path_factory, {**nscr_registry_options, **options})


@pytest.fixture
def nscr_registry(
    request: pytest.FixtureRequest, nscr_registry_factory: "Callable[..., RunningRegistry]"
) -> "RunningRegistry":
    """A registry of the test's own."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):  # the nearest has the last word
        if marker.args:
            raise pytest.UsageError(f"@pytest.mark.{_MARKER} takes options by name only, not {marker.args!r}")
        options |= marker.kwargs
    return nscr_registry_factory(**options)


@pytest.fixture(scope="session")
def nscr_registry_session(
    nscr_registry_options: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[RunningRegistry]":
    """One registry for all tests that ask for it; `new_repository()` keeps them apart."""
    with ExitStack() as started:
        yield _start(started, tmp_path_factory, nscr_registry_options)


def _start(started: ExitStack, folders: pytest.TempPathFactory, options: Mapping[str, Any]) -> "RunningRegistry":
    from nscr_cli.errors import NscrError
    from nscr_cli.testing.registry import Options, running_registry

    unknown = sorted(options.keys() - set(Options.__struct_fields__))
    if unknown:
        known = ", ".join(Options.__struct_fields__)
        pytest.fail(f"a registry has no option {unknown[0]!r}; those there are: {known}", pytrace=False)
    try:
        return started.enter_context(running_registry(folders.mktemp("nscr-registry"), Options(**options)))
    except NscrError as error:
        pytest.fail(f"{error.message} ({error.hint})", pytrace=False)
