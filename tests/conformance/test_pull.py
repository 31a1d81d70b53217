"""spec.md "Pull": manifests, blobs, ranges, and HEAD equal to GET."""

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

DATA = bytes(range(256)) * 40
ABSENT = "sha256:" + "0" * 64

SAME_OF_HEAD = {"date", "x-request-id"}


def headers_of(reply: Any) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name not in SAME_OF_HEAD}


def test_the_base_says_that_the_specification_is_implemented(registry: Any) -> None:
    for path in ("/v2/", "/v2"):
        assert registry("GET", path).status_code == 200


def test_a_manifest_by_tag_and_by_digest(registry: Any, repository: str) -> None:
    content = registry.image(repository, b"layer")
    digest = registry.digest(content)
    registry.put(repository, "latest", content)
    for reference in ("latest", digest):
        reply = registry("GET", f"/v2/{repository}/manifests/{reference}", accept=registry.manifest_type)
        assert (reply.status_code, reply.content) == (200, content)
        assert reply.headers["docker-content-digest"] == digest
        assert reply.headers["content-type"] == registry.manifest_type


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_digests_come_in_the_algorithm_that_the_client_used(registry: Any, repository: str, algorithm: str) -> None:
    blob = registry.push_blob(repository, DATA, algorithm)
    content = registry.image(repository)
    manifest = registry.digest(content, algorithm)
    pushed = registry.put(repository, f"{manifest}?tag=t", content)
    assert pushed.headers["docker-content-digest"] == manifest
    for method in ("GET", "HEAD"):
        for reference in ("t", manifest):
            reply = registry(method, f"/v2/{repository}/manifests/{reference}")
            assert (reply.status_code, reply.headers["docker-content-digest"]) == (200, manifest)
        reply = registry(method, f"/v2/{repository}/blobs/{blob}")
        assert (reply.status_code, reply.headers["docker-content-digest"]) == (200, blob)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/vnd.oci.image.index.v1+json"])
def test_a_manifest_is_never_converted(registry: Any, repository: str, accept: str) -> None:
    digest = registry.push(repository, "latest")
    reply = registry("GET", f"/v2/{repository}/manifests/latest", accept=accept)
    assert registry.digest(reply.content) == digest


def test_references_are_tags_or_digests(registry: Any, repository: str) -> None:
    registry.push(repository, "latest")
    for reference in (".latest", "-latest", "a" * 129, "la%20test", "latest%0a"):
        assert registry("GET", f"/v2/{repository}/manifests/{reference}").status_code == 404
        assert registry.put(repository, reference, registry.image(repository)).status_code == 400
    for reference in ("sha256:abc", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 65):
        assert registry("GET", f"/v2/{repository}/manifests/{reference}").status_code == 400
    for reference in ("a" * 128, "_a.b-C", "0"):
        assert registry.put(repository, reference, registry.image(repository)).status_code == 201


@pytest.mark.parametrize("name", ["a", "a/b", "a.b", "a_b", "a__b", "a-b", "a---b", "0/0/0", "a" * 255])
def test_names_by_the_grammar(registry: Any, name: str) -> None:
    digest = registry.push_blob(name, DATA)
    assert registry("HEAD", f"/v2/{name}/blobs/{digest}").status_code == 200


@pytest.mark.parametrize(
    "name", ["A", "a//b", "a..b", "a___b", "-a", "a-", ".a", "a/.b", "..", "a/..%2Fb", "a%00", "a" * 256, "ä"]
)
def test_names_outside_the_grammar(registry: Any, name: str) -> None:
    reply = registry("POST", f"/v2/{name}/blobs/uploads/")
    assert reply.status_code in {400, 404}
    assert reply.json()["errors"][0]["code"] in {"NAME_INVALID", "UNSUPPORTED"}


def test_what_is_not_there(registry: Any, repository: str) -> None:
    registry.push(repository, "latest")
    for method in ("GET", "HEAD"):
        for name in (repository, f"{repository}/never"):
            for target in (f"manifests/{ABSENT}", "manifests/absent", f"blobs/{ABSENT}"):
                assert registry(method, f"/v2/{name}/{target}").status_code == 404


def test_another_repository_does_not_show_what_this_one_holds(registry: Any, repository: str) -> None:
    blob = registry.push_blob(repository, DATA)
    digest = registry.push(repository, "latest")
    other = f"{repository}/other"
    registry.push(other, "own", b"own")
    for target in (f"blobs/{blob}", f"manifests/{digest}", "manifests/latest"):
        assert registry("GET", f"/v2/{other}/{target}").status_code == 404


