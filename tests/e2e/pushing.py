"""Pushes an image as a client does, in as few requests as there can be; for tests that need something to look at."""

import hashlib
import json
import urllib.request
from http.client import HTTPResponse

_OCTETS = "application/octet-stream"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


def ask(method: str, url: str, body: bytes | None = None, content_type: str = _OCTETS) -> HTTPResponse:
    """One request to a registry of ours, on loopback.

    Raises:
        urllib.error.HTTPError: 4xx or 5xx.
    """
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": content_type})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        assert isinstance(response, HTTPResponse)
        response.read()
        return response


def digest_of(content: bytes) -> str:
    """The digest that a registry knows bytes by."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def open_upload(url: str, repository: str, chunk: bytes = b"") -> str:
    """Begin an upload and send its first bytes; where the rest belongs."""
    location = ask("POST", f"{url}/v2/{repository}/blobs/uploads/", b"").headers["Location"]
    if chunk:
        location = ask("PATCH", _absolute(url, location), chunk).headers["Location"]
    return _absolute(url, location)


def push_blob(url: str, repository: str, content: bytes) -> str:
    """Push a blob; its digest."""
    location, digest = open_upload(url, repository), digest_of(content)
    ask("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", content)
    return digest


def push_image(url: str, repository: str, tag: str, *layers: bytes) -> list[str]:
    """Push an image of these layers; their digests."""
    config = b"{}"
    digests = [push_blob(url, repository, content) for content in (config, *layers)]
    described = [
        {"mediaType": LAYER_TYPE, "digest": digest, "size": len(layer)}
        for digest, layer in zip(digests[1:], layers, strict=True)
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": digests[0], "size": len(config)},
        "layers": described,
    }
    ask("PUT", f"{url}/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST_TYPE)
    return digests[1:]


def _absolute(url: str, location: str) -> str:
    return location if location.startswith("http") else f"{url}{location}"
