"""The order of system calls behind every acknowledged write, as strace saw it on `nscr serve`.

fsync of the file < rename < fsync of the folder < sync of the metadata < reply. A sync counts when it returned, a
reply when it was begun. Faults are injected by strace as well: what the kernel would say on a failing disk.
"""

import http.client
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nscr.oci.digest import digest_of
from nscr_cli.client.monitoring import Monitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("strace", "root")]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CALLS = "fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg"
LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)")


@contextmanager
def traced(process: int, trace: Path, *options: str) -> Iterator[None]:
    """Follow a running process and all of its threads."""
    strace = subprocess.Popen(
        ["strace", "-f", "-y", "-s", "64", *options, "-o", str(trace), "-p", str(process)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert strace.stderr is not None
    try:
        assert "attached" in strace.stderr.readline()
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=20)


def events(trace: Path, data: Path) -> Iterator[tuple[str, str]]:
    """(what, path below the data folder), in the order in which they took effect."""
    begun: dict[str, str] = {}
    for text in trace.read_text(errors="replace").splitlines():
        line = LINE.match(text)
        if line is None:
            continue
        call, rest = line["call"] or line["resumed"], line["rest"]
        if "HTTP/1.1 2" in rest and call.startswith(("write", "send")) and line["call"]:
            yield "reply", ""
        if rest.endswith("<unfinished ...>"):
            begun[line["thread"]] = rest
            continue
        told = begun.pop(line["thread"], "") + rest if line["resumed"] else rest
        if call.startswith(("fsync", "fdatasync")) and (path := re.search(r"<([^>]*)>", told)):
            yield "sync", path[1].removeprefix(f"{data}/")
        elif call.startswith("rename"):
            paths = re.findall(r'"([^"]*)"', told)
            yield "rename", paths[-1].removeprefix(f"{data}/")


def by_reply(found: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    group: list[tuple[str, str]] = []
    for event in found:
        if event[0] == "reply":
            yield group
            group = []
        else:
            group.append(event)


@pytest.fixture
def http_of() -> Iterator[Any]:
    opened: list[http.client.HTTPConnection] = []

    def connect(served: Any) -> Any:
        connection = http.client.HTTPConnection(served.host_port, timeout=60)
        opened.append(connection)

        def ask(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=sent)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()

        return ask

    yield connect
    for connection in opened:
        connection.close()


METADATA = ("sync", "registry.sqlite3-wal")


def in_order(wanted: list[tuple[str, str]], group: list[tuple[str, str]]) -> bool:
    """Whether the wanted events are a subsequence."""
    rest = iter(group)
    return all(any(event == each for each in rest) for event in wanted)


def blob_order(digest: str, upload: str) -> list[tuple[str, str]]:
    name = digest.removeprefix("sha256:")
    folder = f"blobs/sha256/{name[:2]}"
    return [("sync", f"uploads/{upload}"), ("rename", f"{folder}/{name}"), ("sync", folder), METADATA]


def test_everything_acknowledged_is_synced_in_order(serve: Any, http_of: Any, tmp_path: Path) -> None:
    served = serve()
    ask = http_of(served)
    trace = tmp_path / "trace"
    one, two, three = b"one", b"two" * 50_000, b"three"
    config = {"digest": digest_of(one), "size": len(one)}
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()
    with traced(served.process.pid, trace, "-e", f"trace={CALLS}"):
        assert ask("POST", f"/v2/a/blobs/uploads/?digest={digest_of(one)}", one)[0] == 201
        upload = ask("POST", "/v2/a/blobs/uploads/")[1]["Location"]
        assert ask("PATCH", upload, two[:100_000])[0] == 202
        assert ask("PUT", f"{upload}?digest={digest_of(two)}", two[100_000:])[0] == 201
        whole = ask("POST", "/v2/a/blobs/uploads/")[1]["Location"]
        assert ask("PUT", f"{whole}?digest={digest_of(three)}", three)[0] == 201
        assert ask("POST", f"/v2/b/blobs/uploads/?mount={digest_of(one)}&from=a")[0] == 201
        assert ask("PUT", "/v2/a/manifests/t", manifest, Content_Type=MANIFEST)[0] == 201
        assert ask("PUT", f"/v2/a/manifests/{digest_of(manifest)}", manifest, Content_Type=MANIFEST)[0] == 201
        assert ask("DELETE", "/v2/a/manifests/t")[0] == 202
        assert ask("DELETE", f"/v2/a/blobs/{digest_of(three)}")[0] == 202
        assert ask("DELETE", f"/v2/a/manifests/{digest_of(manifest)}")[0] == 202
        cancelled = ask("POST", "/v2/a/blobs/uploads/")[1]["Location"]
        assert ask("DELETE", cancelled)[0] == 204
    first, second = upload.rpartition("/")[2], whole.rpartition("/")[2]
    groups = list(by_reply(events(trace, served.data)))
    assert len(groups) == 14
    single = next(path.removeprefix("uploads/") for what, path in groups[0] if path.startswith("uploads/"))
    expected = [
        blob_order(digest_of(one), single),
        [METADATA],
        [("sync", f"uploads/{first}"), ("sync", "uploads"), METADATA],
        blob_order(digest_of(two), first),
        [METADATA],
        blob_order(digest_of(three), second),
        *[[METADATA]] * 8,
    ]
    for number, (wanted, group) in enumerate(zip(expected, groups, strict=True)):
        assert in_order(wanted, group), (number, wanted, group)
        assert group[-1] == METADATA, (number, group)


def wait_health(ask: Any, status: str) -> Any:
    """The health, which is probed once a second at most."""
    for _ in range(400):
        document = json.loads(ask("GET", "/api/registry/health")[2])
        if document["status"] == status:
            return document
    pytest.fail(f"never {status}: {document}")


@pytest.mark.parametrize("call", ["fsync", "fdatasync"])
def test_after_a_failed_sync_nothing_is_written_and_the_health_says_so(
    serve: Any, http_of: Any, tmp_path: Path, call: str
) -> None:
    served = serve()
    ask = http_of(served)
    kept, lost = b"kept", b"lost"
    assert ask("POST", f"/v2/a/blobs/uploads/?digest={digest_of(kept)}", kept)[0] == 201
    with traced(served.process.pid, tmp_path / "trace", "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when=1"):
        assert ask("POST", f"/v2/a/blobs/uploads/?digest={digest_of(lost)}", lost)[0] == 500
    # The disk would say that all is well now; nobody asks it.
    for method, path, body in (
        ("POST", f"/v2/a/blobs/uploads/?digest={digest_of(lost)}", lost),
        ("POST", "/v2/a/blobs/uploads/", b""),
        ("DELETE", f"/v2/a/blobs/{digest_of(kept)}", b""),
    ):
        assert ask(method, path, body)[0] == 500
    assert ask("HEAD", f"/v2/a/blobs/{digest_of(lost)}")[0] == 404
    assert ask("GET", f"/v2/a/blobs/{digest_of(kept)}")[2] == kept
    document = wait_health(ask, "unhealthy")
    assert not document["checks"]["databaseConnectivity"]
    assert "refused until a restart" in document["message"]
    with Monitor(served.url) as monitor:
        assert monitor.get_health().status == "unhealthy"
    assert served.stop() == 0
    again = http_of(serve(data=served.data))
    assert again("GET", f"/v2/a/blobs/{digest_of(kept)}")[2] == kept
    assert again("POST", f"/v2/a/blobs/uploads/?digest={digest_of(lost)}", lost)[0] == 201
    assert json.loads(again("GET", "/api/registry/health")[2])["status"] == "healthy"
