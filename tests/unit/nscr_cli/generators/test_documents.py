"""Manifests: unique to each write, and the references that the history keeps are those in the bytes."""

import hashlib
import json
from collections.abc import Callable

import pytest

from nscr_cli.generators.documents import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    configuration,
    convertible_configuration,
    docker_image,
    image,
    index,
)
from nscr_cli.history.invocation import Content

LAYERS = [Content.seeded("layer", 100), Content.of_bytes(b"")]


def an_image(nonce: str) -> Manifest:
    return image(configuration("shared"), LAYERS, nonce)


def a_docker_image(nonce: str) -> Manifest:
    return docker_image(configuration(nonce), LAYERS)


def an_index(nonce: str) -> Manifest:
    return index([an_image("child")], nonce)


EVERY_KIND = pytest.mark.parametrize(
    ("make", "media_type"),
    [(an_image, OCI_MANIFEST), (a_docker_image, DOCKER_MANIFEST), (an_index, OCI_INDEX)],
)


@EVERY_KIND
def test_two_writes_never_share_a_digest(make: Callable[[str], Manifest], media_type: str) -> None:
    assert make("1").digest != make("2").digest
    assert make("1").digest == make("1").digest


@EVERY_KIND
def test_its_references_are_those_in_its_bytes(make: Callable[[str], Manifest], media_type: str) -> None:
    manifest = make("1")
    raw = b"".join(manifest.content.chunks())
    document = json.loads(raw)
    assert manifest.media_type == document["mediaType"] == media_type
    assert manifest.digest == "sha256:" + hashlib.sha256(raw).hexdigest()
    descriptors = document.get("manifests") or [document["config"], *document["layers"]]
    assert [(one["digest"], one["size"]) for one in descriptors] == [
        (reference.digest, reference.size) for reference in manifest.references
    ]
    assert all(reference.is_manifest is ("manifests" in document) for reference in manifest.references)


def test_a_convertible_configuration_tells_of_each_layer() -> None:
    layers = [Content.seeded(str(number), 20) for number in range(2)]
    document = json.loads(b"".join(convertible_configuration("n", layers).chunks()))
    assert document["rootfs"]["diff_ids"] == [layer.digest for layer in layers]
    assert len(document["history"]) == 2
    assert convertible_configuration("n", layers).digest != convertible_configuration("m", layers).digest
