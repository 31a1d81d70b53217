import pytest

from nscr.core.admission import missing_references
from nscr.oci.digest import Digest, digest_of
from nscr.oci.manifests import Edge, EdgeKind

TARGET = digest_of(b"target")


@pytest.mark.parametrize(
    ("kind", "has_blob", "has_manifest", "missing"),
    [
        (EdgeKind.BLOB, False, False, [TARGET]),
        (EdgeKind.BLOB, False, True, [TARGET]),
        (EdgeKind.BLOB, True, False, []),
        (EdgeKind.CHILD, False, False, [TARGET]),
        (EdgeKind.CHILD, True, False, [TARGET]),
        (EdgeKind.CHILD, False, True, []),
        (EdgeKind.FOREIGN, False, False, []),
        (EdgeKind.SUBJECT, False, False, []),
    ],
)
def test_what_each_kind_demands(kind: EdgeKind, has_blob: bool, has_manifest: bool, missing: list[Digest]) -> None:
    edges = [Edge(kind, TARGET, 1)]
    assert missing_references(edges, lambda _: has_blob, lambda _: has_manifest) == missing
