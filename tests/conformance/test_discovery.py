"""spec.md "Content Discovery": tags, referrers, and Docker's catalog."""

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

ABSENT = "sha256:" + "0" * 64


def following(reply: Any) -> str | None:
    """The target of the one Link, which must say that it is the next page (RFC 5988)."""
    link = reply.headers.get("link")
    if link is None:
        return None
    assert link.startswith("<")
    assert link.endswith('>; rel="next"')
    return str(link[1:].partition(">")[0])


def pages(registry: Any, target: str, field: str) -> list[list[Any]]:
    found: list[list[Any]] = []
    while target:
        reply = registry("GET", target)
        assert reply.status_code == 200
        found.append(reply.json()[field])
        target = following(reply) or ""
    return found


def referrer(registry: Any, repository: str, subject: dict[str, object], **more: object) -> dict[str, Any]:
    """Push an image that refers to `subject`, and return its descriptor."""
    content = registry.image(repository, subject=subject, **more)
    reply = registry.put(repository, registry.digest(content), content)
    assert (reply.status_code, reply.headers["oci-subject"]) == (201, subject["digest"])
    return dict(registry.descriptor(content, registry.manifest_type))


def listed(registry: Any, repository: str, digest: object, query: str = "") -> Any:
    reply = registry("GET", f"/v2/{repository}/referrers/{digest}{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, registry.index_type)
    document = reply.json()
    assert (document["schemaVersion"], document["mediaType"]) == (2, registry.index_type)
    return document["manifests"]


TAGS = ["10", "9", "A", "Z", "_x", "a", "a-", "a.", "a_", "b"]


@pytest.fixture
def tagged(registry: Any, repository: str) -> str:
    content = registry.image(repository)
    for tag in reversed(TAGS):
        registry.put(repository, tag, content)
    return repository


def test_tags_are_in_order(registry: Any, tagged: str) -> None:
    reply = registry("GET", f"/v2/{tagged}/tags/list")
    assert (reply.status_code, reply.json()) == (200, {"name": tagged, "tags": TAGS})
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("n", [1, 3, 9, 10, 11, 10**6])
def test_tags_in_pages(registry: Any, tagged: str, n: int) -> None:
    found = pages(registry, f"/v2/{tagged}/tags/list?n={n}", "tags")
    assert found == [TAGS[start : start + n] for start in range(0, len(TAGS), n)]


def test_no_tags_where_none_are_asked_for(registry: Any, tagged: str) -> None:
    reply = registry("GET", f"/v2/{tagged}/tags/list?n=0")
    assert (reply.status_code, reply.json()["tags"]) == (200, [])
    assert "link" not in reply.headers


@pytest.mark.parametrize(("last", "after"), [("A", 3), ("B", 3), ("zzz", 10), ("", 0), ("a-", 7)])
def test_tags_after_the_last_one_seen(registry: Any, tagged: str, last: str, after: int) -> None:
    assert registry("GET", f"/v2/{tagged}/tags/list?last={last}").json()["tags"] == TAGS[after:]
    assert registry("GET", f"/v2/{tagged}/tags/list?n=2&last={last}").json()["tags"] == TAGS[after : after + 2]


def test_tags_that_stay_are_listed_once_while_others_come_and_go(registry: Any, tagged: str) -> None:
    content = registry.image(tagged)
    found: list[str] = []
    target: str | None = f"/v2/{tagged}/tags/list?n=2"
    for number in range(20):
        if target is None:
            break
        reply = registry("GET", target)
        found += reply.json()["tags"]
        target = following(reply)
        registry.put(tagged, f"0{number}", content)
        if found[-1] == "a":
            # What the next page would start after is gone.
            registry("DELETE", f"/v2/{tagged}/manifests/a")
    assert [tag for tag in found if tag in TAGS] == TAGS


def test_a_repository_without_tags(registry: Any, repository: str) -> None:
    content = registry.image(repository)
    registry.put(repository, registry.digest(content), content)
    assert registry("GET", f"/v2/{repository}/tags/list").json() == {"name": repository, "tags": []}
    reply = registry("GET", f"/v2/{repository}/never/tags/list")
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (404, "NAME_UNKNOWN")


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "", "9" * 30])
def test_what_is_no_number_of_tags(registry: Any, tagged: str, n: str) -> None:
    assert registry("GET", f"/v2/{tagged}/tags/list?n={n}").status_code == 400


def test_the_catalog_in_pages(registry: Any, repository: str) -> None:
    names = [f"{repository}/{letter}" for letter in "abc"]
    for name in names:
        registry.push(name, "t")
    found = [name for page in pages(registry, "/v2/_catalog?n=2", "repositories") for name in page]
    assert found == sorted(set(found))
    assert [name for name in found if name.startswith(f"{repository}/")] == names


