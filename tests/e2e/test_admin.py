"""`nscr admin scrub` and `backup` beside a running server and without one."""

import contextlib
import hashlib
import http.client
import json
import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Run = Callable[..., tuple[int, Any, str]]


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def ask(served: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(served.host_port, timeout=60)
    try:
        connection.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def push_image(served: Any, tag: str, *blobs: bytes) -> bytes:
    for blob in blobs:
        assert ask(served, "POST", f"/v2/a/blobs/uploads/?digest={digest_of(blob)}", blob)[0] == 201
    config, *layers = [{"digest": digest_of(blob), "size": len(blob)} for blob in blobs]
    content = json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()
    assert ask(served, "PUT", f"/v2/a/manifests/{tag}", content, Content_Type=MANIFEST)[0] == 201
    return content


def stored(data: Path, blob: bytes) -> Path:
    name = digest_of(blob).removeprefix("sha256:")
    return data / "blobs" / "sha256" / name[:2] / name


@pytest.fixture
def admin(nscr_program: str) -> Run:
    def run(*arguments: object) -> tuple[int, Any, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        ended = subprocess.run(
            [nscr_program, "admin", *map(str, arguments)],
            capture_output=True, text=True, timeout=120, check=False, env=environment,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr, ended.stderr
        is_json = "--json" in arguments and ended.stdout
        return ended.returncode, json.loads(ended.stdout) if is_json else ended.stdout, " ".join(ended.stderr.split())

    return run


@pytest.mark.parametrize("runs", [True, False])
def test_a_scrub_finds_what_is_wrong_and_only_that(serve: Any, admin: Run, *, runs: bool) -> None:
    served = serve()
    blobs = [f"blob {number}".encode() for number in range(4)]
    push_image(served, "t", *blobs)
    if not runs:
        served.stop()
    code, report, _ = admin("scrub", "--data", served.data, "--json")
    assert (code, report["findings"], report["blobs"], report["manifests"]) == (0, [], 4, 1)
    stored(served.data, blobs[0]).write_bytes(b"blOb 0")
    stored(served.data, blobs[1]).unlink()
    stored(served.data, blobs[2]).write_bytes(b"short")
    stray = stored(served.data, blobs[3]).with_name("f" * 64)
    stray.write_bytes(b"stray")
    code, report, _ = admin("scrub", "--data", served.data, "--json")
    assert code == 1
    told = "\n".join(report["findings"])
    assert len(report["findings"]) == 4
    for words in ("hash to", "is missing", "holds 5 bytes, not 6", "belongs to no blob"):
        assert words in told
    assert digest_of(blobs[3]) not in told


@pytest.mark.parametrize("runs", [True, False])
def test_a_scrub_finds_a_counter_that_is_wrong(serve: Any, admin: Run, *, runs: bool) -> None:
    served = serve()
    push_image(served, "t", b"config", b"layer")
    if not runs:
        served.stop()
    with contextlib.closing(sqlite3.connect(served.data / "registry.sqlite3", timeout=30)) as database, database:
        database.execute("UPDATE counters SET unique_bytes = unique_bytes + 1")
    code, report, _ = admin("scrub", "--data", served.data, "--json")
    (finding,) = report["findings"]
    assert (code, "unique_bytes=12" in finding, "unique_bytes=11" in finding) == (1, True, True), finding


def test_a_backup_taken_under_load_is_restored(serve: Any, admin: Run, tmp_path: Path) -> None:
    served = serve()
    before = {f"t{number}": push_image(served, f"t{number}", os.urandom(50_000)) for number in range(10)}
    ended = threading.Event()
    during: dict[str, bytes] = {}

    def push() -> None:
        number = 0
        while not ended.is_set():
            during[f"during{number}"] = push_image(served, f"during{number}", os.urandom(3000))
            ask(served, "DELETE", f"/v2/a/manifests/{digest_of(push_image(served, 'gone', os.urandom(100)))}")
            ask(served, "POST", "/api/garbage-collect")
            number += 1

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        code, report, told = admin("backup", tmp_path / "copy", "--data", served.data, "--json")
    finally:
        ended.set()
        pusher.join()
    assert (code, report["damaged"]) == (0, []), told
    code, scrubbed, _ = admin("scrub", "--data", tmp_path / "copy", "--json")
    assert (code, scrubbed["findings"]) == (0, [])
    assert (scrubbed["blobs"], scrubbed["bytesRead"]) == (report["blobs"], report["bytes"])
    copy = serve(data=tmp_path / "copy")
    listed = json.loads(ask(copy, "GET", "/v2/a/tags/list")[1])["tags"]
    assert set(before) <= set(listed) <= {*before, *during, "gone"}
    for tag in listed:
        content = ask(copy, "GET", f"/v2/a/manifests/{tag}")[1]
        assert content == {**before, **during}.get(tag, content)
        for blob in (json.loads(content)["config"], *json.loads(content)["layers"]):
            assert digest_of(ask(copy, "GET", f"/v2/a/blobs/{blob['digest']}")[1]) == blob["digest"]
    push_image(copy, "after", b"works as ever")


def test_a_backup_of_damaged_content_says_so_in_the_copy_too(serve: Any, admin: Run, tmp_path: Path) -> None:
    served = serve()
    push_image(served, "t", b"whole", b"rotten")
    stored(served.data, b"rotten").write_bytes(b"rottEn")
    code, _, told = admin("backup", tmp_path / "copy", "--data", served.data)
    assert (code, digest_of(b"rotten") in told) == (1, True)
    copy = serve(data=tmp_path / "copy")
    assert ask(copy, "GET", f"/v2/a/blobs/{digest_of(b'whole')}")[1] == b"whole"
    assert ask(copy, "GET", f"/v2/a/blobs/{digest_of(b'rotten')}")[0] == 404
    assert json.loads(ask(copy, "GET", "/api/registry/health")[1])["status"] == "degraded"
    assert ask(copy, "POST", f"/v2/a/blobs/uploads/?digest={digest_of(b'rotten')}", b"rotten")[0] == 201
    assert json.loads(ask(copy, "GET", "/api/registry/health")[1])["status"] == "healthy"


def test_what_cannot_be_done_is_said_in_a_line(admin: Run, serve: Any, tmp_path: Path) -> None:
    code, _, told = admin("scrub", "--data", tmp_path / "absent")
    assert (code, "holds no registry" in told) == (5, True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    code, _, told = admin("backup", tmp_path / "full", "--data", serve().data)
    assert (code, "is not empty" in told) == (2, True)
