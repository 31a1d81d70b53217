"""Monitor against a server on loopback that answers from a script: what a registry of others may say."""

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nscr_cli.client.monitoring import Monitor
from nscr_cli.errors import AnswerUnusable, NscrError, RepositoryUnknown, TargetRefused, TargetUnreachable, UsageError

STATS = {
    "totalBlobs": 2, "totalManifests": 1, "unreferencedBlobs": 0, "orphanedManifests": 0, "estimatedSpaceToFree": 0,
}  # fmt: skip
HEALTH = {
    "status": "unhealthy", "timestamp": 1, "uptime": 2, "checks": {"databaseConnectivity": False}, "warnings": ["disk"],
    "metrics": {
        "totalRepositories": 1, "totalManifests": 1, "totalBlobs": 2, "activeSessions": 0, "logStreamClients": 0,
    },
    "error": "Health check failed", "message": "disk",
}  # fmt: skip
STATE = {
    "timestamp": 1, "registryVersion": "2.0", "summary": STATS | {"totalRepositories": 1}, "repositories": [],
    "activeSessions": {"count": 3, "sessions": []},
    "health": {"status": "healthy", "uptime": 1, "logStreamClients": 0},
}  # fmt: skip
UNKNOWN = {"error": "Not found", "message": "no such repository"}


class Answer:
    """A status with a JSON document, or with bytes that are none."""

    def __init__(self, status: int, document: object = None, **headers: str) -> None:
        self.status = status
        self.headers = headers
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()


