"""Monitor against `nscr serve`, and the program in docs/monitor.md as it stands."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from nscr_cli.client.monitoring import Monitor
from nscr_cli.errors import RepositoryUnknown, TargetRefused, TargetUnreachable
from tests.e2e.conftest import clean_environment
from tests.e2e.forward_proxy import forward_proxy

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DOCUMENT = Path(__file__).parents[2] / "docs" / "monitor.md"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SECRET = "a:b ü"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push(url: str, repository: str, tag: str, layers: list[bytes], auth: tuple[str, str] | None = None) -> str:
    """An image, and the digest of its manifest."""
    with httpx.Client(base_url=url, auth=auth, trust_env=False) as client:
        for blob in (b"{}", *layers):
            query = {"digest": digest_of(blob)}
            client.post(f"/v2/{repository}/blobs/uploads/", params=query, content=blob).raise_for_status()
        described = [{"mediaType": "application/octet-stream", "digest": digest_of(b), "size": len(b)} for b in layers]
        config = {"mediaType": "application/octet-stream", "digest": digest_of(b"{}"), "size": 2}
        body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described}).encode()
        put = client.put(f"/v2/{repository}/manifests/{tag}", content=body, headers={"Content-Type": MANIFEST})
        put.raise_for_status()
    return digest_of(body)


def test_what_a_registry_has(serve: Callable[..., Any]) -> None:
    served = serve("--username", "ann", "--password", SECRET)
    auth = ("ann", SECRET)
    digest = push(served.url, "team/deep/app", "1.0", [b"layer", b"another"], auth)
    with Monitor(served.url, *auth) as monitor:
        state = monitor.get_registry_state()
        assert [(one.name, one.tags) for one in state.repositories] == [("team/deep/app", ["1.0"])]
        assert (state.summary.total_repositories, state.summary.total_blobs, state.health.status) == (1, 3, "healthy")
        (tag,) = monitor.get_repository("team/deep/app").tags
        assert (tag.tag, tag.has_manifest, tag.digest) == ("1.0", True, digest)
        with pytest.raises(RepositoryUnknown, match="no repository 'team/deep'"):
            monitor.get_repository("team/deep")
        blobs = monitor.get_blobs().blobs
        assert {(one.digest, one.size) for one in blobs} == {
            (digest_of(one), len(one)) for one in (b"{}", b"layer", b"another")
        }
        assert monitor.get_health().metrics.total_blobs == 3
        assert monitor.get_garbage_collection_stats().unreferenced_blobs == 0

        assert monitor.get_sessions().active_sessions == []
        httpx.post(f"{served.url}/v2/team/deep/app/blobs/uploads/", auth=auth).raise_for_status()
        (session,) = monitor.get_sessions().active_sessions
        assert (session.repository, session.blob_count) == ("team/deep/app", 0)
        assert session.duration is not None
    for credentials in ((), ("ann", "wrong")):
        with Monitor(served.url, *credentials) as stranger, pytest.raises(TargetRefused, match="status 401"):
            stranger.get_health()


def test_blobs_in_pages_are_the_blobs(serve: Callable[..., Any]) -> None:
    served = serve()
    push(served.url, "app", "1", [f"layer {number}".encode() for number in range(6)])
    with Monitor(served.url) as monitor:
        blobs = monitor.get_blobs().blobs
        assert len(blobs) == 7
        for page_size in (1, 3, 6, 7, 8):
            assert list(monitor.iterate_blobs(page_size=page_size)) == blobs


def test_what_has_not_changed_is_not_sent_again(serve: Callable[..., Any]) -> None:
    served = serve()
    push(served.url, "app", "1", [b"layer"])
    with Monitor(served.url) as monitor:
        first, second = monitor.get_registry_state(), monitor.get_registry_state()
        assert first == second  # with the very time at which it was sent
        push(served.url, "app", "2", [b"other"])
        third = monitor.get_registry_state()
        assert third.repositories[0].tags == ["1", "2"]
        assert third.timestamp > second.timestamp


def test_watching_over_a_restart(serve: Callable[..., Any]) -> None:
    served = serve(comes_back=True)
    with Monitor(served.url) as monitor:
        watching = monitor.watch(sleep=lambda seconds: None)
        seen = next(watching)
        assert (seen.error, seen.health is not None and seen.health.status) == (None, "healthy")
        served.stop()
        assert isinstance(next(watching).error, TargetUnreachable)
        serve("--port", served.port, data=served.data)
        seen = next(watching)
        assert (seen.error, seen.state is not None) == (None, True)


@pytest.mark.needs("openssl")
def test_tls_and_a_proxy(serve: Callable[..., Any], tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:registry.test", "-keyout", key,
         "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    served = serve("--tls-cert", str(certificate), "--tls-key", str(key))
    for options in ({"ca_cert": certificate}, {"is_verified": False}):
        with Monitor(served.url, **options) as monitor:
            assert monitor.get_health().status == "healthy"
    with Monitor(served.url) as monitor, pytest.raises(TargetUnreachable, match="certificate verify failed"):
        monitor.get_health()
    origin = f"registry.test:{served.url.rpartition(':')[2]}"
    with forward_proxy("ann:s3cret") as proxy:
        with Monitor(f"https://{origin}", ca_cert=certificate, proxy=f"http://ann:s3cret@{proxy.address}") as monitor:
            assert monitor.get_health().status == "healthy"
        assert proxy.asked == [("CONNECT", origin)]


def test_the_program_in_the_document(serve: Callable[..., Any], tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    script = tmp_path / "check.py"
    script.write_text(program)
    served = serve(comes_back=True)
    digest = push(served.url, "team/app", "1", [b"x" * 1_000_001])

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script), served.url], capture_output=True, text=True, check=False,
            env=clean_environment(),
        )  # fmt: skip

    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{served.url}: healthy, 1 repositories",
        f"team/app:1 is {digest}",
        "1 blobs over 1 MB, 0 uploads open",
        "0 bytes to free",
    ]
    served.stop()
    done = run()
    assert done.returncode == 5
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr
