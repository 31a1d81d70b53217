"""Damage planted into the data folder of a running registry: each kind is found, by the rule that it breaks."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from tests.e2e.images import INDEX, MANIFEST, Image, digest_of, image, push_bytes, push_image

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

REPOSITORY = "team/app"
Damage = Callable[[Path, dict[str, Image]], None]


def blob_file(data: Path, digest: str) -> Path:
    (found,) = (data / "blobs").rglob(digest.removeprefix("sha256:"))
    return found


def in_database(statement: str, *values: object) -> Callable[[Path], None]:
    def change(data: Path) -> None:
        with closing(sqlite3.connect(data / "registry.sqlite3", timeout=20)) as connection, connection:
            assert connection.execute(statement, values).rowcount == 1, statement

    return change


def missing_blob(data: Path, images: dict[str, Image]) -> None:
    blob_file(data, images["v1"].layer_digest).unlink()


def truncated_blob(data: Path, images: dict[str, Image]) -> None:
    os.truncate(blob_file(data, images["v1"].layer_digest), 100)


def flipped_blob(data: Path, images: dict[str, Image]) -> None:
    path = blob_file(data, images["v1"].layer_digest)
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)


def other_manifest(data: Path, images: dict[str, Image]) -> None:
    one = images["v1"]
    other = one.manifest.replace(b'"schemaVersion"', b'"schemaversion"')
    in_database("UPDATE manifests SET content = ? WHERE digest = ?", other, one.digest)(data)


def missing_child(data: Path, images: dict[str, Image]) -> None:
    in_database("DELETE FROM manifests WHERE digest = ?", images["child"].digest)(data)


def dead_tag(data: Path, images: dict[str, Image]) -> None:
    in_database("UPDATE tags SET digest = ? WHERE name = 'v1'", digest_of(b"nothing"))(data)


def counted(change: str) -> Damage:
    return lambda data, images: in_database(f"UPDATE counters SET {change}")(data)  # noqa: S608 - from right here


def stuck_session(data: Path, images: dict[str, Image]) -> None:
    in_database("UPDATE uploads SET last_activity = last_activity - 7200000, started = started - 7200000")(data)


@pytest.fixture
def registry(serve: Callable[..., Any]) -> tuple[str, Path, dict[str, Image]]:
    """Three images, an index over one of them that no tag names itself, and an open upload."""
    served = serve()
    images = {name: image(name) for name in ("v1", "v2", "child")}
    with httpx.Client(base_url=served.url) as client:
        for name, one in images.items():
            push_image(client, REPOSITORY, one.digest if name == "child" else name, one)
        child = {"mediaType": MANIFEST, "digest": images["child"].digest, "size": len(images["child"].manifest)}
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).encode()
        push_bytes(client, REPOSITORY, "all", index, INDEX)
        client.post(f"/v2/{REPOSITORY}/blobs/uploads/").raise_for_status()
    return served.url, served.data, images


def gate_here(url: str, *flags: str) -> tuple[int, set[tuple[str, str]], str]:
    done = CliRunner().invoke(app, ["gate", "--registry-url", url, "--json", *flags])
    checks = json.loads(done.stdout)["checks"] if done.stdout.startswith("{") else []
    return done.exit_code, {(check["check"], one["rule"]) for check in checks for one in check["findings"]}, done.output


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes."""
    monkeypatch.setattr("nscr_cli.gate.walk.PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("nscr_cli.gate.monitoring.PAUSES_S", (0.0, 0.0))
    for name in [name for name in os.environ if name.startswith("NSCR_")]:
        monkeypatch.delenv(name)


def test_undamaged(registry: tuple[str, Path, dict[str, Image]]) -> None:
    url, _, _ = registry
    assert gate_here(url, "--deep")[:2] == (0, set())


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (missing_blob, {("closure", "missing-blob")}),
        (truncated_blob, {("closure", "missing-blob")}),
        (flipped_blob, {("closure", "missing-blob")}),  # it hashes before it serves, and then denies it
        (other_manifest, {("content", "wrong-content")}),
        (missing_child, {("closure", "missing-manifest")}),
        (dead_tag, {("tags", "unresolved-tag")}),
        (counted("orphaned_manifests = 1"), {("monitoring", "orphaned-manifests")}),
        (counted("blobs = blobs + 1"), {("totals", "totals")}),
        (counted("repositories = 2"), {("monitoring", "repository-count")}),
        (stuck_session, {("sessions", "stuck-session")}),
    ],
)
def test_each_damage_is_found(
    registry: tuple[str, Path, dict[str, Image]], damage: Damage, expected: set[tuple[str, str]]
) -> None:
    url, data, images = registry
    damage(data, images)
    exit_code, found, output = gate_here(url, "--deep")
    assert exit_code == 1, output
    assert expected <= found, output
