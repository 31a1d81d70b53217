import pytest

from nscr.core.admission import PutTerms, admit_manifest, missing_references
from nscr.core.preconditions import Preconditions, parse_preconditions
from nscr.errors import ManifestReferencesUnknown, PreconditionFailed
from nscr.oci.digest import Digest, digest_of
from nscr.oci.manifests import Edge, EdgeKind
from nscr.oci.names import RepositoryName, Tag

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


class _View:
    """A repository that holds one manifest, TARGET, under one tag."""

    def __init__(self, *held: Digest) -> None:
        self.held = held

    def has_blob(self, digest: Digest) -> bool:
        return False

    def has_manifest(self, digest: Digest) -> bool:
        return digest in self.held

    def tagged(self, tag: Tag) -> Digest | None:
        return TARGET if tag == "held" else None


A = RepositoryName("a")
NEW = digest_of(b"new")
IF_ABSENT = parse_preconditions(None, "*")
IF_TARGET = parse_preconditions(f'"{TARGET}"', None)


@pytest.mark.parametrize(
    ("tags", "preconditions", "admitted"),
    [
        ("new", IF_ABSENT, True),
        ("held", IF_ABSENT, False),
        ("new held", IF_ABSENT, False),
        ("held", IF_TARGET, True),
        ("held new", IF_TARGET, False),
        ("", IF_ABSENT, True),
        ("", IF_TARGET, False),
    ],
)
def test_every_named_tag_must_match(tags: str, preconditions: Preconditions, admitted: bool) -> None:
    terms = PutTerms(tuple(map(Tag, tags.split())), preconditions)
    if admitted:
        assert admit_manifest(A, NEW, [], terms, _View(TARGET)) == ()
    else:
        with pytest.raises(PreconditionFailed):
            admit_manifest(A, NEW, [], terms, _View(TARGET))


def test_without_tags_the_manifest_itself_must_match() -> None:
    assert admit_manifest(A, TARGET, [], PutTerms((), IF_TARGET), _View(TARGET)) == ()
    with pytest.raises(PreconditionFailed):
        admit_manifest(A, TARGET, [], PutTerms((), IF_ABSENT), _View(TARGET))


def test_a_missing_child_is_kept_as_sparse_where_that_is_allowed_and_a_missing_blob_never() -> None:
    child, present, blob = Edge(EdgeKind.CHILD, NEW, 1), Edge(EdgeKind.CHILD, TARGET, 1), Edge(EdgeKind.BLOB, NEW, 1)
    sparse = PutTerms(allow_sparse=True)
    kept = admit_manifest(A, digest_of(b"index"), [child, present], sparse, _View(TARGET))
    assert kept == (Edge(EdgeKind.SPARSE, NEW, 1), present)
    for edges, terms in (([child], PutTerms()), ([child, blob], sparse)):
        with pytest.raises(ManifestReferencesUnknown) as caught:
            admit_manifest(A, digest_of(b"index"), edges, terms, _View(TARGET))
        assert caught.value.missing == (NEW,)
