"""spec.md "Pushing blobs": in one request, in two, in chunks, streamed; status, cancel and mounts."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

DATA = bytes(range(256)) * 64
ABSENT = "sha256:" + "0" * 64


def closed_with(registry: Any, location: str, digest: str, content: bytes | None = None, **headers: str) -> Any:
    return registry("PUT", f"{location}?digest={digest}", content, **headers)


def assert_created(registry: Any, reply: Any, digest: str, data: bytes = DATA) -> None:
    assert reply.status_code == 201
    assert reply.headers["docker-content-digest"] == digest
    assert registry("GET", reply.headers["location"]).content == data


def patched(registry: Any, location: str, data: bytes, start: int) -> Any:
    return registry("PATCH", location, data, content_range=f"{start}-{start + len(data) - 1}")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", b"x", DATA])
@pytest.mark.parametrize("style", ["single POST", "POST and PUT", "chunks", "stream", "empty PUT"])
def test_every_style(registry: Any, repository: str, style: str, data: bytes, algorithm: str) -> None:
    digest = registry.digest(data, algorithm)
    if style == "single POST":
        reply = registry("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data)
    else:
        location = registry.start_upload(repository, f"?digest-algorithm={algorithm}")
        if style == "POST and PUT":
            reply = closed_with(registry, location, digest, data)
        elif style == "chunks":
            middle = len(data) // 2
            for start, end in ((0, middle), (middle, len(data))):
                if end > start:
                    assert patched(registry, location, data[start:end], start).status_code == 202
            reply = closed_with(registry, location, digest)
        else:
            if style == "stream" or data:
                assert registry("PATCH", location, iter([data[:9], data[9:]])).status_code == 202
            reply = closed_with(registry, location, digest)
    assert_created(registry, reply, digest, data)


def test_a_session_has_a_uuid(registry: Any, repository: str) -> None:
    first, second = registry.start_upload(repository), registry.start_upload(repository)
    assert first != second
    assert str(uuid.UUID(first.rpartition("/")[2])) in first


def test_a_session_for_an_algorithm(registry: Any, repository: str) -> None:
    digest = registry.digest(DATA, "sha512")
    reply = registry("POST", f"/v2/{repository}/blobs/uploads/?digest-algorithm=sha512")
    assert reply.status_code == 202
    assert_created(registry, closed_with(registry, reply.headers["location"], digest, DATA), digest)
    assert registry("POST", f"/v2/{repository}/blobs/uploads/?digest-algorithm=md5").status_code == 400


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + "0" * 32, "junk", "", "sha256:" + "Z" * 64])
def test_an_invalid_digest(registry: Any, repository: str, digest: str) -> None:
    location = registry.start_upload(repository)
    for reply in (
        registry("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", DATA),
        registry("POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from=a"),
        closed_with(registry, location, digest, DATA),
    ):
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")


def test_another_digest_keeps_nothing(registry: Any, repository: str) -> None:
    assert registry("POST", f"/v2/{repository}/blobs/uploads/?digest={ABSENT}", DATA).status_code == 400
    location = registry.start_upload(repository)
    assert closed_with(registry, location, ABSENT, DATA).status_code == 400
    for digest in (ABSENT, registry.digest(DATA)):
        assert registry("HEAD", f"/v2/{repository}/blobs/{digest}").status_code == 404


def test_a_closing_put_names_the_digest(registry: Any, repository: str) -> None:
    location = registry.start_upload(repository)
    assert patched(registry, location, DATA, 0).status_code == 202
    assert registry("PUT", location).status_code == 400
    assert closed_with(registry, location, registry.digest(DATA)).status_code == 201


def test_chunks(registry: Any, repository: str) -> None:
    location, digest = registry.start_upload(repository), registry.digest(DATA)
    for start in range(0, len(DATA), 5000):
        chunk = DATA[start : start + 5000]
        reply = patched(registry, location, chunk, start)
        assert (reply.status_code, reply.headers["range"]) == (202, f"0-{start + len(chunk) - 1}")
        location = reply.headers["location"]
        status = registry("GET", location)
        assert (status.status_code, status.headers["range"]) == (204, reply.headers["range"])
        assert status.headers["location"] == location
    assert_created(registry, closed_with(registry, location, digest), digest)


def test_the_last_chunk_with_the_closing_put(registry: Any, repository: str) -> None:
    location, digest = registry.start_upload(repository), registry.digest(DATA)
    assert patched(registry, location, DATA[:1000], 0).status_code == 202
    reply = closed_with(registry, location, digest, DATA[1000:], content_range=f"1000-{len(DATA) - 1}")
    assert_created(registry, reply, digest)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("content_range", ["0-999", "999-1998", "1001-2000", "junk", "5-4", "-1"])
def test_out_of_order(registry: Any, repository: str, method: str, content_range: str) -> None:
    location, digest = registry.start_upload(repository), registry.digest(DATA)
    patched(registry, location, DATA[:1000], 0)
    target = location if method == "PATCH" else f"{location}?digest={digest}"
    reply = registry(method, target, b"x" * 1000, content_range=content_range)
    assert (reply.status_code, reply.headers["range"]) == (416, "0-999")
    assert registry("GET", location).headers["range"] == "0-999"
    rest = closed_with(registry, location, digest, DATA[1000:], content_range=f"1000-{len(DATA) - 1}")
    assert_created(registry, rest, digest)


def test_the_first_chunk_begins_with_zero(registry: Any, repository: str) -> None:
    location = registry.start_upload(repository)
    assert patched(registry, location, DATA, 1).status_code == 416
    status = registry("GET", location)
    assert (status.status_code, status.headers["range"]) == (204, "0-0")
    assert patched(registry, location, DATA, 0).status_code == 202


@pytest.mark.parametrize("announced", ["0-998", "0-1000"])
def test_a_length_that_is_not_that_of_the_range(registry: Any, repository: str, announced: str) -> None:
    location = registry.start_upload(repository)
    reply = registry("PATCH", location, DATA[:1000], content_range=announced)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "SIZE_INVALID")
    assert patched(registry, location, DATA, 0).status_code == 202


def test_a_session_has_one_writer(registry: Any, repository: str) -> None:
    """A second PATCH while the first sends: refused, and the bytes of the first stand."""
    location, digest = registry.start_upload(repository), registry.digest(DATA)
    answers: list[Any] = []

    def body() -> Iterator[bytes]:
        yield DATA[:1000]
        # Once the first holds the session; asking again is how a client would find out.
        while not answers or answers[-1].status_code == 202:
            answers.append(registry("PATCH", location, b"", content_length="0"))
            if len(answers) > 100:
                break
        answers.append(registry("PATCH", location, b"intruder"))
        yield DATA[1000:]

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(registry, "PATCH", location, body()).result()
    assert [answer.status_code for answer in answers][-2:] == [409, 409]
    assert first.status_code == 202
    assert_created(registry, closed_with(registry, location, digest), digest)


def test_cancel(registry: Any, repository: str) -> None:
    location = registry.start_upload(repository)
    patched(registry, location, DATA, 0)
    assert registry("DELETE", location).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert registry(method, location).status_code == 404
    assert closed_with(registry, location, registry.digest(DATA)).status_code == 404


def test_an_upload_that_nobody_goes_on_with_ends(serve_registry: Any) -> None:
    with serve_registry(cleanup_interval_minutes=0.005, cleanup_max_age_hours=0.0003) as registry:
        location = registry.start_upload("a")
        assert registry("GET", location).status_code == 204
        # A time-out is the subject: asked until it has passed, 300 times longer than it takes at most.
        deadline = time.monotonic() + 300
        while registry("GET", location).status_code == 204:
            assert time.monotonic() < deadline
        assert registry("GET", location).status_code == 404
        assert registry("GET", "/api/registry/sessions").json()["totalActiveSessions"] == 0


def test_a_session_belongs_to_its_repository(registry: Any, repository: str) -> None:
    location = registry.start_upload(repository)
    elsewhere = location.replace(repository, f"{repository}/other")
    assert registry("GET", elsewhere).status_code == 404
    assert registry("GET", location).status_code == 204


def test_mounts(registry: Any, repository: str) -> None:
    digest, target = registry.push_blob(repository, DATA), f"{repository}/target"
    for number, query in enumerate((f"mount={digest}&from={repository}", f"mount={digest}")):
        reply = registry("POST", f"/v2/{target}{number}/blobs/uploads/?{query}")
        assert_created(registry, reply, digest)


def test_a_mount_that_cannot_be_is_an_upload(registry: Any, repository: str) -> None:
    registry.push_blob(repository, DATA)
    for query in (f"mount={ABSENT}&from={repository}", f"mount={ABSENT}", f"mount={ABSENT}&from=never/pushed"):
        reply = registry("POST", f"/v2/{repository}/target/blobs/uploads/?{query}")
        assert reply.status_code == 202
        digest = registry.digest(query.encode())
        closed = closed_with(registry, reply.headers["location"], digest, query.encode())
        assert_created(registry, closed, digest, query.encode())
