"""Manifests and configurations as bytes: OCI image-spec and Docker Image Manifest V2, Schema 2.

Every manifest that a run writes is unique, so that whatever is read says which write it came from: OCI manifests and
indexes carry the writer's nonce as an annotation, Docker manifests (which have none) in their configuration.
"""

from collections.abc import Sequence

import msgspec

from nscr_cli.history.annotations import annotations_word
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import Reference

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_NONCE = "nscr.write"
_WORDS = "signed by \u00e9, <&>"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest or index: its bytes, and the part of them that the history keeps.

    Attributes:
        subject: digest of the manifest that it refers to, and `artifact_type` what it is to it; only of artifacts,
            and so are `annotations`, as one word.
    """

    content: Content
    media_type: str
    references: tuple[Reference, ...]
    subject: str | None = None
    artifact_type: str | None = None
    annotations: str | None = None

    @property
    def digest(self) -> str:
        """Of its bytes."""
        return self.content.digest


def configuration(nonce: str) -> Content:
    """The configuration of an image of no platform in particular; unique to the nonce."""
    return _json({"architecture": "amd64", "os": "linux", "author": nonce, "rootfs": {"type": "layers"}})


def convertible_configuration(nonce: str, layers: Sequence[Content]) -> Content:
    """One with a history of its layers, as a registry needs to make a schema 1 manifest of a Docker image."""
    created = "2026-01-01T00:00:00Z"
    return _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "author": nonce,
            "created": created,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created": created, "created_by": "nscr"} for _ in layers],
        }
    )


def image(config: Content, layers: Sequence[Content], nonce: str) -> Manifest:
    """An OCI image manifest."""
    return _manifest(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(config, _OCI_CONFIG),
            "layers": [_descriptor(layer, _OCI_LAYER) for layer in layers],
            "annotations": {_NONCE: nonce},
        },
        OCI_MANIFEST,
        [Reference(blob.digest, False, blob.size) for blob in (config, *layers)],
    )


def artifact(config: Content, subject: Manifest, artifact_type: str, nonce: str) -> Manifest:
    """An OCI image manifest that refers to another manifest: a signature, an attestation and their kind."""
    named: dict[str, object] = {"artifactType": artifact_type}
    return _artifact(config, _OCI_CONFIG, named, subject, artifact_type, {_NONCE: nonce})


def artifact_by_configuration(config: Content, subject: Manifest, artifact_type: str, nonce: str) -> Manifest:
    """One without an artifact type, which that of its configuration then is (spec.md#listing-referrers)."""
    annotations = {_NONCE: nonce, "nscr.words": _WORDS, "nscr.empty": ""}
    return _artifact(config, artifact_type, {}, subject, artifact_type, annotations)


def _artifact(
    config: Content,
    config_type: str,
    named: dict[str, object],
    subject: Manifest,
    artifact_type: str,
    annotations: dict[str, str],
) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        **named,
        "config": _descriptor(config, config_type),
        "layers": [_descriptor(config, _OCI_LAYER)],
        "subject": _descriptor(subject.content, subject.media_type),
        "annotations": annotations,
    }
    references = [Reference(config.digest, False, config.size)]
    return _referring(document, OCI_MANIFEST, references, subject, artifact_type)


def artifact_index(child: Manifest, subject: Manifest, artifact_type: str, nonce: str) -> Manifest:
    """An OCI image index that refers to another manifest."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "artifactType": artifact_type,
        "manifests": [_descriptor(child.content, child.media_type)],
        "subject": _descriptor(subject.content, subject.media_type),
        "annotations": {_NONCE: nonce},
    }
    references = [Reference(child.digest, True, child.content.size)]
    return _referring(document, OCI_INDEX, references, subject, artifact_type)


def docker_image(config: Content, layers: Sequence[Content]) -> Manifest:
    """A Docker schema 2 manifest; as unique as its configuration."""
    return _manifest(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": _descriptor(config, _DOCKER_CONFIG),
            "layers": [_descriptor(layer, _DOCKER_LAYER) for layer in layers],
        },
        DOCKER_MANIFEST,
        [Reference(blob.digest, False, blob.size) for blob in (config, *layers)],
    )


def index(children: Sequence[Manifest], nonce: str) -> Manifest:
    """An OCI image index."""
    return _manifest(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [_descriptor(child.content, child.media_type) for child in children],
            "annotations": {_NONCE: nonce},
        },
        OCI_INDEX,
        [Reference(child.digest, True, child.content.size) for child in children],
    )


def referrers_index(entries: Sequence[Reference], artifact_type: str, nonce: str) -> Manifest:
    """The index that clients keep under the fallback tag of a subject (spec.md#referrers-tag-schema).

    Args:
        entries: what refers to it; image manifests, all of one artifact type.
    """
    return _manifest(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                {"mediaType": OCI_MANIFEST, "digest": one.digest, "size": one.size, "artifactType": artifact_type}
                for one in entries
            ],
            "annotations": {_NONCE: nonce},
        },
        OCI_INDEX,
        list(entries),
    )


def _manifest(document: dict[str, object], media_type: str, references: list[Reference]) -> Manifest:
    return Manifest(content=_json(document), media_type=media_type, references=tuple(references))


def _referring(
    document: dict[str, object],
    media_type: str,
    references: list[Reference],
    subject: Manifest,
    artifact_type: str,
) -> Manifest:
    annotations = document["annotations"]
    return msgspec.structs.replace(
        _manifest(document, media_type, references),
        subject=subject.digest,
        artifact_type=artifact_type,
        annotations=annotations_word(annotations if isinstance(annotations, dict) else None),
    )


def _descriptor(content: Content, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": content.digest, "size": content.size}


def _json(document: dict[str, object]) -> Content:
    return Content.of_bytes(msgspec.json.encode(document))
