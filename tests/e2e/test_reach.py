"""How a registry is reached: TLS with a certificate of one's own authority, and through a company's proxy."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.forward_proxy import forward_proxy
from tests.e2e.loads import load_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
PROXY_SECRET = "pr0xy-s3cret"
Nscr = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def nscr(nscr_program: str, tmp_path: Path) -> Nscr:
    """Runs `nscr` with no settings but those given."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        unwanted = {"NO_PROXY", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("NSCR_") and name not in unwanted
        }
        return subprocess.run(
            [nscr_program, *words], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=clean | environment
        )

    return run


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A folder with ca.pem, and with cert.pem and key.pem that it vouches for."""
    folder = tmp_path / "authority"
    folder.mkdir()
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:registry.test")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        ["req", "-x509", *new_key, "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"],
        ["req", *new_key, "-subj", "/CN=registry", "-keyout", "key.pem", "-out", "request.pem"],
        ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
         "-extfile", "names", "-out", "cert.pem"],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def serve_tls(serve: Callable[..., Any], authority: Path) -> Any:
    """A registry that speaks https only."""
    return serve("--tls-cert", str(authority / "cert.pem"), "--tls-key", str(authority / "key.pem"))


@pytest.mark.needs("openssl")
def test_a_private_authority(nscr: Nscr, serve_tls: Any, authority: Path) -> None:
    assert serve_tls.url.startswith("https://127.0.0.1:")
    place = {"NSCR_REGISTRY_URL": serve_tls.url}
    trusted = ("--ca-cert", str(authority / "ca.pem"))
    done = nscr("torture", *load_of(), "--workers", "4", "--seed", "11", "--keep", *trusted, **place)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        ("gate", "--format", "plain", *trusted),
        ("gate", "--format", "plain", "--insecure"),
        ("watch", "--for", "1s", *trusted),
    ):
        done = nscr(*words, **place)
        assert done.returncode == 0, done.stdout + done.stderr
    for verb in ("torture", "gate"):
        done = nscr(verb, **place)
        assert done.returncode == 5, done.stdout + done.stderr
        assert "certificate verify failed" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.needs("openssl")
def test_a_certificate_without_its_key_is_told(nscr: Nscr, authority: Path, tmp_path: Path) -> None:
    there = ("serve", "--port", "0", "--data", str(tmp_path / "data"), "--tls-cert", str(authority / "cert.pem"))
    for key, said in (
        ((), "give --tls-cert and --tls-key"),
        (("--tls-key", str(authority / "ca.key")), "cannot be used for https"),
        (("--tls-key", "absent.pem"), "cannot be used for https: No such file"),
    ):
        done = nscr(*there, *key)
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.needs("openssl")
def test_through_a_proxy(nscr: Nscr, serve: Callable[..., Any], authority: Path, tmp_path: Path, scheme: str) -> None:
    tls = ("--tls-cert", str(authority / "cert.pem"), "--tls-key", str(authority / "key.pem"))
    port = serve(*(tls if scheme == "https" else ())).host_port.rpartition(":")[2]
    origin = f"registry.test:{port}"
    with forward_proxy(f"ann:{PROXY_SECRET}") as proxy:
        place = {
            "NSCR_REGISTRY_URL": f"{scheme}://{origin}",
            "NSCR_CA_CERT": str(authority / "ca.pem"),
            "NSCR_PROXY": f"http://ann:{PROXY_SECRET}@{proxy.address}",
        }
        done = nscr(
            "torture",
            *load_of(),
            "--workers",
            "4",
            "--seed",
            "11",
            "--keep",
            "--i-may-torture",
            "registry.test",
            **place,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        methods = {method for method, where in proxy.asked if where == origin}
        assert methods >= ({"CONNECT"} if scheme == "https" else {"GET", "POST", "PUT", "PATCH", "DELETE"})
        assert len(methods) == 1 or scheme == "http"
        for words in (("gate", "--format", "plain"), ("watch", "--for", "1s")):
            before = len(proxy.asked)
            done = nscr(*words, **place)
            assert done.returncode == 0, done.stdout + done.stderr
            assert len(proxy.asked) > before
        wrong = place | {"NSCR_PROXY": f"http://ann:wrong@{proxy.address}"}
        refused = nscr("gate", **wrong)
        assert refused.returncode == 5
        assert "407" in refused.stderr
        # What NO_PROXY excepts is looked for directly, and nobody else knows where this host is.
        direct = nscr("gate", **place, NO_PROXY=".test")
        assert direct.returncode == 5
        asked = len(proxy.asked)
        loopback = nscr("gate", "--insecure", **(place | {"NSCR_REGISTRY_URL": f"{scheme}://127.0.0.1:{port}"}))
        assert loopback.returncode == 0, loopback.stdout + loopback.stderr
        assert len(proxy.asked) == asked
    kept = [path.read_text() for path in (tmp_path / "reports").rglob("*") if path.is_file()]
    assert not [text for text in (done.stdout, refused.stderr, *kept) if PROXY_SECRET in text]


def test_a_proxy_that_is_not_there_is_told(nscr: Nscr) -> None:
    done = nscr("gate", "--registry-url", "http://registry.test", "--proxy", "127.0.0.1:1")
    assert done.returncode == 5
    assert "the proxy 127.0.0.1:1 does not answer" in " ".join(done.stderr.split())
    faults = nscr(
        "torture", "lost-replies", "--registry-url", "http://registry.test", "--proxy", "127.0.0.1:1",
        "--i-may-torture", "registry.test",
    )  # fmt: skip
    assert faults.returncode == 2
    assert "leave out --proxy" in " ".join(faults.stderr.split())
    assert nscr("gate", "--registry-url", "http://registry.test", "--proxy", "ftp://x").returncode == 2