def test_a_blob(registry: Any, repository: str) -> None:
    digest = registry.push_blob(repository, DATA)
    reply = registry("GET", f"/v2/{repository}/blobs/{digest}")
    assert (reply.status_code, reply.content) == (200, DATA)
    assert (reply.headers["docker-content-digest"], reply.headers["content-length"]) == (digest, str(len(DATA)))
    assert reply.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_head_equals_get_in_every_header(registry: Any, repository: str, data: bytes) -> None:
    blob = registry.push_blob(repository, data)
    manifest = registry.push(repository, "latest", data, subject=registry.descriptor(b"subject"))
    for target in (
        f"/v2/{repository}/blobs/{blob}",
        f"/v2/{repository}/manifests/{manifest}",
        f"/v2/{repository}/manifests/latest",
        f"/v2/{repository}/manifests/absent",
        f"/v2/{repository}/blobs/{ABSENT}",
        f"/v2/{repository}/tags/list",
        f"/v2/{repository}/referrers/{registry.digest(b'subject')}",
        f"/v2/{repository}/nothing",
        "/v2/",
        "/v2/_catalog?n=1",
    ):
        get, head = registry("GET", target), registry("HEAD", target)
        assert (head.status_code, headers_of(head), head.content) == (get.status_code, headers_of(get), b""), target
        assert int(head.headers["content-length"]) == len(get.content)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10000-", 10_000, len(DATA)),
        ("bytes=-5", len(DATA) - 5, len(DATA)),
        ("bytes=-999999", 0, len(DATA)),
        ("bytes=10000-999999", 10_000, len(DATA)),
        ("BYTES=0-", 0, len(DATA)),
    ],
)
def test_a_range(registry: Any, repository: str, asked: str, start: int, end: int) -> None:
    digest = registry.push_blob(repository, DATA)
    reply = registry("GET", f"/v2/{repository}/blobs/{digest}", range=asked)
    assert (reply.status_code, reply.content) == (206, DATA[start:end])
    assert reply.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert reply.headers["content-length"] == str(end - start)
    assert reply.headers["docker-content-digest"] == digest


@pytest.mark.parametrize("asked", [f"bytes={len(DATA)}-", "bytes=999999-1000000", "bytes=-0", "bytes=5-4"])
def test_a_range_of_nothing(registry: Any, repository: str, asked: str) -> None:
    digest = registry.push_blob(repository, DATA)
    reply = registry("GET", f"/v2/{repository}/blobs/{digest}", range=asked)
    assert (reply.status_code, reply.headers["content-range"]) == (416, f"bytes */{len(DATA)}")


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1,4-5", "0-1"])
def test_a_range_that_may_be_ignored_is_answered_with_the_whole(registry: Any, repository: str, asked: str) -> None:
    digest = registry.push_blob(repository, DATA)
    reply = registry("GET", f"/v2/{repository}/blobs/{digest}", range=asked)
    assert (reply.status_code, reply.content) == (200, DATA)


def test_a_range_of_an_empty_blob(registry: Any, repository: str) -> None:
    digest = registry.push_blob(repository, b"")
    assert registry("GET", f"/v2/{repository}/blobs/{digest}", range="bytes=0-0").status_code == 416


def test_a_cut_pull_goes_on(registry: Any, repository: str) -> None:
    digest = registry.push_blob(repository, DATA)
    target = f"/v2/{repository}/blobs/{digest}"
    etag = registry("HEAD", target).headers["etag"]
    rest = registry("GET", target, range="bytes=1000-", if_range=etag)
    assert (rest.status_code, rest.content) == (206, DATA[1000:])
    assert registry("GET", target, range="bytes=1000-", if_range='"other"').status_code == 200


def test_conditional_pulls(registry: Any, repository: str) -> None:
    blob = registry.push_blob(repository, DATA)
    registry.push(repository, "latest")
    for target in (f"/v2/{repository}/blobs/{blob}", f"/v2/{repository}/manifests/latest"):
        for method in ("GET", "HEAD"):
            etag = registry(method, target).headers["etag"]
            for tags in (etag, f'W/{etag}, "other"', "*"):
                unmodified = registry(method, target, if_none_match=tags)
                assert (unmodified.status_code, unmodified.content) == (304, b"")
                assert unmodified.headers["etag"] == etag
            assert registry(method, target, if_none_match='"other"').status_code == 200
            assert registry(method, target, if_match='"other"').status_code == 412


def test_the_host_that_a_proxy_would_ask_is_ignored(registry: Any, repository: str) -> None:
    digest = registry.push(repository, "latest")
    reply = registry("GET", f"/v2/{repository}/manifests/latest?ns=registry.example.org")
    assert (reply.status_code, reply.headers["docker-content-digest"]) == (200, digest)
    assert "oci-namespace" not in reply.headers
