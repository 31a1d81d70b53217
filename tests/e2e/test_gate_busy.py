"""The gate while others push, move, delete and collect: no false accusation, and what is really broken is found.

`NSCR_TEST_GATE_RUNS` says how many runs (`make gate-runs`: 20 of each); two where it says nothing.
"""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import clean_environment
from tests.e2e.images import image, push_image

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

RUNS = int(os.environ.get("NSCR_TEST_GATE_RUNS", "2"))
QUIET = "quiet/app"


class Writers:
    """Threads that write until they are told to stop.

    Attributes:
        written: rounds of each, by its name.
    """

    def __init__(self, url: str) -> None:
        self.written: dict[str, int] = {}
        self.failed: list[BaseException] = []
        self._url = url
        self._is_over = threading.Event()

    def moves(self, client: httpx.Client, repository: str, number: int) -> None:
        """A few tags move among new images; some go, by tag or with their manifest."""
        pushed = image(f"{repository}{number}")
        push_image(client, repository, f"v{number % 3}", pushed)
        if number % 2:
            client.delete(f"/v2/{repository}/manifests/v{number % 3}")
        if number % 3 == 0:
            client.delete(f"/v2/{repository}/manifests/{pushed.digest}")

    def cycles(self, client: httpx.Client, repository: str, number: int) -> None:
        """The same image comes and goes, again and again, and its blobs with it."""
        pushed = image(f"{repository}{number % 2}")
        push_image(client, repository, "same", pushed)
        push_image(client, repository, f"again{number % 2}", pushed)
        client.delete(f"/v2/{repository}/manifests/{pushed.digest}").raise_for_status()
        client.post("/api/garbage-collect").raise_for_status()

    def run(self, name: str, write: Callable[[httpx.Client, str, int], None]) -> None:
        try:
            with httpx.Client(base_url=self._url, timeout=60) as client:
                while not self._is_over.is_set():
                    number = self.written[name] = self.written.get(name, 0) + 1
                    write(client, f"busy/{name}", number)
        except BaseException as error:
            self.failed.append(error)
            raise

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self.run, args=(name, write))
            for name, write in (("a", self.moves), ("b", self.moves), ("c", self.cycles), ("d", self.cycles))
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()


def gates(program: str, url: str, tmp_path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number in range(RUNS):
        done = subprocess.run(
            [program, "gate", "--registry-url", url, "--json", *(["--deep"] if number % 2 else [])],
            cwd=tmp_path, env=clean_environment(), timeout=600, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        yield done.returncode, json.loads(done.stdout)


def findings(answer: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (check["check"], finding["rule"], finding["key"]) for check in answer["checks"] for finding in check["findings"]
    }


def undecided(answer: dict[str, Any]) -> list[str]:
    return [reason for check in answer["checks"] for reason in check["reasons"]]


def filled(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(20):
            push_image(client, QUIET, f"v{number}", image(str(number)))


def test_nobody_is_accused(nscr_program: str, serve: Callable[..., Any], tmp_path: Path) -> None:
    registry = serve()
    filled(registry.url)
    writers = Writers(registry.url)
    verdicts: list[str] = []
    with writers.at_work():
        for exit_code, answer in gates(nscr_program, registry.url, tmp_path):
            assert findings(answer) == set(), json.dumps(answer, indent=2)
            # Where it never held still, that is said, and nothing else is left open.
            assert all(reason.startswith("not judged: busy: ") for reason in undecided(answer)), undecided(answer)
            assert (answer["verdict"], exit_code) in {("VALID", 0), ("UNKNOWN", 3)}
            assert answer["counts"]["tags"] >= 20
            verdicts.append(answer["verdict"])
    assert writers.failed == []
    assert min(writers.written.values()) > 5, writers.written
    print(f"{RUNS} runs, written meanwhile: {writers.written}; verdicts: {verdicts}")


@pytest.mark.parametrize("harm", ["removed", "flipped"])
def test_what_is_broken_is_found_in_every_run(
    nscr_program: str, serve: Callable[..., Any], tmp_path: Path, harm: str
) -> None:
    registry = serve()
    filled(registry.url)
    digest = image("7").layer_digest
    (path,) = (registry.data / "blobs").rglob(digest.removeprefix("sha256:"))
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    writers = Writers(registry.url)
    with writers.at_work():
        for exit_code, answer in gates(nscr_program, registry.url, tmp_path):
            found = findings(answer)
            assert ("closure", "missing-blob", f"{QUIET}@{digest}") in found, json.dumps(answer, indent=2)
            # Besides, the registry calls itself unwell, and counts no orphan: that follows from the same harm.
            assert {rule for _, rule, _ in found} <= {"missing-blob", "orphan-count", "unhealthy"}, found
            assert {key for _, rule, key in found if rule == "missing-blob"} == {f"{QUIET}@{digest}"}, found
            assert (answer["verdict"], exit_code) == ("INVALID", 1)
    assert min(writers.written.values()) > 5, writers.written
