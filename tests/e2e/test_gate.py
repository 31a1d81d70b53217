"""The gate against registries that are honest, busy, empty, and lying in one way each."""

import csv
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from tests.e2e.fake_registry import CONFIG, IMAGE, LAYER, LIST, REPOSITORY, Answer, FakeRegistry, served
from tests.e2e.images import INDEX, MANIFEST, descriptor, digest_of, image, push_bytes, push_image

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

Gate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def gate(nscr_program: str, tmp_path: Path) -> Gate:
    def run(url: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
        ours = ("NSCR_", "GITHUB_", "CI")  # where these tests run must not decide how the gate prints
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.run(
            [nscr_program, "gate", "--registry-url", url, *flags],
            cwd=tmp_path, env=kept | environment, timeout=120, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def gate_here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`nscr gate` in this very process, without the pauses before it looks again: nobody else writes."""
    monkeypatch.setattr("nscr_cli.gate.walk.PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("nscr_cli.gate.monitoring.PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("nscr_cli.gate.monitoring.SNAPSHOT_PAUSE_S", 0.0)
    for name in [name for name in os.environ if name.startswith("NSCR_")]:
        monkeypatch.delenv(name)
    return lambda url, *flags: CliRunner().invoke(app, ["gate", "--registry-url", url, *flags])


def found(printed: str) -> set[tuple[str, str]]:
    """Check and rule of each finding of a `--json` answer."""
    checks = json.loads(printed)["checks"]
    return {(check["check"], finding["rule"]) for check in checks for finding in check["findings"]}


def manifest_path(reference: str) -> str:
    return f"/v2/{REPOSITORY}/manifests/{reference}"


def blob_path(data: bytes) -> str:
    return f"/v2/{REPOSITORY}/blobs/{digest_of(data)}"


def cut_blob(fake: FakeRegistry) -> None:
    fake.lie("GET", blob_path(LAYER), 200, LAYER[:-9])


def interrupted_blob(fake: FakeRegistry) -> None:
    fake.lie("GET", blob_path(LAYER), 200, LAYER[:-9], Content_Length=str(len(LAYER)))


def missing_blob(fake: FakeRegistry) -> None:
    del fake.blobs[digest_of(LAYER)]
    del fake.documents["/api/registry/state"]


def missing_child(fake: FakeRegistry) -> None:
    del fake.manifests[digest_of(IMAGE)]
    fake.tags.pop("v1")
    del fake.documents["/api/registry/state"]


def dead_tag(fake: FakeRegistry) -> None:
    for method in ("GET", "HEAD"):
        fake.lie(method, manifest_path("v1"), 404)


def failing_tag(fake: FakeRegistry) -> None:
    for method in ("GET", "HEAD"):
        fake.lie(method, manifest_path("v1"), 500)


def wrong_manifest(fake: FakeRegistry) -> None:
    headers = {"Content_Type": MANIFEST, "Docker_Content_Digest": digest_of(IMAGE)}
    fake.lie("GET", manifest_path(digest_of(IMAGE)), 200, IMAGE.replace(b'"size"', b'"sizE"'), **headers)


def head_says_404(fake: FakeRegistry) -> None:
    fake.lie("HEAD", blob_path(LAYER), 404)


def head_says_other_length(fake: FakeRegistry) -> None:
    fake.lie("HEAD", blob_path(LAYER), 200, Content_Length=str(len(LAYER) + 1))


def head_says_other_digest(fake: FakeRegistry) -> None:
    headers = {"Content_Type": MANIFEST, "Docker_Content_Digest": digest_of(LIST)}
    fake.lie("HEAD", manifest_path("v1"), 200, IMAGE, **headers)


def head_says_other_type(fake: FakeRegistry) -> None:
    headers = {"Content_Type": "text/html", "Docker_Content_Digest": digest_of(IMAGE)}
    fake.lie("HEAD", manifest_path("v1"), 200, IMAGE, **headers)


def changed(path: str, *keys: str | int, to: Any) -> Callable[[FakeRegistry], None]:
    def change(fake: FakeRegistry) -> None:
        document = fake.documents[path]
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to

    return change


STATE, DETAILS = "/api/registry/state", f"/api/registry/repositories/{REPOSITORY}"


def uncatalogued(fake: FakeRegistry) -> None:
    """A repository that state and /v2 know, and the catalog does not."""
    other = {"name": "team/other", "tagCount": 1, "tags": ["v1"]}
    fake.documents[STATE]["repositories"].append(other)
    for document, keys in (
        (STATE, ("summary", "totalRepositories")),
        ("/api/registry/health", ("metrics", "totalRepositories")),
    ):
        changed(document, *keys, to=2)(fake)
    fake.lie("GET", "/v2/team/other/tags/list", 200, b'{"tags":["v1"]}')


STUCK = [{"id": "u1", "startTime": 1, "lastActivity": 2, "blobCount": 1, "duration": 9_999_999}]


def stuck_session(fake: FakeRegistry) -> None:
    fake.documents["/api/registry/sessions"] |= {"activeSessions": STUCK, "totalActiveSessions": 1}


@pytest.mark.parametrize(
    ("lie", "check", "rule"),
    [
        (cut_blob, "content", "wrong-content"),
        (interrupted_blob, "content", "cut-off"),
        (missing_blob, "closure", "missing-blob"),
        (missing_child, "closure", "missing-manifest"),
        (dead_tag, "tags", "unresolved-tag"),
        (failing_tag, "tags", "unreadable-tag"),
        (wrong_manifest, "content", "wrong-content"),
        (head_says_404, "agreement", "head-get-status"),
        (head_says_other_length, "agreement", "head-get-length"),
        (head_says_other_digest, "agreement", "head-get-digest"),
        (head_says_other_type, "agreement", "head-get-type"),
        (changed(STATE, "summary", "totalBlobs", to=3), "totals", "totals"),
        (changed(STATE, "summary", "totalRepositories", to=2), "monitoring", "repository-count"),
        (changed(STATE, "summary", "orphanedManifests", to=1), "monitoring", "orphaned-manifests"),
        (changed(STATE, "summary", "totalManifests", to=1), "monitoring", "manifest-count"),
        (changed(STATE, "repositories", 0, "tags", to=["latest", "v2"]), "monitoring", "hidden-tag"),
        (uncatalogued, "monitoring", "uncatalogued-repository"),
        (changed(STATE, "repositories", 0, "tagCount", to=9), "monitoring", "tag-count"),
        (changed(DETAILS, "tags", 1, "digest", to=digest_of(LIST)), "monitoring", "wrong-digest"),
        (changed(DETAILS, "tags", 1, "hasManifest", to=False), "monitoring", "no-manifest"),
        (changed(DETAILS, "tags", to=[]), "monitoring", "hidden-tag"),
        (changed("/api/registry/blobs", "blobs", 0, "size", to=1), "monitoring", "wrong-size"),
        (changed("/api/registry/blobs", "blobs", to=[]), "monitoring", "hidden-blob"),
        (changed("/api/registry/blobs", "totalBlobs", to="two"), "monitoring", "malformed"),
        (changed("/api/garbage-collect/stats", "unreferencedBlobs", to=1), "totals", "totals"),
        (changed("/api/registry/health", "status", to="degraded"), "health", "unhealthy"),
        (changed("/api/registry/health", "checks", "databaseConnectivity", to=False), "health", "unhealthy"),
        (changed("/api/registry/sessions", "totalActiveSessions", to=4), "sessions", "session-count"),
        (stuck_session, "sessions", "stuck-session"),
    ],
)  # fmt: skip
def test_each_lie_is_found(
    gate_here: Callable[..., Any], lie: Callable[[FakeRegistry], None], check: str, rule: str
) -> None:
    fake = FakeRegistry()
    lie(fake)
    with served(fake) as url:
        done = gate_here(url, "--deep", "--sparse-indexes", "forbidden", "--json")
    assert done.exit_code == 1, done.output
    assert (check, rule) in found(done.stdout), done.stdout
    assert json.loads(done.stdout)["verdict"] == "INVALID"


@pytest.mark.parametrize("status", [401, 502])
def test_what_is_turned_away_is_undecided(gate_here: Callable[..., Any], status: int) -> None:
    fake = FakeRegistry()
    for path in (blob_path(LAYER), "/api/registry/blobs"):
        for method in ("GET", "HEAD"):
            fake.lie(method, path, status)
    with served(fake) as url:
        done = gate_here(url, "--deep", "--json")
    assert done.exit_code == 3, done.output
    assert not found(done.stdout), done.stdout
    assert f"/api/registry/blobs: answers {status}" in done.stdout


@pytest.mark.parametrize("which", [1, 2])
def test_what_was_turned_away_once_is_asked_for_again(gate_here: Callable[..., Any], which: int) -> None:
    asked: list[str] = []

    class Fake(FakeRegistry):
        def answer(self, method: str, path: str) -> Any:
            asked.append(path)
            is_turned_away = path in ("/api/registry/blobs", DETAILS) and asked.count(path) == which
            return (503, {}, b"") if is_turned_away else super().answer(method, path)

    with served(Fake()) as url:
        done = gate_here(url, "--deep", "--json")
    assert done.exit_code == 0, done.output
    assert asked.count("/api/registry/blobs") > which


def test_honest_without_reading_the_blobs(gate: Gate) -> None:
    with served(FakeRegistry()) as url:
        done = gate(url, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["counts"]["blobs"], answer["counts"]["blobs_read"]) == ("VALID", 2, 0)
    assert "--deep" in answer["skipped"]["content of blobs"]


@pytest.mark.parametrize(
    ("lie", "check", "rule"),
    [
        (missing_blob, "closure", "missing-blob"),
        (head_says_404, "closure", "missing-blob"),
        (head_says_other_length, "closure", "wrong-size"),
    ],
)
def test_without_reading_them_blobs_are_there_and_as_long_as_manifests_say(
    gate_here: Callable[..., Any], lie: Callable[[FakeRegistry], None], check: str, rule: str
) -> None:
    fake = FakeRegistry()
    lie(fake)
    with served(fake) as url:
        done = gate_here(url, "--json")
    assert done.exit_code == 1, done.output
    assert (check, rule) in found(done.stdout), done.stdout


def test_honest(gate: Gate, tmp_path: Path) -> None:
    with served(FakeRegistry()) as url:
        done = gate(url, "--deep", "--json", "--csv", str(tmp_path / "gate.csv"))
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["verdict"] == "VALID"
    assert answer["counts"] == {
        "repositories": 1, "tags": 2, "manifests": 2, "blobs": 2, "blobs_read": 2,
        "bytes_hashed": 3 * len(IMAGE) - len(IMAGE) + 2 * len(LIST) + len(CONFIG) + len(LAYER),
    }  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "gate.csv").read_text().splitlines()))
    assert [row["check"] for row in rows] == [
        "tags", "agreement", "content", "closure", "monitoring", "totals", "health", "sessions",
        "manifests without a tag",
    ]  # fmt: skip
    assert [row["verdict"] for row in rows] == ["VALID"] * 8 + ["SKIPPED"]
    assert rows[-1]["explanation"].endswith("2 manifests; the registry counts 2 manifests in all")


def test_without_the_monitoring_api_it_is_skipped_and_said_so(gate: Gate) -> None:
    fake = FakeRegistry()
    fake.documents.clear()
    with served(fake) as url:
        done = gate(url)
        page = fake.lie("GET", "/api/registry/state", 200, b"<html>portal</html>")
        again = gate(url, "--json")
    assert page is None
    assert (done.returncode, again.returncode) == (0, 0)
    assert "monitoring, totals, health, sessions skipped: the registry does not offer it" in done.stdout
    assert [check["check"] for check in json.loads(again.stdout)["checks"]] == [
        "tags", "agreement", "content", "closure"
    ]  # fmt: skip


def test_a_monitoring_api_that_fails_is_not_called_absent(gate: Gate) -> None:
    fake = FakeRegistry()
    fake.lie("GET", "/api/registry/state", 500)
    with served(fake) as url:
        done = gate(url)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "/api/registry/state: answers 500" in done.stdout


@pytest.mark.parametrize("document", [{"hello": 1}, {"summary": "none"}, "<html>"])
def test_a_state_of_another_form_is_told_where_the_rest_of_the_api_answers(
    gate_here: Callable[..., Any], document: Any
) -> None:
    fake = FakeRegistry()
    fake.documents[STATE] = document
    with served(fake) as url:
        done = gate_here(url, "--json")
    assert done.exit_code == 1, done.output
    (finding,) = [finding for check in json.loads(done.stdout)["checks"] for finding in check["findings"]]
    assert (finding["rule"], finding["key"]) == ("malformed", STATE)
    verdicts = {check["check"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
    # What needs no state is judged; what cannot be compared with one is not called busy.
    assert {name: verdicts[name] for name in ("totals", "health", "sessions")} == {
        "totals": "UNKNOWN", "health": "VALID", "sessions": "VALID"
    }  # fmt: skip
    assert "busy" not in done.stdout


def test_a_registry_that_answers_every_path_with_a_document_has_no_api(gate_here: Callable[..., Any]) -> None:
    class Portal(FakeRegistry):
        def answer(self, method: str, path: str) -> Answer:
            return (200, {}, b'{"status": "ok"}') if path.startswith("/api/") else super().answer(method, path)

    with served(Portal()) as url:
        done = gate_here(url)
    assert done.exit_code == 0, done.output
    assert "skipped: the registry does not offer it (200 with something else)" in done.output


def test_an_image_that_names_no_configuration_is_a_finding(gate: Gate) -> None:
    fake = FakeRegistry()
    media_type = "application/vnd.oci.image.manifest.v1+json"
    body = json.dumps({"schemaVersion": 2, "mediaType": media_type}).encode()
    fake.documents.clear()
    fake.manifests[digest_of(body)] = (media_type, body)
    fake.tags["empty"] = digest_of(body)
    with served(fake) as url:
        done = gate(url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "malformed-manifest" in done.stdout
    assert "config is missing, and 1 more (needed by team/app:empty; tagged empty)" in done.stdout


@pytest.mark.parametrize("media_type", [MANIFEST, INDEX])
def test_manifests_without_their_form_are_findings_and_their_tags_are_named(
    gate_here: Callable[..., Any], media_type: str
) -> None:
    fake = FakeRegistry()
    fake.documents.clear()
    body = json.dumps({"schemaVersion": 2, "config": [], "layers": [descriptor(LAYER, "a/b") | {"size": -1}]}).encode()
    fake.manifests[digest_of(body)] = (media_type, body)
    fake.tags |= {"odd": digest_of(body), "odd2": digest_of(body)}
    fake.manifests["sha256:" + "1" * 64] = ("application/vnd.docker.distribution.manifest.v1+prettyjws", b"{}")
    fake.tags["old"] = "sha256:" + "1" * 64
    with served(fake) as url:
        done = gate_here(url, "--json")
    assert done.exit_code == 1, done.output
    answer = json.loads(done.stdout)
    (finding,) = [finding for check in answer["checks"] for finding in check["findings"]]
    assert (finding["rule"], finding["key"]) == ("malformed-manifest", f"{REPOSITORY}@{digest_of(body)}")
    assert finding["clause"].startswith("image-spec ")
    assert "tagged odd, odd2" in finding["explanation"]
    assert "schema 1" in answer["skipped"]["closure (other-form)"]


@pytest.mark.parametrize("name", ["team/shop:1.1", "team/shop@sha256:0", "a b", "/a"])
def test_a_tag_is_no_repository(gate: Gate, name: str) -> None:
    done = gate("http://127.0.0.1:1", "--repository", name)
    assert done.returncode == 2
    assert f"--repository '{name}' is no name of a repository" in done.stderr
    assert ("not a tag or digest: --repository team/shop" in done.stderr) == name.startswith("team")


def test_no_catalog_and_no_repository(gate: Gate) -> None:
    fake = FakeRegistry()
    fake.lie("GET", "/v2/_catalog", 404)
    with served(fake) as url:
        done = gate(url)
        named = gate(url, "--repository", REPOSITORY)
    assert done.returncode == 2
    assert "--repository" in done.stderr
    assert "VALID" not in done.stdout
    assert named.returncode == 0, named.stdout + named.stderr


def test_a_catalog_that_leads_back_to_a_page_already_read(gate: Gate) -> None:
    fake = FakeRegistry()
    page = json.dumps({"repositories": [REPOSITORY]}).encode()
    for path in ("/v2/_catalog", "/v2/_catalog?n=1&last=a"):
        fake.lie("GET", path, 200, page, Link='</v2/_catalog?n=1&last=a>; rel="next"')
    with served(fake) as url:
        done = gate(url)
    assert (done.returncode, done.stdout) == (5, "")
    assert "200 with a Link that leads back to a page already read" in done.stderr


def test_a_named_repository_that_is_not_there_is_no_pass(gate: Gate) -> None:
    with served(FakeRegistry()) as url:
        done = gate(url, "--repository", REPOSITORY, "--repository", "team/lost")
    assert done.returncode == 3
    assert "team/lost: there is no such repository" in done.stdout


def test_an_empty_registry_is_unknown(gate: Gate) -> None:
    fake = FakeRegistry()
    fake.documents.clear()
    fake.lie("GET", "/v2/_catalog", 200, b'{"repositories":[]}')
    with served(fake) as url:
        done = gate(url)
    assert done.returncode == 3
    assert "nothing to judge" in done.stdout
    assert "VALID" not in done.stdout


def test_hostile_strings(gate: Gate, tmp_path: Path) -> None:
    fake = FakeRegistry()
    evil = "=1+1\x1b[2J|<b>[red]"
    fake.tags[evil] = digest_of(LIST)
    fake.lie("GET", f"/v2/{REPOSITORY}/tags/list", 200, json.dumps({"tags": [evil]}).encode())
    with served(fake) as url:
        outputs = [gate(url, "--format", name, "--csv", str(tmp_path / "gate.csv")) for name in ("plain", "markdown")]
        in_json = gate(url, "--json")
    assert all(output.returncode == 1 for output in outputs), outputs
    assert not any("\x1b" in output.stdout for output in [*outputs, in_json])
    assert "<b>" not in outputs[1].stdout
    assert "\x1b" not in (tmp_path / "gate.csv").read_text()


@pytest.mark.parametrize("content", [LAYER, LAYER + b"!"])
def test_blobs_elsewhere_are_read_there(gate_here: Callable[..., Any], content: bytes) -> None:
    fake, storage = FakeRegistry(), FakeRegistry()
    storage.lie("GET", blob_path(LAYER), 200, content)
    with served(storage) as there, served(fake) as url:
        for method in ("GET", "HEAD"):
            fake.lie(method, blob_path(LAYER), 307, Location=f"{there}{blob_path(LAYER)}")
        done = gate_here(url, "--deep", "--json")
    assert done.exit_code == (0 if content == LAYER else 1), done.output
    assert json.loads(done.stdout)["counts"]["blobs_read"] == 2


def test_blobs_elsewhere_are_unknown(gate: Gate) -> None:
    fake = FakeRegistry()
    for method in ("GET", "HEAD"):
        fake.lie(method, blob_path(LAYER), 307, Location="http://127.0.0.1:1/x?sig=secret-signature")
    with served(fake) as url:
        done = gate(url)
    assert done.returncode == 3, done.stdout
    assert "no connection while connecting" in done.stdout
    assert "secret-signature" not in done.stdout + done.stderr


@pytest.mark.parametrize("is_damaged", [False, True])
def test_interrupted(nscr_program: str, tmp_path: Path, is_damaged: bool) -> None:
    fake = FakeRegistry()
    if is_damaged:
        fake.lie("GET", blob_path(CONFIG), 200, b"?" * len(CONFIG))
    asked = threading.Event()
    held = threading.Event()
    honest = fake.answer

    def slow(method: str, path: str) -> Answer:
        if path == blob_path(LAYER):
            asked.set()
            held.wait(30)
        return honest(method, path)

    fake.answer = slow  # type: ignore[method-assign]
    with served(fake) as url:
        process = subprocess.Popen(
            # One at a time, in order: the configuration was read when the layer is.
            [nscr_program, "gate", "--registry-url", url, "--deep", "--json", "--workers", "1", "--csv", "gate.csv"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
        held.set()
    assert process.returncode == (1 if is_damaged else 130), stdout + stderr
    assert "Traceback" not in stderr
    told = json.loads(stdout)
    assert told["verdict"] == ("INVALID" if is_damaged else "UNKNOWN")
    assert [check["verdict"] for check in told["checks"] if not check["findings"]] == ["UNKNOWN"] * (4 - is_damaged)
    assert [one["rule"] for check in told["checks"] for one in check["findings"]] == ["wrong-content"] * is_damaged
    assert "partial: interrupted by SIGINT: not everything was looked at" in stdout
    assert "interrupted by SIGINT" in (tmp_path / "gate.csv").read_text()


def push(client: httpx.Client, repository: str, tag: str, salt: str) -> str:
    pushed = image(salt)
    push_image(client, repository, tag, pushed)
    return pushed.digest


def test_reference_registry_with_credentials(gate: Gate, serve: Callable[..., Any]) -> None:
    registry = serve("--username", "ann", "--password", "s3cret")
    with httpx.Client(base_url=registry.url, auth=("ann", "s3cret")) as client:
        for number in range(3):
            push(client, f"team/app{number % 2}", f"v{number}", str(number))
    done = gate(registry.url, "--json", NSCR_USERNAME="ann", NSCR_PASSWORD="s3cret")
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert (answer["counts"]["tags"], answer["counts"]["blobs"]) == (3, 6)
    assert {check["check"]: check["evidence"].get("tags") for check in answer["checks"]}["monitoring"] == 3
    in_url = gate(registry.url.replace("://", "://ann:s3cret@"))
    assert in_url.returncode == 0
    assert "s3cret" not in in_url.stdout + in_url.stderr
    refused = gate(registry.url)
    assert refused.returncode == 5
    assert "--username" in refused.stderr


def test_truncated_blobs_of_a_sabotaged_registry(gate: Gate, serve: Callable[..., Any]) -> None:
    registry = serve("--sabotage", "truncated-blob")
    with httpx.Client(base_url=registry.url) as client:
        for number in range(30):
            push(client, "team/app", f"v{number}", str(number))
    done = gate(registry.url, "--deep", "--json")
    assert done.returncode == 1, done.stdout
    assert ("content", "wrong-content") in found(done.stdout)


@contextmanager
def debian_registry(folder: Path) -> Iterator[str]:
    """Debian's docker-registry on a free port, which its log tells."""
    folder.mkdir()
    config = {
        "version": 0.1,
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0"},
    }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + 20
        while not (ready := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield f"http://{ready[1]}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.needs("docker-registry")
def test_debian_registry(gate: Gate, tmp_path: Path) -> None:
    with debian_registry(tmp_path / "registry") as url:
        with httpx.Client(base_url=url) as client:
            for number in range(5):
                push(client, "team/app", f"v{number}", str(number))
        honest = gate(url, "--deep", "--json")
        assert honest.returncode == 0, honest.stdout + honest.stderr
        assert json.loads(honest.stdout)["skipped"]
        data = tmp_path / "registry" / "data"
        flipped, gone, short = (image(name) for name in ("1", "2", "3"))
        for one in (flipped, gone, short):
            hexadecimal = one.layer_digest.removeprefix("sha256:")
            (path,) = data.rglob(f"blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data")
            content = path.read_bytes()
            if one is gone:
                path.unlink()
            else:
                path.write_bytes(content[:-1] + b"?" if one is flipped else content[:-9])
        broken = gate(url, "--deep", "--json")
        shallow = gate(url, "--json")
    assert broken.returncode == 1, broken.stdout
    lacking = {"missing-blob", "unreadable-blob"}
    told = {
        (finding["rule"], finding["key"].partition("@")[2])
        for check in json.loads(broken.stdout)["checks"]
        for finding in check["findings"]
    }
    assert ("wrong-content", flipped.layer_digest) in told
    assert {rule for rule, digest in told if digest == gone.layer_digest} <= lacking
    assert {digest for _, digest in told} == {one.layer_digest for one in (flipped, gone, short)}
    # HEAD tells of those that are gone or short, and not of wrong bytes.
    assert shallow.returncode == 1
    assert flipped.layer_digest not in shallow.stdout
    assert gone.layer_digest in shallow.stdout
    assert short.layer_digest in shallow.stdout


@pytest.mark.needs("docker-registry")
def test_a_sparse_index_of_debian_registry(gate: Gate, tmp_path: Path) -> None:
    """It takes no such index, but nobody can see that from outside: what it means is for the user to say."""
    with debian_registry(tmp_path / "registry") as url, httpx.Client(base_url=url) as client:
        child = image("child")
        push_image(client, "team/app", child.digest, child)
        listed = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(child.manifest, MANIFEST)]}
        push_bytes(client, "team/app", "all", json.dumps(listed).encode(), INDEX)
        client.delete(f"/v2/team/app/manifests/{child.digest}").raise_for_status()
        exits = {
            flags: gate(url, "--repository", "team/*", *flags).returncode
            for flags in ((), ("--sparse-indexes", "allowed"), ("--sparse-indexes", "forbidden"))
        }
    assert exits == {(): 3, ("--sparse-indexes", "allowed"): 0, ("--sparse-indexes", "forbidden"): 1}


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--junit", "{folder}"), "--junit"),
        (("--csv", "{folder}/none/x.csv"), "--csv"),
        (("--torture-for", "5s"), "--torture-for"),
        (("--namespace", "n"), "--namespace"),
        (("--i-may-torture", "host"), "--i-may-torture"),
        (("--seed", "1"), "--seed"),
        (("--json", "--format", "plain"), "--json"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused_before_the_first_request(
    gate: Gate, tmp_path: Path, flags: tuple[str, ...], named: str
) -> None:
    # Nobody listens there: a request would end with another exit code.
    done = gate("http://127.0.0.1:9", *(flag.format(folder=tmp_path) for flag in flags))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"nscr: {named} ")
    assert "hint: " in done.stderr


def test_a_file_that_cannot_be_written_at_the_end_hides_no_finding(gate: Gate) -> None:
    broken = FakeRegistry()
    dead_tag(broken)
    for fake, exit_code in ((FakeRegistry(), 5), (broken, 1)):
        with served(fake) as url:
            done = gate(url, "--repository", REPOSITORY, "--csv", "/dev/full")
        assert done.returncode == exit_code
        assert "name another file" in done.stderr
        assert "VALID" in done.stdout
