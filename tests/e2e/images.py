"""Small images, pushed as a client that knows nothing of this project pushes them."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


@dataclass(frozen=True)
class Image:
    config: bytes
    layer: bytes

    @property
    def manifest(self) -> bytes:
        config = descriptor(self.config, "application/vnd.oci.image.config.v1+json")
        layer = descriptor(self.layer, "application/vnd.oci.image.layer.v1.tar")
        return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}).encode()

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def layer_digest(self) -> str:
        return digest_of(self.layer)


def image(salt: str) -> Image:
    return Image(f"config {salt}".encode(), f"layer {salt} ".encode() * 100)


def push_blob(client: httpx.Client, repository: str, blob: bytes) -> None:
    location = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status().headers["Location"]
    joint = "&" if "?" in location else "?"
    client.put(f"{location}{joint}digest={digest_of(blob)}", content=blob).raise_for_status()


def push_bytes(client: httpx.Client, repository: str, reference: str, manifest: bytes, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    client.put(f"/v2/{repository}/manifests/{reference}", content=manifest, headers=headers).raise_for_status()


def push_image(client: httpx.Client, repository: str, reference: str, pushed: Image) -> None:
    for blob in (pushed.config, pushed.layer):
        push_blob(client, repository, blob)
    push_bytes(client, repository, reference, pushed.manifest, MANIFEST)