class Script:
    """A registry whose answers are written down beforehand; it keeps what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        self.tags: list[str | None] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                script.asked.append(self.path)
                script.tags.append(self.headers.get("If-None-Match"))
                answer = script.answers.pop(0)
                body = b"" if answer.status == 304 else answer.body
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if answer.status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: object = "-", size: object = "-") -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    thread = threading.Thread(target=script.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    script.server.shutdown()
    script.server.server_close()
    thread.join()


@pytest.fixture
def monitor(script: Script) -> Iterator[Monitor]:
    with Monitor(script.url) as monitor:
        yield monitor


def blob(digest: str) -> dict[str, object]:
    return {"digest": digest, "size": 1, "created": 1}


def blobs(digests: Sequence[str], total: int | None = None) -> Answer:
    listed = [blob(digest) for digest in digests]
    return Answer(200, {"totalBlobs": len(listed) if total is None else total, "blobs": listed, "timestamp": 1})


def test_unhealthy_is_an_answer(script: Script, monitor: Monitor) -> None:
    script.answers = [Answer(500, HEALTH), Answer(500, UNKNOWN)]
    health = monitor.get_health()
    assert (health.status, health.warnings, health.checks) == ("unhealthy", ["disk"], {"databaseConnectivity": False})
    with pytest.raises(AnswerUnusable, match="something else than is documented"):
        monitor.get_health()


def test_what_has_not_changed_is_not_sent_again(script: Script, monitor: Monitor) -> None:
    script.answers = [
        Answer(200, STATS, ETag='W/"1"'),
        Answer(304, ETag='W/"1"'),
        Answer(200, STATS | {"totalBlobs": 3}),
        Answer(200, STATS),
    ]
    seen = [monitor.get_garbage_collection_stats().total_blobs for _ in range(4)]
    assert seen == [2, 2, 3, 2]
    # The third answer had no tag, so that nothing can be asked about it.
    assert script.tags == [None, 'W/"1"', 'W/"1"', None]


def test_each_path_has_its_own_tag(script: Script, monitor: Monitor) -> None:
    details = {"name": "a", "tagCount": 0, "tags": [], "timestamp": 1}
    script.answers = [Answer(200, details, ETag='"a"'), Answer(200, details | {"name": "b/c"}), Answer(304)]
    assert [monitor.get_repository(name).name for name in ("a", "b/c", "a")] == ["a", "b/c", "a"]
    assert script.asked[1] == "/api/registry/repositories/b/c"
    assert script.tags == [None, None, '"a"']


def test_blobs_page_by_page(script: Script, monitor: Monitor) -> None:
    script.answers = [blobs(["sha256:1", "sha256:2"], 4), blobs(["sha256:3", "sha256:4"], 4), blobs([], 4)]
    assert [one.digest[7:] for one in monitor.iterate_blobs(page_size=2)] == ["1", "2", "3", "4"]
    assert script.asked[1:] == [f"/api/registry/blobs?limit=2&after=sha256%3A{last}" for last in (2, 4)]


@pytest.mark.parametrize("page_size", [1, 3, 5])
def test_a_list_that_knows_no_pages_is_given_once(script: Script, monitor: Monitor, page_size: int) -> None:
    script.answers = [blobs(["sha256:3", "sha256:1", "sha256:2"])]
    assert [one.digest[7:] for one in monitor.iterate_blobs(page_size=page_size)] == ["3", "1", "2"]


def test_a_page_that_comes_again_is_told(script: Script, monitor: Monitor) -> None:
    script.answers = [blobs(["sha256:1", "sha256:2"], 9)] * 2
    with pytest.raises(AnswerUnusable, match="asked for those after it"):
        list(monitor.iterate_blobs(page_size=2))


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answer(401, UNKNOWN, WWW_Authenticate="Basic"), TargetRefused, r"credentials \(status 401\)"),
        (Answer(401, UNKNOWN, WWW_Authenticate='Bearer realm="x"'), TargetRefused, "sends user name and password"),
        (Answer(403, UNKNOWN), TargetRefused, r"credentials \(status 403\)"),
        (Answer(404, UNKNOWN), RepositoryUnknown, "has no repository 'a'"),
        (Answer(404, b"<html>"), AnswerUnusable, "answers 404$"),
        (Answer(302, b"", Location="http://evil.example/"), AnswerUnusable, "answers 302$"),
        (Answer(304), AnswerUnusable, "answers 304$"),
        (Answer(500, {"error": "Broken", "message": "no disk"}), AnswerUnusable, "answers 500: Broken: no disk"),
        (Answer(200, b"<html>"), AnswerUnusable, "something else than is documented"),
        (Answer(200, b'"\xff"'), AnswerUnusable, "something else than is documented"),
        (Answer(200, {"name": "a"}), AnswerUnusable, "tagCount"),
        (Answer(200, b"{}", Transfer_Encoding="chunked", Connection="close"), TargetUnreachable, "does not answer"),
    ],
)
def test_errors_say_what_happened(
    script: Script, monitor: Monitor, answer: Answer, error: type[NscrError], said: str
) -> None:
    script.answers = [answer]
    with pytest.raises(error, match=said) as raised:
        monitor.get_repository("a")
    assert raised.value.hint
    assert len(script.asked) == 1


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../state", "a/.", "a/"])
def test_what_is_no_repository_is_not_asked_for(script: Script, monitor: Monitor, name: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a repository"):
        monitor.get_repository(name)
    assert script.asked == []


@pytest.mark.parametrize(
    "arguments",
    [{"base_url": "ftp://x"}, {"base_url": "x", "password": "y"}, {"base_url": "x", "proxy": "ftp://y"},
     {"base_url": "https://x", "ca_cert": "/absent.pem"}],
)  # fmt: skip
def test_what_cannot_be_used_is_the_caller_s(arguments: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Monitor(**arguments)


def test_the_password_is_not_shown() -> None:
    with Monitor("http://ann:s3cret@127.0.0.1:1/prefix") as monitor:
        assert repr(monitor) == "Monitor('http://127.0.0.1:1/prefix')"


def test_watching_goes_on_while_the_registry_is_in_trouble(
    script: Script, monitor: Monitor, capsys: pytest.CaptureFixture[str]
) -> None:
    script.answers = [Answer(200, STATE), Answer(500, HEALTH), Answer(503), Answer(200, STATE), Answer(404)]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        monitor.monitor_continuously(7, sleep=sleep)
    assert slept == [7, 7, 7]
    assert capsys.readouterr().out.splitlines() == [
        "Repositories: 1", "Health: unhealthy", "Active Sessions: 3",
        f"Error: {script.url}/api/registry/state answers 503",
        f"Error: {script.url}/api/registry/health answers 404",
    ]  # fmt: skip


def test_an_observation_has_what_could_be_had(script: Script, monitor: Monitor) -> None:
    script.answers = [Answer(200, STATE), Answer(404)]
    seen = next(monitor.watch(sleep=lambda seconds: None))
    assert (seen.state is not None, seen.health, type(seen.error)) == (True, None, AnswerUnusable)
