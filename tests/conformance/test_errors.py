"""spec.md "Error Codes": the form of a failure, and that no other code is ever told to a client."""

import re
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

CODES = {
    "BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "NAME_INVALID", "NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED",
    "UNSUPPORTED", "TOOMANYREQUESTS",
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "{name}/manifests/absent", 404),
        ("GET", "{name}/blobs/sha256:abc", 400),
        ("GET", "{name}/blobs/uploads/absent", 404),
        ("GET", "{name}/tags/list", 404),
        ("GET", "UPPER/tags/list", 400),
        ("PUT", "{name}/manifests/latest", 400),
        ("PUT", "{name}/blobs/uploads/absent?digest=junk", 400),
        ("POST", "{name}/blobs/uploads/?digest-algorithm=md5", 400),
        ("POST", "{name}/manifests/latest", 405),
        ("PATCH", "{name}/blobs/sha256:abc", 405),
        ("GET", "nothing-here", 404),
    ],
)
def test_the_form_of_a_failure(registry: Any, repository: str, method: str, target: str, status: int) -> None:
    reply = registry(method, f"/v2/{target.format(name=repository)}")
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json")
    (error,) = reply.json()["errors"]
    assert error["code"] in CODES
    assert re.fullmatch(r"[A-Z_]+", error["code"])
    assert isinstance(error["message"], str)


def test_a_method_that_is_not_supported_says_which_are(registry: Any, repository: str) -> None:
    reply = registry("POST", f"/v2/{repository}/manifests/latest")
    assert reply.headers["allow"] == "DELETE, GET, HEAD, PUT"


def test_too_many_requests_say_when_to_ask_again(serve_registry: Any) -> None:
    with serve_registry(max_upload_sessions=1) as registry:
        registry.start_upload("a")
        refused = registry("POST", "/v2/a/blobs/uploads/")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (429, "TOOMANYREQUESTS")
        assert int(refused.headers["retry-after"]) > 0


def test_credentials_are_asked_for_at_the_base(serve_registry: Any) -> None:
    with serve_registry("--username", "user", "--password", "secret") as registry:
        refused = registry("GET", "/v2/")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")
        assert refused.headers["www-authenticate"].startswith("Basic ")
        registry.client.auth = ("user", "secret")
        assert registry("GET", "/v2/").status_code == 200
