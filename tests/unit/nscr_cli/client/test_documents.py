"""What is read out of bodies and headers, and where a Location may lead."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.client.documents import (
    ForeignLocation,
    TagList,
    error_code_of,
    error_form_of,
    next_link,
    references_of,
    repositories_of,
    resolved,
    seconds_of,
    stored_offset,
    tags_of,
)
from nscr_cli.client.target import parse_target
from nscr_cli.history.ops import ErrorForm, Reference

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"


def descriptor(digest: str, media_type: str, size: int = 7) -> dict[str, object]:
    return {"digest": digest, "mediaType": media_type, "size": size}


def test_references_of_an_image() -> None:
    body = json.dumps(
        {
            "config": descriptor("sha256:c", "application/vnd.oci.image.config.v1+json"),
            "layers": [
                descriptor("sha256:l", OCI_LAYER),
                descriptor("sha256:l", OCI_LAYER),
                descriptor("sha256:n", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
                descriptor("sha256:f", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
            ],
            "subject": descriptor("sha256:s", "application/vnd.oci.image.manifest.v1+json"),
        }
    ).encode()
    assert references_of(body) == (Reference("sha256:c", False, 7), Reference("sha256:l", False, 7))


def test_only_layers_may_be_left_out() -> None:
    foreign = descriptor("sha256:c", "application/x.foreign.config")
    body = json.dumps({"config": foreign, "layers": [foreign | {"digest": "sha256:l"}]}).encode()
    assert references_of(body) == (Reference("sha256:c", False, 7),)


def test_references_of_an_index() -> None:
    body = json.dumps(
        {
            "manifests": [
                descriptor("sha256:m", "application/vnd.oci.image.manifest.v1+json"),
                descriptor("sha256:i", "application/vnd.docker.distribution.manifest.list.v2+json"),
                descriptor("sha256:b", OCI_LAYER),
                {"digest": "sha256:u"},
            ]
        }
    ).encode()
    assert references_of(body) == (
        Reference("sha256:m", True, 7),
        Reference("sha256:i", True, 7),
        Reference("sha256:b", False, 7),
        Reference("sha256:u", True, -1),
    )


def test_null_lists_are_empty() -> None:
    assert references_of(b'{"config": null, "layers": null, "manifests": null}') == ()
    assert tags_of(b'{"name": "a", "tags": null}') == TagList("a")
    assert repositories_of(b'{"repositories": null}') == ()


@given(st.binary(max_size=60))
def test_nothing_readable_is_none(body: bytes) -> None:
    for read in (references_of, tags_of, repositories_of, error_code_of):
        read(body)  # never raises
    assert references_of(b"[" + body) is None


def test_error_codes() -> None:
    assert error_code_of(b'{"errors":[{"code":"BLOB_UNKNOWN","message":"x","detail":{}}]}') == "BLOB_UNKNOWN"
    assert error_code_of(b'{"errors":[]}') is None
    assert error_code_of(b"<html>") is None


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", None),
        (b" \n", None),
        (b'{"errors":[]}', None),
        (b'{"errors":[{"message":"without a code"}]}', ErrorForm.OTHER_JSON),
        (b'{"errors":{"code":"UNKNOWN"}}', ErrorForm.OTHER_JSON),
        (b'{"message":"no"}', ErrorForm.OTHER_JSON),
        (b'"no"', ErrorForm.OTHER_JSON),
        (b"404 page not found", ErrorForm.NOT_JSON),
        (b'{"errors":[', ErrorForm.NOT_JSON),
        (b"\xff", ErrorForm.NOT_JSON),
    ],
)
def test_a_body_without_code_is_told_by_its_form(body: bytes, form: ErrorForm | None) -> None:
    assert error_code_of(body) is None
    assert error_form_of(body) is form


@pytest.mark.parametrize(
    ("header", "expected"),
    [("0-99", 100), ("bytes=0-99", 100), ("0-0", 1), (" 0-5 ", 6), (None, -1), ("", -1), ("5-9", -1), ("0--1", -1)],
)
def test_stored_offset(header: str | None, expected: int) -> None:
    assert stored_offset(header) == expected


def test_links() -> None:
    assert next_link(['</v2/a/tags/list?n=2&last=b>; rel="next"']) == "/v2/a/tags/list?n=2&last=b"
    assert next_link(["<a>; rel=prev", "<b>; title=x; rel=next"]) == "b"
    assert next_link(['<a>; rel="prev", <b>; rel="next"']) == "b"
    assert next_link([]) is None
    assert next_link(["nonsense"]) is None


def test_retry_after() -> None:
    assert seconds_of("120") == 120
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") is None
    assert seconds_of(None) is None


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/a/blobs/uploads/1?_state=x%2By", "/v2/a/blobs/uploads/1?_state=x%2By"),
        ("http://localhost:5000/v2/x", "/v2/x"),
        ("http://LOCALHOST:5000/v2/x#y", "/v2/x"),
        ("http://user:pw@localhost:5000/v2/x", "/v2/x"),
        ("uploads/1", "/v2/a/blobs/uploads/1"),
        ("?n=2", "/v2/a/blobs/?n=2"),
        ("//localhost:5000/z", "/z"),
        ("http://localhost:5000", "/"),
    ],
)
def test_locations_on_our_origin(location: str, expected: str) -> None:
    target, _ = parse_target("http://localhost:5000/prefix")
    assert resolved(target, "/v2/a/blobs/", location) == expected


@pytest.mark.parametrize(
    "location",
    [
        "https://localhost:5000/x",
        "http://localhost/x",
        "http://localhost:5001/x",
        "http://evil.example:5000/x",
        "//evil.example/x",
        "http://localhost:5000@evil.example/x",
        "javascript:alert(1)",
        "http://[::1/x",
        "http://localhost:99999/x",
        "/v2/with space",
        "/v2/ümlaut",
    ],
)
def test_locations_elsewhere(location: str) -> None:
    target, _ = parse_target("http://localhost:5000")
    with pytest.raises(ForeignLocation):
        resolved(target, "/v2/a/blobs/", location)
