"""spec.md "Content Management": deletion of a tag, a manifest, a blob, each exact."""

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

ABSENT = "sha256:" + "0" * 64


def status(registry: Any, target: str) -> int:
    return int(registry("GET", target).status_code)


def test_deleting_a_tag_takes_that_tag_alone(registry: Any, repository: str) -> None:
    digest = registry.push(repository, "one")
    registry.push(repository, "two")
    assert registry("DELETE", f"/v2/{repository}/manifests/one").status_code == 202
    assert registry("DELETE", f"/v2/{repository}/manifests/one").status_code == 404
    assert status(registry, f"/v2/{repository}/manifests/one") == 404
    for reference in ("two", digest):
        assert status(registry, f"/v2/{repository}/manifests/{reference}") == 200


def test_deleting_a_manifest_takes_its_tags_here_and_nothing_else(registry: Any, repository: str) -> None:
    digest = registry.push(repository, "one")
    registry.push(repository, "two")
    registry.push(repository, "three", b"other")
    registry.push(f"{repository}/elsewhere", "one")
    assert registry("DELETE", f"/v2/{repository}/manifests/{digest}").status_code == 202
    for reference in ("one", "two", digest):
        assert status(registry, f"/v2/{repository}/manifests/{reference}") == 404
    for target in (f"{repository}/manifests/three", f"{repository}/elsewhere/manifests/one"):
        assert status(registry, f"/v2/{target}") == 200
    assert status(registry, f"/v2/{repository}/blobs/{registry.digest(b'{}')}") == 200


def test_deleting_a_blob_takes_it_from_this_repository(registry: Any, repository: str) -> None:
    for name in (repository, f"{repository}/elsewhere"):
        digest = registry.push_blob(name, b"blob")
    assert registry("DELETE", f"/v2/{repository}/blobs/{digest}").status_code == 202
    assert registry("DELETE", f"/v2/{repository}/blobs/{digest}").status_code == 404
    assert status(registry, f"/v2/{repository}/blobs/{digest}") == 404
    assert status(registry, f"/v2/{repository}/elsewhere/blobs/{digest}") == 200
    registry.push_blob(repository, b"blob")
    assert registry("GET", f"/v2/{repository}/blobs/{digest}").content == b"blob"


def test_what_was_deleted_comes_back_with_a_push(registry: Any, repository: str) -> None:
    digest = registry.push(repository, "one")
    registry("DELETE", f"/v2/{repository}/manifests/{digest}")
    assert status(registry, f"/v2/{repository}/tags/list") == 404
    assert registry.push(repository, "two") == digest
    assert registry("GET", f"/v2/{repository}/tags/list").json()["tags"] == ["two"]


@pytest.mark.parametrize("target", [f"manifests/{ABSENT}", "manifests/absent", f"blobs/{ABSENT}"])
def test_deleting_what_is_not_there(registry: Any, repository: str, target: str) -> None:
    registry.push(repository, "one")
    for name in (repository, f"{repository}/never"):
        assert registry("DELETE", f"/v2/{name}/{target}").status_code == 404


def test_deletes_on_a_condition(registry: Any, repository: str) -> None:
    digest = registry.push(repository, "one")
    assert registry("DELETE", f"/v2/{repository}/manifests/one", if_match='"other"').status_code == 412
    assert registry("DELETE", f"/v2/{repository}/manifests/one", if_match=f'"{digest}"').status_code == 202
