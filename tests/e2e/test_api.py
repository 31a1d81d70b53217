"""The monitoring API and the limits of `nscr serve` as it ships: streams, shutdown, slow clients, memory, users."""

import base64
import hashlib
import http.client
import json
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, ClassVar

import bcrypt
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MEBIBYTE = 1024 * 1024
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def ask(served: Any, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(served.host_port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def get(served: Any, path: str) -> Any:
    status, body = ask(served, "GET", path)
    assert status == 200, body
    return json.loads(body)


def connect(served: Any) -> socket.socket:
    host, port = served.host_port.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20)


def eventually(fact: Callable[[], bool], *, seconds: float = 10) -> float:
    """Wait for what another process does, and say how long it took."""
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.005)
    return time.monotonic() - began


STREAMS = ("/api/logs/stream", "/api/repositories/stream", "/api/throughput/stream")


class Stream:
    """An open stream of server-sent events."""

    opened: ClassVar[list["Stream"]] = []

    def __init__(self, served: Any, path: str, **headers: str) -> None:
        self.opened.append(self)
        self.socket = connect(served)
        lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        assert self.file.readline() == b"HTTP/1.1 200 OK\r\n"
        assert self.next()[0] == "connected"

    def next(self) -> tuple[str, Any]:
        while not (line := self.file.readline()).startswith(b"event: "):
            assert line, "the stream has ended"
        return line.decode().strip().removeprefix("event: "), json.loads(self.file.readline().removeprefix(b"data: "))

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture(autouse=True)
def closed_streams() -> Iterator[None]:
    """Hangs up all streams when the test is over."""
    yield
    while Stream.opened:
        Stream.opened.pop().close()


def clients(served: Any) -> set[int]:
    """What each of the answers says; asked for one after another, they differ while streams come and go."""
    return {
        get(served, "/api/registry/state")["health"]["logStreamClients"],
        get(served, "/api/registry/health")["metrics"]["logStreamClients"],
        get(served, "/api/web/status")["logStreamClients"],
    }


def test_streams_are_counted_exactly_and_leave_nothing_behind(serve: Any) -> None:
    served = serve("--log-level", "debug")
    folder = Path(f"/proc/{served.process.pid}/fd")
    assert clients(served) == {0}
    before = len(list(folder.iterdir()))
    for _ in range(3):
        streams = [Stream(served, "/api/logs/stream") for _ in range(20)]
        changes = Stream(served, "/api/repositories/stream")
        assert clients(served) == {20}
        ask(served, "GET", "/v2/look-at-me/tags/list")
        while "GET /v2/look-at-me/tags/list: 404" not in streams[0].next()[1]["message"]:
            pass
        assert ask(served, "PUT", "/v2/team/app/manifests/t", b"{}", Content_Type="application/x-any")[0] == 201
        name, change = changes.next()
        assert (name, change["action"], change["repository"]) == ("repository_update", "manifest_added", "team/app")
        streams[0].socket.shutdown(socket.SHUT_WR)
        for stream in streams[1:10]:
            stream.close()
        eventually(lambda: clients(served) == {10})
        for stream in (streams[0], *streams[10:], changes):
            stream.close()
        eventually(lambda: clients(served) == {0})
    eventually(lambda: len(list(folder.iterdir())) <= before + 4)


def test_streams_end_first_when_the_server_stops(serve: Any) -> None:
    served = serve()
    streams = [Stream(served, path) for path in STREAMS]
    began = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - began < 9  # a drain that waits for somebody takes ten
    for stream in streams:
        assert stream.file.read().endswith(b"0\r\n\r\n")
        stream.close()


def test_a_drain_ends_streams_first_and_tells_who_must_come_again(serve: Any) -> None:
    served = serve()
    stream = Stream(served, "/api/repositories/stream")
    data = b"x" * 3 * MEBIBYTE
    uploads = [http.client.HTTPConnection(served.host_port, timeout=30) for _ in range(2)]
    for upload in uploads:
        upload.putrequest("POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}")
        upload.putheader("Content-Length", str(len(data)))
        upload.endheaders(data[: 2 * MEBIBYTE])
    eventually(lambda: len(list((served.data / "uploads").iterdir())) == 2)
    served.process.terminate()
    assert stream.file.read().endswith(b"0\r\n\r\n")
    stream.close()
    # The stream has ended, and both uploads are still welcome.
    finished, stalled = uploads
    finished.send(data[2 * MEBIBYTE :])
    assert finished.getresponse().status == 201
    reply = stalled.getresponse()
    assert (reply.status, reply.headers["Retry-After"], reply.headers["Connection"]) == (503, "5", "close")
    assert json.loads(reply.read())["errors"][0]["code"] == "UNKNOWN"
    for upload in uploads:
        upload.close()
    assert served.process.wait(timeout=20) == 0
    assert get(serve(data=served.data), "/api/web/status")["totalBlobs"] == 1


