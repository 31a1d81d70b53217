"""`nscr serve` as it ships, over real sockets: kill, restart, locks, drain, big blobs, and replies on the wire."""

import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, run
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MEBIBYTE = 1024 * 1024
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Connection:
    """One keep-alive connection."""

    def __init__(self, served: Any) -> None:
        self.http = http.client.HTTPConnection(served.host_port, timeout=60, blocksize=MEBIBYTE)

    def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.http.request(method, path, body=body, headers=sent)
        reply = self.http.getresponse()
        return reply.status, reply.headers, reply.read()

    def push_blob(self, data: bytes) -> str:
        digest = digest_of(data)
        assert self("POST", f"/v2/a/blobs/uploads/?digest={digest}", data)[0] == 201
        return digest

    def push_image(self, tag: str, layer: bytes) -> str:
        descriptors = [{"digest": self.push_blob(data), "size": len(data)} for data in (b"{}", layer)]
        content = json.dumps({"schemaVersion": 2, "config": descriptors[0], "layers": descriptors[1:]}).encode()
        assert self("PUT", f"/v2/a/manifests/{tag}", content, Content_Type=MANIFEST)[0] == 201
        return digest_of(content)


Connect = Callable[[Any], Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connects to what `serve` gave, and hangs up when the test is over."""
    opened: list[Connection] = []

    def open_connection(served: Any) -> Connection:
        opened.append(Connection(served))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.http.close()


def refuses(served: Any) -> bool:
    host, port = served.host_port.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def test_what_was_acknowledged_is_there_after_a_kill(serve: Any, connect: Connect) -> None:
    served = serve(comes_back=True)
    connection = connect(served)
    images = {f"t{number}": connection.push_image(f"t{number}", os.urandom(2000)) for number in range(20)}
    connection("DELETE", "/v2/a/manifests/t0")
    _, headers, _ = connection("POST", "/v2/a/blobs/uploads/")
    upload = headers["Location"]
    assert connection("PATCH", upload, b"01234")[0] == 202
    before = json.loads(connection("GET", "/api/registry/state")[2])
    served.process.kill()
    served.process.wait()
    assert refuses(served)
    assert not Path(f"/proc/{served.process.pid}").exists()

    again = connect(serve(data=served.data))
    assert again("HEAD", "/v2/a/manifests/t0")[0] == 404
    for tag, digest in images.items():
        status, _, content = again("GET", f"/v2/a/manifests/{digest if tag == 't0' else tag}")
        assert (status, digest_of(content)) == (200, digest)
        for descriptor in json.loads(content)["layers"]:
            assert digest_of(again("GET", f"/v2/a/blobs/{descriptor['digest']}")[2]) == descriptor["digest"]
    after = json.loads(again("GET", "/api/registry/state")[2])
    for part in ("summary", "repositories", "activeSessions", "generation"):
        assert after[part] == before[part]
    status, headers, _ = again("GET", upload)
    assert (status, headers["Range"]) == (204, "0-4")
    assert again("PUT", f"{upload}?digest={digest_of(b'0123456789')}", b"56789")[0] == 201


def test_kills_in_the_middle_of_pushes_lose_nothing_acknowledged(serve: Any, connect: Connect, tmp_path: Path) -> None:
    acknowledged: dict[str, str] = {}
    data = tmp_path / "data"
    for cycle in range(3):
        served = serve(data=data)

        def push(worker: int, served: Any = served, cycle: int = cycle) -> None:
            connection = connect(served)
            for number in range(10_000):
                tag = f"c{cycle}-w{worker}-{number}"
                try:
                    acknowledged[tag] = connection.push_image(tag, os.urandom(500))
                except (OSError, http.client.HTTPException):
                    return

        workers = [threading.Thread(target=push, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        target = len(acknowledged) + 20
        while len(acknowledged) < target:
            time.sleep(0.005)
        served.process.kill()
        served.process.wait()
        for worker in workers:
            worker.join()
    connection = connect(serve(data=data))
    assert len(acknowledged) >= 60
    for tag, digest in acknowledged.items():
        status, _, content = connection("GET", f"/v2/a/manifests/{tag}")
        assert (status, digest_of(content)) == (200, digest)
        for descriptor in json.loads(content)["layers"]:
            assert digest_of(connection("GET", f"/v2/a/blobs/{descriptor['digest']}")[2]) == descriptor["digest"]
    assert json.loads(connection("GET", "/api/registry/state")[2])["summary"]["orphanedManifests"] == 0


@pytest.fixture
def failing(nscr_program: str, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs an `nscr serve` that must not start; gives exit code and stderr."""

    def start(*flags: str) -> tuple[int, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        ended = run(
            [nscr_program, "serve", *flags],
            cwd=tmp_path, env=environment, stdin=DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        assert "hint" in ended.stderr
        return ended.returncode, " ".join(ended.stderr.split())

    return start


def test_a_second_server_on_the_folder_exits_5_and_names_the_holder(serve: Any, connect: Connect, failing: Any) -> None:
    served = serve()
    code, told = failing("--port", "0", "--data", str(served.data))
    assert code == 5
    assert f"pid {served.process.pid}" in told
    assert connect(served)("GET", "/v2/")[0] == 200


def test_a_taken_port_exits_5(serve: Any, connect: Connect, failing: Any, tmp_path: Path) -> None:
    port = serve().host_port.rsplit(":", 1)[1]
    code, told = failing("--port", port, "--data", str(tmp_path / "other"))
    assert code == 5
    assert port in told


def test_a_folder_that_cannot_be_written_exits_5(failing: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, told = failing("--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert (code, "not writable" in told) == (5, True)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "99999"], "99999"),
        (["--host", "0.0.0.0"], "authentication is off"),  # noqa: S104
        (["--username", "u"], "a password"),
        (["--log-level", "loud"], "loud"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--sabotage", "lost-tags"], "lost-tag"),
    ],
)
def test_wrong_settings_exit_2(failing: Any, flags: list[str], words: str) -> None:
    code, told = failing(*flags)
    assert (code, words in told) == (2, True)


def test_a_sabotage_over_honest_content_exits_2(serve: Any, connect: Connect, failing: Any) -> None:
    served = serve()
    assert served.stop() == 0
    code, told = failing("--port", "0", "--data", str(served.data), "--sabotage", "lost-tag")
    assert (code, "honest" in told) == (2, True)


def test_sigterm_finishes_what_is_in_flight_and_exits_0(serve: Any, connect: Connect) -> None:
    served = serve(comes_back=True)
    data = b"0123456789" * 1000
    digest = digest_of(data)
    connection = connect(served).http
    connection.putrequest("POST", f"/v2/a/blobs/uploads/?digest={digest}")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:5000])
    # The request has arrived once its body is being read: another one is answered after it.
    assert connect(served)("GET", "/v2/")[0] == 200
    served.process.terminate()
    deadline = time.monotonic() + 10
    while not refuses(served):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    connection.send(data[5000:])
    assert connection.getresponse().status == 201
    assert served.process.wait(timeout=15) == 0
    assert connect(serve(data=served.data))("GET", f"/v2/a/blobs/{digest}")[2] == data


def test_sigterm_gives_up_a_client_that_stands_still(serve: Any, connect: Connect) -> None:
    served = serve()
    standing = connect(served).http
    standing.putrequest("POST", f"/v2/a/blobs/uploads/?digest={digest_of(b'')}")
    standing.putheader("Content-Length", "100")
    standing.endheaders(b"some")
    assert connect(served)("GET", "/v2/")[0] == 200
    assert served.stop() == 0
    assert "gave up 1 requests" in served.log.read_text()
    assert "Traceback" not in served.log.read_text()
    assert list((served.data / "uploads").iterdir()) == []


def test_a_reply_that_cannot_be_finished_is_cut_off(serve: Any, connect: Connect) -> None:
    served = serve()
    connection = connect(served)
    digest = connection.push_blob(random.Random(1).randbytes(8 * MEBIBYTE))
    (stored,) = (served.data / "blobs").rglob(digest.removeprefix("sha256:"))
    reading = connect(served).http
    reading.request("GET", f"/v2/a/blobs/{digest}")
    reply = reading.getresponse()
    assert reply.read(1000)
    os.truncate(stored, MEBIBYTE)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        reply.read()
    assert connection("GET", f"/v2/a/blobs/{digest}")[0] == 404


def test_refused_requests_leave_the_connection_usable(serve: Any, connect: Connect) -> None:
    served = serve(environment={"NSCR_AUTH_USERNAME": "user", "NSCR_AUTH_PASSWORD": "secret"})
    connection = connect(served)
    for size in (0, 10, 500_000):
        status, headers, body = connection("PUT", "/v2/a/blobs/uploads/x?digest=y", b"x" * size)
        assert (status, headers["WWW-Authenticate"][:5]) == (401, "Basic")
        assert json.loads(body)["errors"][0]["code"] == "UNAUTHORIZED"
    credentials = base64.b64encode(b"user:secret").decode()
    assert connection("GET", "/v2/", Authorization=f"Basic {credentials}")[0] == 200
    assert "secret" not in served.log.read_text()
    assert "secret" not in Path(f"/proc/{served.process.pid}/cmdline").read_text()


def test_heads_and_ranges_over_the_wire(serve: Any, connect: Connect) -> None:
    connection = connect(serve())
    data = random.Random(1).randbytes(700_000)
    path = f"/v2/a/blobs/{connection.push_blob(data)}"
    whole, head = connection("GET", path), connection("HEAD", path)
    drop = {"date"}
    assert {k.lower(): v for k, v in head[1].items() if k.lower() not in drop} == {
        k.lower(): v for k, v in whole[1].items() if k.lower() not in drop
    }
    assert (whole[0], whole[2], head[0], head[2]) == (200, data, 200, b"")
    status, headers, part = connection("GET", path, Range="bytes=300000-599999")
    assert (status, headers["Content-Range"], part) == (206, "bytes 300000-599999/700000", data[300_000:600_000])
    assert connection("GET", path, Range="bytes=700000-")[0] == 416
    # A name with its slash escaped is the same name.
    assert connection("GET", path.replace("/v2/a/", "/v2/%61/"))[2] == data
    connection.push_image("t", b"layer")
    assert json.loads(connection("GET", "/api/registry/repositories/a")[2])["tagCount"] == 1


def test_names_with_an_escaped_slash(serve: Any, connect: Connect) -> None:
    connection = connect(serve())
    content = b'{"schemaVersion":2,"manifests":[]}'
    media_type = "application/vnd.oci.image.index.v1+json"
    assert connection("PUT", "/v2/team%2Fapp/manifests/t", content, Content_Type=media_type)[0] == 201
    for name in ("team/app", "team%2Fapp"):
        assert json.loads(connection("GET", f"/api/registry/repositories/{name}")[2])["name"] == "team/app"


def test_two_chunks_at_once_over_the_wire(serve: Any, connect: Connect) -> None:
    served = serve()
    connection = connect(served)
    upload = connection("POST", "/v2/a/blobs/uploads/")[1]["Location"]
    data = random.Random(1).randbytes(3 * MEBIBYTE)
    slow = connect(served).http
    slow.putrequest("PATCH", upload)
    slow.putheader("Content-Length", str(len(data)))
    slow.endheaders(data[: 2 * MEBIBYTE])
    deadline = time.monotonic() + 20
    while "Range" not in connection("GET", upload)[1]:
        assert time.monotonic() < deadline
    for method, path in (("PATCH", upload), ("PUT", f"{upload}?digest={digest_of(data)}"), ("DELETE", upload)):
        status, _, body = connection(method, path, b"x")
        assert (status, json.loads(body)["errors"][0]["code"]) == (409, "BLOB_UPLOAD_INVALID")
    slow.send(data[2 * MEBIBYTE :])
    assert slow.getresponse().headers["Range"] == f"0-{len(data) - 1}"
    assert connection("PUT", f"{upload}?digest={digest_of(data)}")[0] == 201


@contextmanager
def peak_memory(pid: int) -> Iterator[Callable[[], int]]:
    """The largest resident size in bytes that was seen, of the process and all below it."""
    peak = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, sum(resident(each) for each in tree(pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield lambda: peak
    ended.set()
    watcher.join()


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in tree(int(child)))]


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("style", ["stream", "single"])
def test_memory_does_not_grow_with_the_blob(
    serve: Any, connect: Connect, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size = int(os.environ.get("NSCR_TEST_BLOB_MIB", "2048")) if style == "stream" else 256
    tile = random.Random(1).randbytes(MEBIBYTE)
    whole = hashlib.sha256()
    for _ in range(size):
        whole.update(tile)
    digest = f"sha256:{whole.hexdigest()}"
    served = serve()
    connection = connect(served)
    with peak_memory(served.process.pid) as peak:
        started = time.monotonic()
        if style == "stream":
            upload = connection("POST", "/v2/a/blobs/uploads/")[1]["Location"]
            # A body without a length goes out in chunks.
            assert connection("PATCH", upload, (tile for _ in range(size)))[0] == 202
            assert connection("PUT", f"{upload}?digest={digest}")[0] == 201
        else:
            length = str(size * MEBIBYTE)
            target = f"/v2/a/blobs/uploads/?digest={digest}"
            assert connection("POST", target, (tile for _ in range(size)), Content_Length=length)[0] == 201
        pushed = time.monotonic()
        pulled = hashlib.sha256()
        connection.http.request("GET", f"/v2/a/blobs/{digest}")
        reply = connection.http.getresponse()
        while data := reply.read(MEBIBYTE):
            pulled.update(data)
        ended = time.monotonic()
        assert f"sha256:{pulled.hexdigest()}" == digest
        with capsys.disabled():
            print(
                f"\n{style}: {size} MiB pushed at {size / (pushed - started):.0f} MiB/s,"
                f" pulled at {size / (ended - pushed):.0f} MiB/s, peak {peak() / MEBIBYTE:.0f} MiB resident"
            )
        assert peak() < 200 * MEBIBYTE
    # pytest keeps the folders of its last runs, and these are too big to be kept.
    shutil.rmtree(served.data / "blobs")


def test_the_password_is_read_from_stdin(nscr_program: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    flags = ["--port", "0", "--data", str(tmp_path / "data"), "--username", "user", "--password-stdin"]
    with Popen([nscr_program, "serve", *flags], stdin=PIPE, stdout=PIPE, text=True, env=environment) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("pa:ss\n")
            process.stdin.close()
            host_port = process.stdout.readline().split()[3].removeprefix("http://")
            connection = http.client.HTTPConnection(host_port, timeout=30)
            credentials = base64.b64encode(b"user:pa:ss").decode()
            for headers, status in (({}, 401), ({"Authorization": f"Basic {credentials}"}, 200)):
                connection.request("GET", "/v2/", headers=headers)
                reply = connection.getresponse()
                reply.read()
                assert reply.status == status
            connection.close()
        finally:
            process.terminate()
    assert process.returncode == 0


def test_address_and_folder_come_from_the_environment(nscr_program: str, tmp_path: Path) -> None:
    settings = {"NSCR_HOST": "127.0.0.2", "NSCR_PORT": "0", "NSCR_DATABASE_PATH": str(tmp_path / "named")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")} | settings
    with Popen([nscr_program, "serve"], stdout=PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
        finally:
            process.terminate()
    assert "http://127.0.0.2:" in line
    assert ":7000" not in line
    assert (tmp_path / "named" / "registry.sqlite3").is_file()
