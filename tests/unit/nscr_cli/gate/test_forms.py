"""What a manifest of each media type must look like, and what nobody may be accused of."""

import json
from typing import Any

import pytest

from nscr_cli.gate.forms import fault_of, is_digest

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DIGEST = "sha256:" + "0" * 64
DESCRIPTOR = {"mediaType": "application/octet-stream", "digest": DIGEST, "size": 3}
IMAGE = {"schemaVersion": 2, "config": DESCRIPTOR, "layers": [DESCRIPTOR]}


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


def told(document: Any, media_type: str) -> tuple[str, str] | None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fault = fault_of(body, media_type)
    return (fault.what.partition(" bytes: ")[2], fault.clause) if fault is not None else None


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        (IMAGE, OCI),
        (IMAGE | {"layers": []}, OCI),
        (IMAGE | {"layers": None}, OCI),  # so Go writes a list of nothing
        (IMAGE | {"subject": None, "artifactType": "x/y"}, OCI),
        (IMAGE | {"schemaVersion": 2.0}, OCI),
        (IMAGE | {"config": DESCRIPTOR | {"digest": "multihash+base58:QmRZxt2b"}}, OCI),
        (IMAGE | {"config": DESCRIPTOR | {"digest": "sha512:" + "a" * 128, "size": 0}}, OCI),
        (IMAGE | {"config": DESCRIPTOR | {"size": 2**63 - 1}}, OCI),
        (json.dumps(IMAGE)[:-1].encode() + b',"annotations":{"a":"\\ud800"},"far":1e999}', OCI),
        (json.dumps(IMAGE)[:-1].encode() + b',"annotations":{"a":"\xff"}}', OCI),
        (b'{"a":' * 100_000, OCI),  # too deep to be read here: no fault of anybody's
        ({"schemaVersion": 2, "manifests": []}, INDEX),
        ({"schemaVersion": 2, "manifests": None}, INDEX),
        (without(IMAGE, "layers") | {"layers": [without(DESCRIPTOR, "mediaType")]}, DOCKER),
        ({"schemaVersion": 2, "manifests": [without(DESCRIPTOR, "mediaType")]}, DOCKER_LIST),
        ({"schemaVersion": 1, "fsLayers": []}, "application/vnd.docker.distribution.manifest.v1+json"),
        ({"blobs": 5}, "application/vnd.oci.artifact.manifest.v1+json"),
        (b"no JSON", "application/x-unknown"),
        (b"no JSON", ""),
    ],
)
def test_nobody_is_accused(document: Any, media_type: str) -> None:
    assert told(document, media_type) is None


@pytest.mark.parametrize(
    ("document", "media_type", "what"),
    [
        (b"<html>", OCI, "no JSON"),
        (b"", INDEX, "no JSON"),
        ([], INDEX, "a list in JSON, and no object"),
        (None, OCI, "null in JSON, and no object"),
        (without(IMAGE, "schemaVersion"), OCI, "schemaVersion is missing"),
        (IMAGE | {"schemaVersion": 1}, OCI, "schemaVersion is 1, and not 2"),
        (IMAGE | {"schemaVersion": "2"}, DOCKER, 'schemaVersion is "2", and not 2'),
        (IMAGE | {"schemaVersion": True}, OCI, "schemaVersion is true, and not 2"),
        (without(IMAGE, "config"), OCI, "config is missing"),
        (without(IMAGE, "config"), DOCKER, "config is missing"),
        (IMAGE | {"config": [DESCRIPTOR]}, OCI, "config is a list, and no descriptor"),
        (IMAGE | {"config": None}, DOCKER, "config is null, and no descriptor"),
        (IMAGE | {"config": without(DESCRIPTOR, "digest")}, OCI, "config.digest is missing"),
        (IMAGE | {"config": without(DESCRIPTOR, "size")}, DOCKER, "config.size is missing"),
        (IMAGE | {"config": without(DESCRIPTOR, "mediaType")}, OCI, "config.mediaType is missing"),
        (IMAGE | {"config": {}}, OCI, "config.mediaType is missing, and 2 more"),
        (without(IMAGE, "layers"), OCI, "layers is missing"),
        (without(IMAGE, "layers"), DOCKER, "layers is missing"),
        (IMAGE | {"layers": {"a": 1}}, OCI, "layers is an object, and not a list"),
        (IMAGE | {"layers": [DESCRIPTOR, 5]}, OCI, "layers[1] is a number, and no descriptor"),
        (IMAGE | {"subject": "x"}, OCI, "subject is a text, and no descriptor"),
        ({"schemaVersion": 2}, INDEX, "manifests is missing"),
        ({"schemaVersion": 2, "manifests": "x" * 99}, DOCKER_LIST, f'manifests is "{"x" * 38}…, and not a list'),
        *(
            ({"schemaVersion": 2, "manifests": [DESCRIPTOR | {"size": size}]}, INDEX,
             f"manifests[0].size is {json.dumps(size)}, and not a size in bytes")
            for size in (-1, 2**63, 1.5, True, None, "3")
        ),
        (IMAGE | {"config": DESCRIPTOR | {"digest": "sha256:ABC"}}, OCI,
         'config.digest is "sha256:ABC", which no digest can be'),
        (IMAGE | {"config": DESCRIPTOR | {"digest": "nothing"}}, DOCKER,
         'config.digest is "nothing", which no digest can be'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(document: Any, media_type: str, what: str) -> None:
    found = told(document, media_type)
    assert found is not None
    assert found[0] == what
    is_of_docker = media_type.startswith("application/vnd.docker") and "no digest" not in what
    assert found[1].startswith("https://distribution.github.io/" if is_of_docker else "image-spec ")


@pytest.mark.parametrize("digest", ["", "sha256:", f"sha256:{'0' * 63}", f"SHA256:{'0' * 64}", "a:b/c", "a b:c"])
def test_no_digest(digest: str) -> None:
    assert not is_digest(digest)
