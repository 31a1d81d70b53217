"""The pytest plugin as others use it: test files of their own in a pytest of their own, and real clients."""

import hashlib
import http.client
import importlib.metadata
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from nscr_cli.testing.faults import (
    Misbehaviour,
    answer,
    cut,
    damaged_body,
    lose_reply,
    lose_request,
    moved_range,
    short_body,
    slow,
)
from nscr_cli.testing.registry import Options, RunningRegistry, running_registry

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "test-a-client.md"
IS_INSTALLED = any(one.name == "nscr" for one in importlib.metadata.entry_points(group="pytest11"))
PLUGIN = ("-W", "error", "--strict-markers", "-p", "no:cacheprovider")
BLOB = b"0123456789" * 100
PATH = f"/v2/a/blobs/sha256:{hashlib.sha256(BLOB).hexdigest()}"

Start = Callable[..., RunningRegistry]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Runs a test file in a pytest that knows of no other plugin, as from an environment without settings of ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run_file(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess(*PLUGIN, "-p", "nscr_cli.testing.plugin", *options, timeout=120)

    return run_file


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a registry with faults on the way."""
    with ExitStack() as started:

        def start_one(*faults: Misbehaviour) -> RunningRegistry:
            return started.enter_context(running_registry(tmp_path, Options(faults=faults)))

        yield start_one


def is_answering(host_port: str) -> bool:
    host, port = host_port.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_the_example_in_the_document(run: Callable[..., pytest.RunResult]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    run(example).assert_outcomes(passed=3)


def test_fixtures(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def nscr_registry_options():
            return {"username": "ann", "password": "s3cret", "settings": {"max_upload_size_mb": 1}}
        """
    )
    result = run(
        """
        import httpx
        import pytest

        @pytest.fixture(autouse=True)
        def note(request):
            yield
            for name, value in request.node.funcargs.items():
                if name.startswith("nscr_registry") and hasattr(value, "host_port"):
                    print("used", name, value.host_port)

        def status(registry, auth=None):
            return httpx.get(f"{registry.url}/v2/", auth=auth).status_code

        @pytest.mark.nscr_registry(username="bob")
        class TestMarks:
            @pytest.mark.nscr_registry(password="other")
            def test_the_nearest_has_the_last_word(self, nscr_registry):
                assert (nscr_registry.username, nscr_registry.password) == ("bob", "other")
                assert [status(nscr_registry, auth) for auth in (None, ("bob", "other"))] == [401, 200]

        def test_options_of_all(nscr_registry):
            assert status(nscr_registry, ("ann", "s3cret")) == 200
            with pytest.raises(httpx.HTTPStatusError, match="413"):
                nscr_registry.push("a", "t", layers=[bytes(1024 * 1024 + 1)])

        def test_several(nscr_registry_factory):
            one, other = nscr_registry_factory(), nscr_registry_factory(sabotage=["lost-tag"])
            one.push("a", "t")
            other.push("b", "t")
            assert [r.name for r in other.monitor.get_registry_state().repositories] == ["b"]
            assert one.data != other.data and one.data.is_dir() and one.log.is_file()

        @pytest.mark.parametrize("number", [1, 2])
        def test_session(nscr_registry_session, number):
            assert nscr_registry_session.new_repository() == f"test/{number}"
            tags = [f"t{n:04}" for n in range(1005)]
            digest = nscr_registry_session.push(f"test/{number}", *tags)
            listed = httpx.get(
                f"{nscr_registry_session.url}/v2/test/{number}/tags/list", params={"n": 1000}, auth=("ann", "s3cret")
            )
            assert (len(listed.json()["tags"]), "next" in listed.headers["Link"]) == (1000, True)
        """,
        "-rP",
    )
    result.assert_outcomes(passed=5)
    used = re.findall(r"used (\S+) (\S+)", result.stdout.str())
    assert len({where for name, where in used if name == "nscr_registry_session"}) == 1
    assert len({where for _, where in used}) == 3
    assert not [where for _, where in used if is_answering(where)]


