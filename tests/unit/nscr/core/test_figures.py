from nscr.core.figures import Contents, Storage, Summary, measure_storage, recount
from nscr.oci.digest import digest_of
from nscr.oci.manifests import Edge, EdgeKind

CONFIG, LAYER, MANIFEST, INDEX = (digest_of(name) for name in (b"config", b"layer", b"manifest", b"index"))
EDGES = (Edge(EdgeKind.BLOB, CONFIG, 2), Edge(EdgeKind.BLOB, LAYER, 30))


def test_an_empty_registry() -> None:
    assert recount(Contents()) == Summary(0, 0, 0, 0, 0, 0)
    assert measure_storage(Contents()) == Storage(0, 0, 0, 0)
    assert measure_storage(Contents()).deduplication_ratio == 1.0


def test_a_blob_counts_once_and_a_manifest_once_a_repository() -> None:
    contents = Contents(
        blobs={CONFIG: 2, LAYER: 30},
        links=frozenset((name, digest) for name in "ab" for digest in (CONFIG, LAYER)),
        manifests={("a", MANIFEST): EDGES, ("b", MANIFEST): EDGES},
    )
    assert recount(contents) == Summary(2, 2, 2, 0, 0, 0)
    assert measure_storage(contents) == Storage(total_bytes=64, unique_bytes=32, unique_blobs=2, references=4)
    assert measure_storage(contents).space_savings == 32
    assert measure_storage(contents).deduplication_ratio == 2.0


def test_a_blob_deleted_from_its_last_repository_is_still_committed_and_now_unreferenced() -> None:
    contents = Contents(
        blobs={CONFIG: 2, LAYER: 30}, links=frozenset({("a", CONFIG)}), manifests={("a", MANIFEST): EDGES}
    )
    assert recount(contents) == Summary(1, 1, 2, 1, 1, 30)
    assert measure_storage(contents).total_bytes == 32


def test_a_reference_from_another_repository_does_not_count() -> None:
    contents = Contents(
        blobs={LAYER: 30},
        links=frozenset({("b", LAYER)}),
        manifests={("a", MANIFEST): (Edge(EdgeKind.FOREIGN, LAYER, 30),)},
    )
    assert recount(contents) == Summary(1, 1, 1, 1, 0, 30)


def test_a_missing_child_orphans_its_index_and_a_missing_subject_nothing() -> None:
    contents = Contents(
        manifests={
            ("a", INDEX): (Edge(EdgeKind.CHILD, MANIFEST, 9),),
            ("a", CONFIG): (Edge(EdgeKind.SUBJECT, MANIFEST, 9),),
        }
    )
    assert recount(contents).orphaned_manifests == 1
