"""The programs and `curl | jq` lines of docs/external-api.md run against `nscr serve`, not a character changed.

They name http://localhost:7000, so registry and programs live in a network namespace of the test's own, where that
port is free whatever else the machine does.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nscr_cli.history.invocation import Content

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("root", "unshare", "nsenter", "ip", "timeout", "bash", "curl", "jq"),
]

DOCUMENT = Path(__file__).parents[2] / "docs" / "external-api.md"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
SECONDS = 3

Run = Callable[..., str]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)


@pytest.fixture
def in_namespace() -> Iterator[list[str]]:
    """The command prefix that runs a program in a fresh network namespace with loopback up."""
    holder = subprocess.Popen(
        ["unshare", "--net", "bash", "-c", "ip link set lo up && echo up && exec sleep 300"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
    holder.kill()
    holder.wait()
    holder.stdout.close()


@pytest.fixture
def run(in_namespace: list[str], tmp_path: Path, nscr_program: str) -> Iterator[Run]:
    """Runs a program beside a registry that holds one image `nginx:latest` and one open upload."""
    server = subprocess.Popen(
        [*in_namespace, nscr_program, "serve", "--data", str(tmp_path / "data"),
         "--username", "username", "--password", "password"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    assert "listening on http://127.0.0.1:7000" in server.stdout.readline()

    def run_for_a_while(command: list[str]) -> str:
        # Endless programs are ended by timeout(1), which then answers 124.
        done = subprocess.run(
            [*in_namespace, "timeout", "--kill-after=5", str(SECONDS), *command],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 124), f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    config = Content.of_bytes(b"{}")
    (tmp_path / "config").write_bytes(b"{}")
    (tmp_path / "manifest").write_text(
        f'{{"schemaVersion":2,"mediaType":"{MANIFEST_TYPE}","config":{{"mediaType":'
        f'"application/vnd.oci.image.config.v1+json","digest":"{config.digest}","size":{config.size}}},"layers":[]}}'
    )
    for method, path, body, media_type in (
        ("POST", f"/v2/nginx/blobs/uploads/?digest={config.digest}", "@config", "application/octet-stream"),
        ("PUT", "/v2/nginx/manifests/latest", "@manifest", MANIFEST_TYPE),
        ("POST", "/v2/nginx/blobs/uploads/", "", "application/octet-stream"),
    ):
        run_for_a_while([
            "curl", "-sSf", "-u", "username:password", "-X", method, "--data-binary", body,
            "-H", f"Content-Type: {media_type}", f"http://localhost:7000{path}",
        ])  # fmt: skip
    yield run_for_a_while
    server.terminate()
    assert server.wait(timeout=20) == 0
    server.stdout.close()


def test_python_client(run: Run, tmp_path: Path) -> None:
    (program,) = _blocks("python")
    (tmp_path / "client.py").write_text(program)
    output = run([sys.executable, "-u", "client.py"])
    assert output.splitlines()[:3] == ["Repositories: 1", "Health: healthy", "Active Sessions: 1"]
    assert "Error" not in output


def test_bash_script(run: Run, tmp_path: Path) -> None:
    (script,) = [block for block in _blocks("bash") if "monitor_registry" in block]
    (tmp_path / "monitor.sh").write_text(script)
    lines = run(["bash", "monitor.sh"]).splitlines()
    assert lines[1:6] == [
        "Health: healthy",
        "Repositories: 1",
        "Manifests: 1",
        "Blobs: 1",
        "Active Sessions: 1",
    ]


def test_every_curl_and_jq_line(run: Run) -> None:
    blocks = [block for block in _blocks("bash") if "monitor_registry" not in block]
    assert len(blocks) == 6
    state, summary, repositories, sessions, health, blobs = [
        run(["bash", "-o", "pipefail", "-c", block]) for block in blocks
    ]
    assert '"registryVersion"' in state
    assert '"totalManifests": 1' in summary
    assert repositories.splitlines() == ["Checking repository: nginx"]
    assert '"blobCount": 0' in sessions
    assert health == ""  # it speaks up only when the registry is not healthy
    assert blobs.strip().endswith(",1")