@pytest.mark.parametrize("size", [100_000, 5_000_000, 20_000_000])
def test_who_sends_all_before_reading_has_the_refusal(serve: Any, size: int) -> None:
    served = serve("--username", "alice", "--password", "secret")
    data = b"x" * size
    for path in (f"/v2/a/blobs/uploads/?digest={digest_of(data)}", "/nowhere", "/v2/a/manifests/t"):
        for _ in range(5):
            assert ask(served, "POST", path, data)[0] == 401
    served = serve()
    for _ in range(5):
        assert ask(served, "PUT", "/v2/a/manifests/t", data)[0] == (413 if size > 4 * MEBIBYTE else 400)
        assert ask(served, "POST", "/nowhere", data)[0] == 404
        assert ask(served, "POST", "/v2/a/blobs/uploads/?digest=sha256:nonsense", data)[0] == 400


def test_shutdown_by_request_finishes_what_is_in_flight(serve: Any) -> None:
    served = serve(environment={"NSCR_SHUTDOWN_ENDPOINT_ENABLED": "true"})
    data = b"x" * 10_000
    connection = http.client.HTTPConnection(served.host_port, timeout=30)
    connection.putrequest("POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:5000])
    assert get(served, "/api/web/status")["totalBlobs"] == 0
    status, body = ask(served, "POST", "/api/shutdown")
    assert (status, set(json.loads(body))) == (200, {"message", "timestamp"})
    connection.send(data[5000:])
    assert connection.getresponse().status == 201
    connection.close()
    assert served.process.wait(timeout=20) == 0
    assert get(serve(data=served.data), "/api/web/status")["totalBlobs"] == 1


def test_shutdown_is_not_there_by_default(serve: Any) -> None:
    served = serve()
    assert ask(served, "POST", "/api/shutdown")[0] == 404
    assert ask(served, "GET", "/v2/")[0] == 200


def ends_after(stream: socket.socket, *, trickle: bytes = b"") -> bytes:
    """Send a byte now and then until the server has enough, and say what it said."""
    said = b""
    stream.settimeout(0.2)
    for position in range(100):
        try:
            if trickle:
                stream.sendall(trickle[position : position + 1])
            piece = stream.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            break
        if not piece:
            break
        said += piece
    return said


SLOW = {
    "says nothing": (b"", b""),
    "half a head": (b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX-", b""),
    "trickles a head": (b"GET /v2/ HTTP/1.1\r\nX: ", b"y" * 100),
    "idles after a reply": (b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", b""),
    "half a body": (b"PATCH %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc", b""),
    "trickles a body": (b"PATCH %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc", b"y" * 100),
    "half a manifest": (b"PUT /v2/a/manifests/t HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{", b""),
    "a body nobody asked for": (b"GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", b""),
}


@pytest.fixture
def impatient(serve: Any) -> Any:
    return serve(environment={"NSCR_HEADER_TIMEOUT_SECONDS": "1", "NSCR_CLIENT_TIMEOUT_SECONDS": "1"})


@pytest.mark.parametrize("name", SLOW)
def test_slow_clients_are_sent_away_and_hold_up_nobody(impatient: Any, name: str) -> None:
    sent, trickle = SLOW[name]
    _, location = start_upload(impatient)
    with ExitStack() as stack:
        for _ in range(50):
            # The server's patience begins when somebody connects: each is asked right then, and not when all are there.
            began = time.monotonic()
            stream = stack.enter_context(connect(impatient))
            stream.sendall(sent.replace(b"%s", location.encode()))
            assert ask(impatient, "GET", "/v2/")[0] == 200
        said = ends_after(stream, trickle=trickle)
        # Not at once, and well before the last byte of the trickle: however busy this machine is.
        assert 0.3 < time.monotonic() - began < 15, said
        if "body" in name and "nobody" not in name:
            assert said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 409"))
    # Whoever of them held the upload when the last one came is sent away as well.
    eventually(lambda: ask(impatient, "DELETE", location)[0] == 204)


def start_upload(served: Any) -> tuple[str, str]:
    connection = http.client.HTTPConnection(served.host_port, timeout=30)
    try:
        connection.request("POST", "/v2/a/blobs/uploads/")
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 202
        return reply.headers["Docker-Upload-UUID"], reply.headers["Location"]
    finally:
        connection.close()


def test_a_client_that_takes_no_reply_is_cut_off(impatient: Any) -> None:
    data = os.urandom(32 * MEBIBYTE)
    assert ask(impatient, "POST", f"/v2/a/blobs/uploads/?digest={digest_of(data)}", data)[0] == 201
    folder = Path(f"/proc/{impatient.process.pid}/fd")

    def holds_the_blob() -> bool:
        for entry in folder.iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                if "/blobs/" in str(entry.readlink()):
                    return True
        return False

    with connect(impatient) as stream:
        stream.sendall(f"GET /v2/a/blobs/{digest_of(data)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        eventually(holds_the_blob)
        eventually(lambda: not holds_the_blob())


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"X-A: " + b"a" * 30_000, 200),
        (b"X-A: " + b"a" * 40_000, 431),
        (b"X-A: " + b"a" * 5_000_000, 431),
        (b"\r\n".join([b"A: b"] * 500), 431),
    ],
)
def test_heads_beyond_the_limit(serve: Any, head: bytes, status: int) -> None:
    served = serve()
    with connect(served) as stream:
        try:
            stream.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
            assert stream.recv(100).startswith(b"HTTP/1.1 %d" % status)
        except ConnectionError:
            assert len(head) > MEBIBYTE
    assert ask(served, "GET", "/v2/")[0] == 200


@contextmanager
def limited(nscr_program: str, folder: Path, descriptors: int) -> Iterator[Any]:
    """`nscr serve` with so many descriptors."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, before[1]))
    try:
        command = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), nscr_program, "serve", "--port", "0"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        process = Popen([*command, "--data", str(folder)], stdout=PIPE, text=True, env=environment)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    class Limited:
        host_port = ""

    with process:
        try:
            assert process.stdout is not None
            Limited.host_port = process.stdout.readline().split()[3].removeprefix("http://")
            yield Limited, process
        finally:
            process.terminate()
    assert process.returncode == 0


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_more_connections_than_descriptors_wait_at_the_door(nscr_program: str, tmp_path: Path) -> None:
    with limited(nscr_program, tmp_path / "data", 250) as (served, process), ExitStack() as stack:
        streams = [stack.enter_context(connect(served)) for _ in range(300)]
        folder = Path(f"/proc/{process.pid}/fd")
        eventually(lambda: len(list(folder.iterdir())) > 45)
        began = processor_seconds(process.pid)
        time.sleep(1)
        assert processor_seconds(process.pid) - began < 0.5
        assert len(list(folder.iterdir())) < 200
        data = b"x" * 100_000
        head = f"POST /v2/a/blobs/uploads/?digest={digest_of(data)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}"
        streams[0].sendall(head.encode() + b"\r\n\r\n" + data)
        assert streams[0].recv(100).startswith(b"HTTP/1.1 201")
        for stream in streams:
            stream.close()
        assert ask(served, "GET", "/v2/")[0] == 200


def test_several_users_and_no_credential_in_any_log(serve: Any, tmp_path: Path) -> None:
    users = {"anna": "first-secret-word", "bob": "x" * 72}
    lines = [f"{user}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(10)).decode()}\n" for user, word in users.items()]
    (tmp_path / "htpasswd").write_text("".join(lines))
    served = serve("--htpasswd", str(tmp_path / "htpasswd"), "--log-level", "debug")

    def basic(user: str, word: str) -> str:
        return "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()

    stream = Stream(served, "/api/logs/stream", Authorization=basic("anna", users["anna"]))
    began = processor_seconds(served.process.pid)
    for _ in range(100):
        for user, word in users.items():
            assert ask(served, "GET", "/v2/", Authorization=basic(user, word))[0] == 200
    # Remembered: two hundred checks of bcrypt would take far longer.
    assert processor_seconds(served.process.pid) - began < 4
    for user, word in (("anna", "wrong-secret-word"), ("carl", users["anna"]), ("bob", "x" * 73)):
        assert ask(served, "GET", "/v2/", Authorization=basic(user, word))[0] == 401
    assert ask(served, "GET", "/metrics")[0] == 401
    assert ask(served, "GET", "/openapi.json")[0] == 401
    secrets = [*users.values(), "wrong-secret-word", base64.b64encode(b"anna:first-secret-word").decode(), "$2b$"]
    assert served.stop() == 0
    streamed = stream.file.read().decode()
    stream.close()
    logged = served.log.read_text()
    assert "GET /v2/: 401" in logged
    assert "GET /v2/: 401" in streamed
    for secret in secrets:
        assert secret not in logged
        assert secret not in streamed


@pytest.mark.parametrize(("level", "is_told"), [("debug", True), ("info", False), ("warning", False), ("error", False)])
def test_the_log_level_decides_what_is_logged(serve: Any, level: str, is_told: bool) -> None:
    served = serve(environment={"NSCR_LOG_LEVEL": level, "NSCR_UNHEARD_OF": "1"})
    ask(served, "GET", "/v2/absent/tags/list")
    served.stop()
    logged = served.log.read_text()
    assert ("/v2/absent/tags/list" in logged) is is_told
    assert ("NSCR_UNHEARD_OF" in logged) is (level != "error")
