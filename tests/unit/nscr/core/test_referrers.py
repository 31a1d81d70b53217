"""Descriptors of referrers, the filter and the pages."""

import json

import pytest

from nscr.core.referrers import Referrer, ReferrersPage, collect_page, describe_referrer
from nscr.oci.digest import digest_of
from nscr.oci.manifests import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

CONFIG = {"mediaType": "application/vnd.example.config"}


@pytest.mark.parametrize(
    ("media_type", "document", "artifact_type"),
    [
        (OCI_MANIFEST, {"config": CONFIG}, "application/vnd.example.config"),
        (DOCKER_MANIFEST, {"config": CONFIG}, "application/vnd.example.config"),
        (OCI_MANIFEST, {"config": CONFIG, "artifactType": ""}, "application/vnd.example.config"),
        (OCI_MANIFEST, {"config": CONFIG, "artifactType": "application/x-sbom"}, "application/x-sbom"),
        (OCI_MANIFEST, {}, None),
        (OCI_INDEX, {"config": CONFIG}, None),
        (OCI_INDEX, {"artifactType": "application/x-sbom"}, "application/x-sbom"),
        (OCI_INDEX, {"artifactType": 7}, None),
    ],
)
def test_the_artifact_type(media_type: str, document: dict[str, object], artifact_type: str | None) -> None:
    content = json.dumps(document).encode()
    referrer = describe_referrer(digest_of(content), media_type, content)
    assert referrer.artifact_type == artifact_type
    shown = {} if artifact_type is None else {"artifactType": artifact_type}
    assert json.loads(referrer.descriptor) == {
        "mediaType": media_type,
        "digest": digest_of(content),
        "size": len(content),
        **shown,
    }


def test_annotations_come_along_whatever_they_hold() -> None:
    annotations = {"a": "\N{SNOWMAN}", "lone": "\ud800", "odd": [1, None]}
    content = json.dumps({"annotations": annotations}).encode()
    descriptor = describe_referrer(digest_of(content), OCI_INDEX, content).descriptor
    assert json.loads(descriptor)["annotations"] == annotations


def _referrers(*names: str) -> list[Referrer]:
    return [Referrer(digest_of(name.encode()), name, b"x" * 100) for name in names]


def test_a_page_ends_where_the_next_one_would_not_fit() -> None:
    one, two, three = _referrers("a", "b", "c")
    assert collect_page([one, two, three], None, 10_000) == ReferrersPage((one, two, three), None)
    assert collect_page([one, two, three], None, 320) == ReferrersPage((one, two), two.digest)
    assert collect_page([one, two], None, 320).following is None
    assert collect_page([two, three], None, 1) == ReferrersPage((two,), two.digest)
    assert len(collect_page([one, two, three], None, 320).index().replace(b"x", b"1")) <= 320


def test_the_filter_looks_beyond_what_it_leaves_out() -> None:
    one, two, three = _referrers("a", "b", "a")
    assert collect_page([one, two, three], "a", 10_000).referrers == (one, three)
    assert collect_page([one, two], "nothing", 1) == ReferrersPage((), None)
    assert json.loads(collect_page([], None, 1).index()) == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [],
    }