def test_referrers_of_what_is_there_and_of_what_comes_later(registry: Any, repository: str) -> None:
    subject = registry.image(repository, b"subject")
    descriptor = registry.descriptor(subject, registry.manifest_type)
    assert listed(registry, repository, descriptor["digest"]) == []
    before = referrer(registry, repository, descriptor)
    assert registry("HEAD", f"/v2/{repository}/manifests/{descriptor['digest']}").status_code == 404
    registry.put(repository, "subject", subject)
    after = referrer(registry, repository, descriptor, annotations={"a": "b"})
    found = {entry["digest"]: entry for entry in listed(registry, repository, descriptor["digest"])}
    config_type = "application/vnd.oci.image.config.v1+json"
    assert found == {
        before["digest"]: {**before, "artifactType": config_type},
        after["digest"]: {**after, "artifactType": config_type, "annotations": {"a": "b"}},
    }
    registry("DELETE", f"/v2/{repository}/manifests/{before['digest']}")
    assert [entry["digest"] for entry in listed(registry, repository, descriptor["digest"])] == [after["digest"]]


def test_no_referrers_are_an_empty_index(registry: Any, repository: str) -> None:
    for name in (repository, f"{repository}/never"):
        for digest in (ABSENT, "sha512:" + "0" * 128):
            assert listed(registry, name, digest) == []


@pytest.mark.parametrize("digest", ["sha256:abc", "junk", "md5:" + "0" * 32])
def test_referrers_of_what_is_no_digest(registry: Any, repository: str, digest: str) -> None:
    reply = registry("GET", f"/v2/{repository}/referrers/{digest}")
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")


def test_the_artifact_type(registry: Any, repository: str) -> None:
    """That of the manifest, else of an image its config's media type, else of an index none."""
    subject = registry.descriptor(b"subject")
    typed = referrer(registry, repository, subject, artifactType="application/vnd.example")
    untyped = referrer(registry, repository, subject)
    contents = [registry.index(subject=subject), registry.index(subject=subject, artifactType="application/x-index")]
    for content in contents:
        assert registry.put(repository, registry.digest(content), content).headers["oci-subject"] == subject["digest"]
    types = {entry["digest"]: entry.get("artifactType") for entry in listed(registry, repository, subject["digest"])}
    assert types == {
        typed["digest"]: "application/vnd.example",
        untyped["digest"]: "application/vnd.oci.image.config.v1+json",
        registry.digest(contents[0]): None,
        registry.digest(contents[1]): "application/x-index",
    }


def test_the_filter(registry: Any, repository: str) -> None:
    subject = registry.descriptor(b"subject")
    wanted = referrer(registry, repository, subject, artifactType="application/vnd.example+json")
    referrer(registry, repository, subject, artifactType="application/vnd.other")
    target = f"/v2/{repository}/referrers/{subject['digest']}"
    reply = registry("GET", f"{target}?artifactType=application/vnd.example%2Bjson")
    assert reply.headers["oci-filters-applied"] == "artifactType"
    assert [entry["digest"] for entry in reply.json()["manifests"]] == [wanted["digest"]]
    nothing = registry("GET", f"{target}?artifactType=nothing")
    assert (nothing.json()["manifests"], nothing.headers["oci-filters-applied"]) == ([], "artifactType")
    assert "oci-filters-applied" not in registry("GET", target).headers


def test_many_referrers_come_in_pages(registry: Any, repository: str) -> None:
    subject = registry.descriptor(b"subject")
    pushed = [
        referrer(registry, repository, subject, artifactType="application/x", annotations={"n": str(n) * 1_400_000})
        for n in range(5)
    ]
    for query in ("", "?artifactType=application/x"):
        target = f"/v2/{repository}/referrers/{subject['digest']}{query}"
        found = pages(registry, target, "manifests")
        assert [len(page) for page in found] == [2, 2, 1]
        assert max(len(json.dumps(page)) for page in found) < 4 * 1024 * 1024
        assert {entry["digest"] for page in found for entry in page} == {entry["digest"] for entry in pushed}


def test_referrers_that_were_kept_under_the_tag_schema_are_listed(registry: Any, repository: str) -> None:
    subject = registry.descriptor(b"subject")
    entry = referrer(registry, repository, subject)
    content = registry.image(repository, subject=subject)
    assert (
        registry.put(repository, str(subject["digest"]).replace(":", "-"), registry.index(content)).status_code == 201
    )
    assert [found["digest"] for found in listed(registry, repository, subject["digest"])] == [entry["digest"]]
