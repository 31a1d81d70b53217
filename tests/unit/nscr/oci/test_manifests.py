import json

import pytest

from nscr.oci.digest import digest_of
from nscr.oci.errors import ErrorCode, InvalidInput
from nscr.oci.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Edge, EdgeKind, parse_manifest

CONFIG, LAYER, CHILD, SUBJECT = (digest_of(name) for name in (b"config", b"layer", b"child", b"subject"))
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def descriptor(digest: str, **more: object) -> dict[str, object]:
    return {"mediaType": "application/octet-stream", "digest": digest, "size": 7, **more}


def image(**changes: object) -> bytes:
    document = {"schemaVersion": 2, "config": descriptor(CONFIG), "layers": [descriptor(LAYER)]} | changes
    return json.dumps(document).encode()


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_edges_of_an_image(media_type: str) -> None:
    manifest = parse_manifest(image(subject=descriptor(SUBJECT)), media_type)
    assert manifest.media_type == media_type
    assert manifest.edges == (
        Edge(EdgeKind.BLOB, CONFIG, 7),
        Edge(EdgeKind.BLOB, LAYER, 7),
        Edge(EdgeKind.SUBJECT, SUBJECT, 7),
    )


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_edges_of_an_index(media_type: str) -> None:
    content = json.dumps({"schemaVersion": 2, "manifests": [descriptor(CHILD), descriptor(CHILD)]}).encode()
    assert parse_manifest(content, media_type).edges == (Edge(EdgeKind.CHILD, CHILD, 7),)


@pytest.mark.parametrize("layers", [[], None])
def test_an_artifact_without_layers(layers: object) -> None:
    assert parse_manifest(image(layers=layers), OCI_MANIFEST).edges == (Edge(EdgeKind.BLOB, CONFIG, 7),)


def test_a_repeated_layer_is_one_edge() -> None:
    content = image(layers=[descriptor(LAYER), descriptor(LAYER)])
    assert [edge.digest for edge in parse_manifest(content, OCI_MANIFEST).edges] == [CONFIG, LAYER]


@pytest.mark.parametrize("media_type", [FOREIGN, "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"])
def test_layers_that_live_elsewhere(media_type: str) -> None:
    content = image(layers=[descriptor(LAYER, mediaType=media_type)])
    assert parse_manifest(content, OCI_MANIFEST).edges[1].kind is EdgeKind.FOREIGN


def test_the_type_comes_from_the_header_or_the_field_or_the_shape() -> None:
    assert parse_manifest(image(), OCI_MANIFEST + "; charset=utf-8").media_type == OCI_MANIFEST
    assert parse_manifest(image(mediaType=DOCKER_MANIFEST), None).media_type == DOCKER_MANIFEST
    assert parse_manifest(image(), None).media_type == OCI_MANIFEST
    assert parse_manifest(b'{"schemaVersion":2,"manifests":[]}', None).media_type == OCI_INDEX


def test_an_unknown_type_is_kept() -> None:
    manifest = parse_manifest(b"not json", "application/x-something")
    assert (manifest.media_type, manifest.edges) == ("application/x-something", ())


def test_what_an_unknown_type_seems_to_reference_is_not_demanded_and_not_collected() -> None:
    document = {
        "config": descriptor(CONFIG),
        "blobs": [descriptor(LAYER), descriptor(LAYER), {"digest": "junk"}, {"digest": 7}, "text"],
        "fsLayers": [{"blobSum": CHILD}],
        "other": descriptor(SUBJECT),
    }
    manifest = parse_manifest(json.dumps(document).encode(), "application/vnd.oci.artifact.manifest.v1+json")
    assert manifest.edges == tuple(Edge(EdgeKind.FOREIGN, digest, 0) for digest in (CONFIG, LAYER, CHILD))


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", OCI_MANIFEST),
        (b"[]", OCI_MANIFEST),
        (b"[" * 100_000, OCI_MANIFEST),
        (b"not json", None),
        (image(schemaVersion=1), OCI_MANIFEST),
        (image(config=None), OCI_MANIFEST),
        (image(layers={}), OCI_MANIFEST),
        (image(layers=["x"]), OCI_MANIFEST),
        (image(config=descriptor("sha256:abc")), OCI_MANIFEST),
        (image(config={"size": 7}), OCI_MANIFEST),
        (image(config=descriptor(CONFIG, size=-1)), OCI_MANIFEST),
        (image(config=descriptor(CONFIG, size=True)), OCI_MANIFEST),
        (image(config=descriptor(CONFIG, size="7")), OCI_MANIFEST),
        (image(mediaType=OCI_INDEX), OCI_MANIFEST),
        (image(mediaType=OCI_MANIFEST), "application/json"),
        (image(mediaType=7), OCI_MANIFEST),
        (image(mediaType="a/b\r\nx: y"), None),
        (b"{}", "no type at all"),
    ],
)
def test_what_is_not_the_manifest_that_it_claims_to_be(content: bytes, content_type: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_manifest(content, content_type)
    assert caught.value.code is ErrorCode.MANIFEST_INVALID
