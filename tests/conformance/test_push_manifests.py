"""spec.md "Pushing Manifests": kept byte for byte, by tag and digest, with tags, subjects, conditions and limits."""

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

ABSENT = "sha256:" + "0" * 64
MIB = 1024 * 1024


def code_of(reply: Any) -> str:
    (error,) = reply.json()["errors"]
    return str(error["code"])


def assert_kept(registry: Any, repository: str, content: bytes, media_type: str | None = None) -> None:
    reply = registry.put(repository, "t", content, media_type)
    assert reply.status_code == 201, reply.text
    found = registry("GET", f"/v2/{repository}/manifests/t")
    assert found.content == content
    assert found.headers["content-type"] == (media_type or json.loads(content)["mediaType"])


def test_by_tag_and_by_digest(registry: Any, repository: str) -> None:
    content = registry.image(repository, b"layer")
    for algorithm in ("sha256", "sha512"):
        digest = registry.digest(content, algorithm)
        reply = registry.put(repository, digest, content)
        assert (reply.status_code, reply.headers["docker-content-digest"]) == (201, digest)
        assert registry("GET", reply.headers["location"]).content == content
    reply = registry.put(repository, "latest", content)
    assert (reply.status_code, reply.headers["docker-content-digest"]) == (201, registry.digest(content))
    assert registry("GET", reply.headers["location"]).content == content


def test_by_the_digest_of_something_else(registry: Any, repository: str) -> None:
    reply = registry.put(repository, ABSENT, registry.image(repository))
    assert (reply.status_code, code_of(reply)) == (400, "DIGEST_INVALID")
    assert registry("GET", f"/v2/{repository}/manifests/{ABSENT}").status_code == 404


def test_the_bytes_are_the_client_s(registry: Any, repository: str) -> None:
    plain = json.loads(registry.image(repository, b"layer"))
    for content in (json.dumps(plain, indent=7).encode() + b"\n\n", json.dumps(plain, separators=(",", ":")).encode()):
        assert_kept(registry, repository, content)


def test_parameters_of_the_content_type_are_ignored(registry: Any, repository: str) -> None:
    content = registry.image(repository)
    reply = registry.put(repository, "t", content, f"{registry.manifest_type}; charset=utf-8")
    assert reply.status_code == 201
    found = registry("GET", f"/v2/{repository}/manifests/t")
    assert found.headers["content-type"] == registry.manifest_type


def test_a_content_type_that_contradicts_the_manifest(registry: Any, repository: str) -> None:
    reply = registry.put(repository, "t", registry.image(repository), registry.index_type)
    assert (reply.status_code, code_of(reply)) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b"{}", b'{"schemaVersion":1}', b'{"schemaVersion":2}'])
def test_what_is_no_manifest(registry: Any, repository: str, content: bytes) -> None:
    reply = registry.put(repository, "t", content, registry.manifest_type)
    assert (reply.status_code, code_of(reply)) == (400, "MANIFEST_INVALID")


def test_every_kind_of_content(registry: Any, repository: str) -> None:
    image = registry.image(repository, b"layer")
    registry.put(repository, registry.digest(image), image)
    nested = registry.index(image)
    registry.put(repository, registry.digest(nested), nested)
    foreign = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "digest": ABSENT,
        "size": 1,
        "urls": ["https://example.com/layer"],
    }
    embedded = registry.descriptor(b"{}", data="e30=")
    for content in (
        registry.image(repository),
        registry.image(repository, layers=None),
        registry.image(repository, b"layer", artifactType="application/vnd.example", annotations={"a": "b"}),
        registry.image(repository, layers=[foreign]),
        registry.image(repository, config=embedded, layers=[embedded]),
        registry.image(repository, b"layer", custom={"field": [1, None]}, **{"org.example": 1.5}),
        registry.index(image, image),
        registry.index(),
        registry.index(nested),
        registry.index(image, artifactType="application/vnd.example"),
    ):
        assert_kept(registry, repository, content)