def test_what_cannot_be_started_is_told_in_a_line(run: Callable[..., pytest.RunResult]) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.nscr_registry(nonsense=1)
        def test_option(nscr_registry): ...

        @pytest.mark.nscr_registry(sabotage=["nonsense"])
        def test_sabotage(nscr_registry): ...

        @pytest.mark.nscr_registry(settings={"nonsense": 1})
        def test_setting(nscr_registry): ...

        @pytest.mark.nscr_registry(username="ann")
        def test_password(nscr_registry): ...

        @pytest.mark.nscr_registry({})
        def test_positional(nscr_registry): ...
        """
    )
    result.assert_outcomes(errors=5)
    result.stdout.fnmatch_lines([
        "*no option 'nonsense'; those there are: sabotage, *",
        "*unknown sabotage 'nonsense'*",
        "*unknown setting 'nonsense'*",
        "*give both or neither*",
        "*takes options by name only*",
    ])  # fmt: skip
    assert "Traceback" not in result.stdout.str()


def test_a_registry_that_dies_fails_the_test(run: Callable[..., pytest.RunResult]) -> None:
    result = run(
        """
        import os
        import signal
        from contextlib import suppress
        from pathlib import Path

        import pytest

        from nscr_cli.errors import TargetUnreachable

        def test_it(nscr_registry):
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(FileNotFoundError, ProcessLookupError):  # others end meanwhile
                    if str(nscr_registry.data).encode() in (folder / "cmdline").read_bytes():
                        os.kill(int(folder.name), signal.SIGKILL)
            with pytest.raises(TargetUnreachable):
                while True:
                    nscr_registry.monitor.get_health()
        """
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the registry was killed by SIGKILL*"])


def test_a_killed_session_leaves_no_registry_behind(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import time

        def test_it(nscr_registry):
            print(nscr_registry.host_port, flush=True)
            time.sleep(120)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-p", "nscr_cli.testing.plugin"],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    with process, process.stdout:
        found = next(filter(None, (re.search(r"127\.0\.0\.1:\d+", line) for line in process.stdout)))
        assert is_answering(found.group())
        process.send_signal(signal.SIGKILL)
    began = time.monotonic()
    while is_answering(found.group()):
        assert time.monotonic() - began < 20
        time.sleep(0.01)


def test_unused_it_imports_nothing(run: Callable[..., pytest.RunResult]) -> None:
    run(
        """
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("nscr")}
            assert ours == {"nscr_cli", "nscr_cli.testing", "nscr_cli.testing.plugin"}
            assert not {"trio", "httpx", "msgspec", "typer", "rich"} & sys.modules.keys()
        """
    ).assert_outcomes(passed=1)


@pytest.mark.skipif(not IS_INSTALLED, reason="this environment was installed before there was a plugin")
def test_it_is_there_without_a_word(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["*fixtures defined from nscr_cli.testing.plugin*", "nscr_registry *"])


def test_answers_in_place_of_the_registry_s(start: Start) -> None:
    registry = start(
        answer(429, "get-blob", "head-blob", retry_after_s=3, nth=[1, 2]),
        answer(401, "patch-upload", ordinal=2),
        answer(503, "put-manifest"),
    )
    registry.push("a", "t", layers=[BLOB])
    with httpx.Client(base_url=registry.url) as client:
        busy = client.get(PATH)
        assert (busy.status_code, busy.headers["Retry-After"]) == (429, "3")
        assert busy.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
        assert client.head(PATH).status_code == 429
        assert client.get(PATH).content == BLOB

        upload = client.post("/v2/a/blobs/uploads/").headers["Location"]
        first = client.patch(upload, content=b"x" * 100)
        assert (first.status_code, first.headers["Range"]) == (202, "0-99")
        first = client.patch(upload, content=b"x" * 100, headers={"Content-Range": "100-199"})
        assert (first.status_code, "WWW-Authenticate" in first.headers) == (401, True)
        assert client.get(upload).headers["Range"] == "0-99"  # it never heard of the second

        assert client.put("/v2/a/manifests/new", content=b"{}").status_code == 503
        assert client.get("/v2/a/tags/list").json()["tags"] == ["t"]
    assert [(one.toxic, one.step) for one in registry.strikes] == [
        ("answer", "get-blob"), ("answer", "head-blob"), ("answer", "patch-upload"), ("answer", "put-manifest"),
    ]  # fmt: skip


def test_an_answer_is_there_for_who_sends_all_before_reading(start: Start) -> None:
    registry = start(answer(401, "patch-upload"))
    connection = http.client.HTTPConnection(registry.host, registry.port, timeout=60)
    connection.request("PATCH", "/v2/a/blobs/uploads/1", body=bytes(16 * 1024 * 1024))
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Connection"], b"UNAUTHORIZED" in reply.read()) == (401, "close", True)
    connection.close()


def test_replies_altered_and_broken_off(start: Start) -> None:
    registry = start(
        short_body("get-blob", nth=[1]),
        damaged_body("get-blob", nth=[2]),
        cut("get-blob", after_bytes=600, nth=[3]),
        lose_reply("get-blob", nth=[4]),
        lose_request("get-blob", nth=[5], hold_s=0.01),
        moved_range("get-blob", "patch-upload", nth=[6, 7]),
        slow("head-blob", delay_s=0.01),
    )
    registry.push("a", "t", layers=[BLOB])
    with httpx.Client(base_url=registry.url) as client:
        short = client.get(PATH)
        assert (short.status_code, short.content, short.headers["Content-Length"]) == (200, BLOB[:500], "500")
        assert client.get(PATH).content == b"1" + BLOB[1:]
        for _ in range(3):
            with pytest.raises(httpx.TransportError):
                client.get(PATH)
        part = client.get(PATH, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.headers["Content-Range"], len(part.content)) == (206, "bytes 99-198/1000", 100)
        upload = client.post("/v2/a/blobs/uploads/").headers["Location"]
        assert client.patch(upload, content=BLOB).headers["Range"] == "0-998"
        assert client.get(upload).headers["Range"] == "0-999"
        assert client.head(PATH).headers["Content-Length"] == "1000"
    assert [one.toxic for one in registry.strikes] == [
        "short-body", "damaged-body", "cut", "drop-reply", "black-hole", "moved-range", "moved-range", "latency",
    ]  # fmt: skip


@pytest.mark.needs("skopeo")
def test_skopeo_honours_a_limit_and_notices_what_is_short(start: Start, tmp_path: Path) -> None:
    registry = start(
        answer(429, "get-manifest", retry_after_s=1, nth=[1]),
        short_body("get-blob", nth=[2]),
    )
    registry.push("team/app", "1.0", layers=[BLOB])

    def pull(folder: str) -> subprocess.CompletedProcess[str]:
        image = f"docker://{registry.host_port}/team/app:1.0"
        return subprocess.run(
            ["skopeo", "copy", "--src-tls-verify=false", image, f"dir:{tmp_path}/{folder}"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    first = pull("first")
    assert first.returncode != 0
    assert "digest" in first.stderr.lower()
    second = pull("second")
    assert second.returncode == 0, second.stderr
    assert {"answer", "short-body"} == {one.toxic for one in registry.strikes}
