"""What both soaks need: `nscr serve` started and killed at will, and a client that pushes and checks images."""

import hashlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NSCR = str(Path(sys.executable).with_name("nscr"))
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Refused(Exception):
    """The registry answered, and not what it should."""


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Client:
    """One keep-alive connection."""

    host_port: str

    def __post_init__(self) -> None:
        self._http = http.client.HTTPConnection(self.host_port, timeout=60)

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
        self._http.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        reply = self._http.getresponse()
        return reply.status, reply.headers, reply.read()

    def get(self, method: str, path: str, body: bytes = b"", *, expect: int, **headers: str) -> Any:
        """Ask, and take only one status for an answer: headers and body."""
        status, told, content = self.ask(method, path, body, **headers)
        if status != expect:
            raise Refused(f"{method} {path}: {status}, not {expect}: {content[:300]!r}")
        return told, content

    def push_blob(self, repository: str, data: bytes) -> str:
        digest = digest_of(data)
        self.get("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data, expect=201)
        return digest

    def put_image(self, repository: str, tag: str, content: bytes) -> None:
        self.get("PUT", f"/v2/{repository}/manifests/{tag}", content, expect=201, Content_Type=MANIFEST)

    def check_image(self, repository: str, reference: str, digest: str) -> None:
        """The manifest and every byte below it."""
        _, content = self.get("GET", f"/v2/{repository}/manifests/{reference}", expect=200)
        if digest_of(content) != digest:
            raise Refused(f"{reference} holds {digest_of(content)}, not {digest}")
        document = json.loads(content)
        for blob in (document["config"], *document["layers"]):
            _, data = self.get("GET", f"/v2/{repository}/blobs/{blob['digest']}", expect=200)
            if digest_of(data) != blob["digest"]:
                raise Refused(f"{blob['digest']} of {reference} hashes to {digest_of(data)}")


def image(*blobs: bytes, name: str) -> bytes:
    described = [{"mediaType": "application/x", "digest": digest_of(blob), "size": len(blob)} for blob in blobs]
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described[0],
            "layers": described[1:],
            "annotations": {"name": name},
        }
    ).encode()


class Server:
    """`nscr serve` over one folder."""

    def __init__(self, data: Path, log: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        with log.open("a") as stderr:
            self.process = subprocess.Popen(
                [NSCR, "serve", "--host", "127.0.0.1", "--port", "0", "--data", str(data)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=environment,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = re.match(r"nscr: listening on http://(\S+:\d+)", line)
        if ready is None:
            self.end()
            raise Refused(f"it does not start: {line!r} {log.read_text()[-2000:]}")
        self.host_port = ready[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def soak_folder(tmp_path: Path) -> Path:
    """Where a soak works: one that is named is kept, and goes on where it was interrupted."""
    named = os.environ.get("NSCR_SOAK_FOLDER")
    folder = Path(named) if named else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("NSCR_SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"NSCR_SOAK_SEED={seed}")
    return random.Random(seed)