def test_docker_s_types(registry: Any, repository: str) -> None:
    image = json.loads(registry.image(repository, b"layer"))
    content = json.dumps({**image, "mediaType": registry.docker_manifest_type}).encode()
    assert_kept(registry, repository, content)
    assert registry.put(repository, registry.digest(content), content).status_code == 201
    entry = registry.descriptor(content, registry.docker_manifest_type, platform={"os": "linux", "architecture": "arm"})
    many = {"schemaVersion": 2, "mediaType": registry.docker_list_type, "manifests": [entry]}
    assert_kept(registry, repository, json.dumps(many).encode())


def test_an_unknown_type_is_kept(registry: Any, repository: str) -> None:
    for content in (b'{"any":"thing"}', b"\x00\xff not JSON"):
        assert_kept(registry, repository, content, "application/vnd.example.unknown+json")


def test_what_is_missing_is_named(registry: Any, repository: str) -> None:
    missing = registry.descriptor(b"never pushed")
    index = registry.index(b"never pushed")
    for content in (registry.image(repository, layers=[missing]), registry.image(repository, config=missing), index):
        reply = registry.put(repository, "t", content)
        assert (reply.status_code, code_of(reply)) == (404, "MANIFEST_BLOB_UNKNOWN")
        assert registry("HEAD", f"/v2/{repository}/manifests/t").status_code == 404


def test_sparse_indexes(serve_registry: Any) -> None:
    with serve_registry("--allow-sparse") as registry:
        assert registry.put("a", "t", registry.index(b"never pushed")).status_code == 201
        assert registry.put("a", "t", registry.image("a", layers=[registry.descriptor(b"never")])).status_code == 404
        assert registry("GET", "/api/garbage-collect/stats").json()["orphanedManifests"] == 0


def test_the_largest_manifest_and_one_byte_more(registry: Any, repository: str) -> None:
    head = registry.index(annotations={"a": ""})
    for size, status in ((4 * MIB, 201), (4 * MIB + 1, 413)):
        content = registry.index(annotations={"a": "x" * (size - len(head))})
        assert len(content) == size
        assert registry.put(repository, "t", content).status_code == status
    # The connection is still good, or a new one is.
    assert len(registry("GET", f"/v2/{repository}/manifests/t").content) == 4 * MIB


@pytest.mark.parametrize("count", [1, 10, 32])
def test_tags_with_a_push_by_digest(registry: Any, repository: str, count: int) -> None:
    content = registry.image(repository)
    tags = [f"tag{number}" for number in range(count)]
    query = "&".join(f"tag={tag}" for tag in tags)
    reply = registry.put(repository, f"{registry.digest(content)}?{query}", content)
    assert reply.status_code == 201
    assert reply.headers["oci-tag"].split(", ") == tags
    for tag in tags:
        assert registry("GET", f"/v2/{repository}/manifests/{tag}").content == content


def test_tags_are_all_taken_or_none(registry: Any, repository: str) -> None:
    content = registry.image(repository)
    digest = registry.digest(content)
    many = "&".join(f"tag=t{number}" for number in range(33))
    for reference, status in (
        (f"{digest}?tag=good&tag=.bad", 400),
        (f"{digest}?{many}", 414),
        ("latest?tag=good", 400),
        (f"{ABSENT}?tag=good", 400),
    ):
        assert registry.put(repository, reference, content).status_code == status
    assert registry("GET", f"/v2/{repository}/tags/list").status_code == 404


def test_compare_and_set(registry: Any, repository: str) -> None:
    first, second = registry.image(repository), registry.image(repository, b"layer")
    etag = f'"{registry.digest(first)}"'
    assert registry.put(repository, "t", first, if_none_match="*").status_code == 201
    for headers in ({"if_none_match": "*"}, {"if_match": '"other"'}, {"if_match": f"W/{etag}"}):
        reply = registry.put(repository, "t", second, **headers)
        assert (reply.status_code, code_of(reply)) == (412, "DENIED")
    assert registry("GET", f"/v2/{repository}/manifests/t").content == first
    named = f"{registry.digest(second)}?tag=t&tag=new"
    assert registry.put(repository, named, second, if_match=etag).status_code == 412
    assert registry("GET", f"/v2/{repository}/tags/list").json()["tags"] == ["t"]
    assert registry.put(repository, "t", second, if_match=etag).status_code == 201
    assert registry.put(repository, "t", first, if_match=etag).status_code == 412
