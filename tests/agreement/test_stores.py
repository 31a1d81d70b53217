"""Every store alike: one suite for memory and for files with SQLite, and both driven in lock-step by Hypothesis.

The contract is that of nscr.stores.base; the figures of SQL must equal the recount that defines them. "Again" opens the
same folder or shelf anew, as a restart does: what a verb returned must be found.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import anyio.to_thread
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nscr.core.admission import PutTerms
from nscr.core.collection import plan_untagged
from nscr.core.figures import (
    BlobFigures,
    BlobReferences,
    Figures,
    RepositoryFigures,
    SessionFigures,
    Summary,
    TagFigures,
)
from nscr.core.preconditions import UNCONDITIONAL, EntityTags, Preconditions
from nscr.errors import ContentDamaged, DigestMismatch, ManifestReferencesUnknown, PreconditionFailed
from nscr.oci.digest import Algorithm, Digest, digest_of
from nscr.oci.manifests import OCI_MANIFEST, Edge, EdgeKind
from nscr.oci.names import RepositoryName, Tag
from nscr.stores.base import Offload, StoredManifest, Stores
from nscr.stores.census import SqliteCensus
from nscr.stores.collection import SqliteUpkeep
from nscr.stores.database import Database
from nscr.stores.files import FileContent
from nscr.stores.memory import Shelf, memory_stores
from nscr.stores.schema import MIGRATIONS
from nscr.stores.sqlite import SqliteBlobs, SqliteManifests, SqliteUploads

Result = TypeVar("Result")

A, B = RepositoryName("a"), RepositoryName("team/b")
T, U = Tag("t"), Tag("u")
DATA = b"0123456789"
DIGEST = digest_of(DATA)


async def inline(function: Callable[..., Result], /, *arguments: Any) -> Result:
    return function(*arguments)


def disk_stores(folder: Path, offload: Offload) -> tuple[Stores, Database]:
    database = Database(folder / "registry.sqlite3", MIGRATIONS, offload)
    stores = Stores(
        FileContent(folder, offload),
        SqliteBlobs(database),
        SqliteManifests(database),
        SqliteUploads(database),
        SqliteCensus(database),
        SqliteUpkeep(database),
    )
    return stores, database


Again = Callable[[], Awaitable[Stores]]


@asynccontextmanager
async def reopenable(kind: str, folder: Path) -> AsyncIterator[Again]:
    """Gives stores, and at each further call the same content opened anew."""
    shelf = Shelf()
    open_databases: list[Database] = []

    async def again() -> Stores:
        if kind == "memory":
            return memory_stores(shelf)
        while open_databases:
            await open_databases.pop().aclose()
        stores, database = disk_stores(folder, anyio.to_thread.run_sync)
        open_databases.append(database)
        return stores

    yield again
    for database in open_databases:
        await database.aclose()


@pytest.fixture(params=["memory", "disk"])
async def again(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Again]:
    async with reopenable(request.param, tmp_path) as opener:
        yield opener


def manifest_of(name: bytes, *edges: tuple[EdgeKind, Digest]) -> StoredManifest:
    return StoredManifest(digest_of(name), OCI_MANIFEST, name, tuple(Edge(kind, digest, 1) for kind, digest in edges))


def session(name: str, started: int) -> SessionFigures:
    return SessionFigures(name, A, started=started, last_activity=started, chunks=0)


@dataclass(frozen=True)
class Snapshot:
    """All that one reading says."""

    figures: Figures
    repositories: list[RepositoryFigures]
    most_referenced: list[BlobReferences]
    blobs: list[BlobFigures]
    tags: list[TagFigures]
    sessions: list[SessionFigures]

    @property
    def summary(self) -> Summary:
        return self.figures.summary

    @property
    def generation(self) -> int:
        return self.figures.generation


async def snapshot(stores: Stores) -> Snapshot:
    return await stores.census.read(
        lambda reading: Snapshot(
            reading.figures(),
            list(reading.repositories()),
            list(reading.most_referenced(1)),
            list(reading.blobs("", None)),
            [tag for repository in (A, B) for tag in reading.repository_tags(repository)],
            list(reading.sessions()),
        )
    )


async def publish(stores: Stores, data: bytes, *, to: RepositoryName, now: int = 1) -> Digest:
    digest = digest_of(data)
    stores.content.start("scratch")
    await stores.content.append("scratch", data, 0)
    size = await stores.content.seal("scratch", digest)
    await stores.content.publish("scratch", digest)
    await stores.blobs.add_blob(to, digest, size, now, closes=None)
    return digest


@pytest.mark.anyio
class TestContent:
    @pytest.mark.parametrize("algorithm", Algorithm)
    @pytest.mark.parametrize("pieces", [[b""], [b"1"], [b"x" * 70_000, b"y", b"z" * 200_000, b"end"]])
    async def test_what_was_published_is_read(self, again: Again, algorithm: Algorithm, pieces: list[bytes]) -> None:
        content = (await again()).content
        data = b"".join(pieces)
        digest = digest_of(data, algorithm)
        content.start("u")
        for piece in pieces:
            await content.append("u", piece, await content.offset("u"))
        assert await content.seal("u", digest) == len(data)
        await content.publish("u", digest)
        assert await content.uploads() == []
        for _ in range(2):
            reader = await content.open(digest, len(data))
            assert (reader.size, await reader.read(0, len(data))) == (len(data), data)
            if len(data) > 2:
                assert await reader.read(1, 2) == data[1:3]
            await reader.aclose()
            content = (await again()).content

    async def test_an_upload_goes_on_after_a_restart(self, again: Again) -> None:
        content = (await again()).content
        content.start("u")
        await content.append("u", DATA[:4], 0)
        await content.sync("u")
        content = (await again()).content
        assert await content.uploads() == ["u"]
        assert await content.offset("u") == 4
        await content.append("u", DATA[4:], 4)
        assert await content.offset("u") == 10
        assert await content.seal("u", DIGEST) == 10

    async def test_another_digest_leaves_the_upload_as_it_was(self, again: Again) -> None:
        content = (await again()).content
        content.start("u")
        await content.append("u", DATA, 0)
        with pytest.raises(DigestMismatch):
            await content.seal("u", digest_of(b"other"))
        assert await content.offset("u") == 10
        assert await content.seal("u", DIGEST) == 10

    @pytest.mark.parametrize("size", [10, 100_000])
    async def test_truncated_bytes_are_not_part_of_the_blob(self, again: Again, size: int) -> None:
        content = (await again()).content
        content.start("u")
        await content.append("u", b"k" * size, 0)
        await content.append("u", b"lost", size)
        await content.truncate("u", size)
        assert await content.offset("u") == size
        await content.append("u", b"end", size)
        digest = digest_of(b"k" * size + b"end")
        assert await content.seal("u", digest) == size + 3

    async def test_discarded_bytes_are_gone_and_discarding_nothing_is_fine(self, again: Again) -> None:
        content = (await again()).content
        content.start("u")
        await content.append("u", DATA, 0)
        await content.sync("u")
        for _ in range(2):
            await content.discard("u")
            assert await content.uploads() == []
            assert await content.offset("u") == 0

    async def test_a_blob_that_is_not_as_it_should_be_is_never_opened(self, again: Again) -> None:
        stores = await again()
        await publish(stores, DATA, to=A)
        for digest, size in ((DIGEST, 9), (DIGEST, 11), (digest_of(b"absent"), 6)):
            with pytest.raises(ContentDamaged):
                await stores.content.check(digest, size)
            with pytest.raises(ContentDamaged):
                await stores.content.open(digest, size)
        await stores.content.check(DIGEST, 10)

    async def test_a_reader_keeps_its_bytes_while_the_blob_is_published_again(self, again: Again) -> None:
        stores = await again()
        await publish(stores, DATA, to=A)
        reader = await stores.content.open(DIGEST, 10)
        await publish(stores, DATA, to=B)
        assert await reader.read(0, 10) == DATA
        await reader.aclose()
        assert await stores.content.free_bytes() > 0


@pytest.mark.anyio
class TestBlobs:
    async def test_a_blob_belongs_to_the_repositories_that_got_it(self, again: Again) -> None:
        stores = await again()
        await publish(stores, DATA, to=A)
        for _ in range(2):
            assert await stores.blobs.blob_size(A, DIGEST) == 10
            assert await stores.blobs.blob_size(B, DIGEST) is None
            stores = await again()

    async def test_mount_and_remove(self, again: Again) -> None:
        stores = await again()
        await publish(stores, DATA, to=A)
        assert not await stores.blobs.mount_blob(DIGEST, source=B, target=A, now=1)
        assert await stores.blobs.mount_blob(DIGEST, source=A, target=B, now=1)
        assert await stores.blobs.remove_blob(A, DIGEST)
        assert not await stores.blobs.remove_blob(A, DIGEST)
        assert await stores.blobs.blob_size(A, DIGEST) is None
        assert await stores.blobs.blob_size(B, DIGEST) == 10

    async def test_the_first_publication_dates_a_blob_and_the_commit_ends_its_session(self, again: Again) -> None:
        stores = await again()
        await stores.uploads.open_upload(session("u", 5))
        await publish(stores, DATA, to=A, now=5)
        await stores.blobs.add_blob(B, DIGEST, 10, 9, closes="u")
        taken = await snapshot(stores)
        (blob,), storage = taken.blobs, taken.figures.storage
        assert (blob.digest, blob.size, blob.created) == (DIGEST, 10, 5)
        assert (storage.unique_bytes, storage.total_bytes) == (10, 20)
        assert taken.sessions == []


@pytest.mark.anyio
class TestManifests:
    async def test_what_was_put_is_found_by_tag_and_digest(self, again: Again) -> None:
        stores = await again()
        blob = await publish(stores, DATA, to=A)
        manifest = manifest_of(b"m", (EdgeKind.BLOB, blob), (EdgeKind.SUBJECT, digest_of(b"later")))
        await stores.manifests.put_manifest(A, manifest, PutTerms((T,)), 1)
        for _ in range(2):
            for reference in (T, manifest.digest):
                found = await stores.manifests.manifest(A, reference)
                assert found is not None
                assert found.content == b"m"
                assert set(found.edges) == set(manifest.edges)
            assert await stores.manifests.manifest(B, T) is None
            assert await stores.manifests.manifest(A, U) is None
            stores = await again()

    async def test_a_refused_manifest_changes_nothing(self, again: Again) -> None:
        stores = await again()
        await stores.manifests.put_manifest(A, manifest_of(b"old"), PutTerms((T,)), 1)
        before = await snapshot(stores)
        lacking = manifest_of(b"new", (EdgeKind.BLOB, DIGEST), (EdgeKind.CHILD, digest_of(b"child")))
        with pytest.raises(ManifestReferencesUnknown) as caught:
            await stores.manifests.put_manifest(A, lacking, PutTerms((T,)), 2)
        assert set(caught.value.missing) == {DIGEST, digest_of(b"child")}
        assert await snapshot(stores) == before

    async def test_put_again_under_another_type(self, again: Again) -> None:
        stores = await again()
        await publish(stores, DATA, to=A)
        await stores.manifests.put_manifest(A, manifest_of(b"m", (EdgeKind.BLOB, DIGEST)), PutTerms((T,)), 1)
        opaque = StoredManifest(digest_of(b"m"), "application/x-odd", b"m", ())
        await stores.manifests.put_manifest(A, opaque, PutTerms((T,)), 2)
        assert await stores.manifests.manifest(A, T) == opaque
        assert (await snapshot(stores)).summary.unreferenced_blobs == 1

    async def test_deleting_by_digest_takes_its_tags_only_here(self, again: Again) -> None:
        stores = await again()
        one, two = manifest_of(b"1"), manifest_of(b"2")
        for repository in (A, B):
            await stores.manifests.put_manifest(repository, one, PutTerms((T,)), 1)
        await stores.manifests.put_manifest(A, two, PutTerms((U,)), 1)
        assert await stores.manifests.delete_manifest(A, one.digest)
        assert not await stores.manifests.delete_manifest(A, one.digest)
        assert await stores.manifests.tags(A, "", None) == ["u"]
        assert await stores.manifests.tags(B, "", None) == ["t"]
        assert await stores.manifests.delete_manifest(A, two.digest)
        assert await stores.manifests.tags(A, "", None) is None
        assert await stores.manifests.repositories("", None) == ["team/b"]

    async def test_deleting_a_tag(self, again: Again) -> None:
        stores = await again()
        await stores.manifests.put_manifest(A, manifest_of(b"1"), PutTerms((T,)), 1)
        assert await stores.manifests.delete_tag(A, T)
        assert not await stores.manifests.delete_tag(A, T)
        assert await stores.manifests.tags(A, "", None) == []
        assert await stores.manifests.manifest(A, digest_of(b"1")) is not None

    async def test_listings_are_in_the_order_of_code_points_and_start_after_last(self, again: Again) -> None:
        stores = await again()
        for name in ("b", "B", "a-", "a", "a_", "10", "9"):
            await stores.manifests.put_manifest(A, manifest_of(b"1"), PutTerms((Tag(name),)), 1)
        assert await stores.manifests.tags(A, "", None) == ["10", "9", "B", "a", "a-", "a_", "b"]
        assert await stores.manifests.tags(A, "A", 2) == ["B", "a"]
        assert await stores.manifests.tags(A, "", 0) == []
        assert await stores.manifests.repositories("a", None) == []


@pytest.mark.anyio
class TestCensus:
    async def test_sessions_oldest_first_with_their_chunks(self, again: Again) -> None:
        stores = await again()
        await stores.uploads.open_upload(session("new", 9))
        await stores.uploads.open_upload(session("old", 3))
        await stores.uploads.touch_upload("old", 12)
        await stores.uploads.open_upload(session("closed", 1))
        await stores.uploads.close_upload("closed")
        for _ in range(2):
            old, new = (await snapshot(stores)).sessions
            assert (old.id, old.started, old.last_activity, old.chunks) == ("old", 3, 12, 1)
            assert (new.id, new.chunks) == ("new", 0)
            assert (await snapshot(stores)).figures.open_sessions == 2
            stores = await again()

    async def test_the_size_of_a_tag_counts_what_it_reaches_once(self, again: Again) -> None:
        stores = await again()
        one, two = await publish(stores, DATA, to=A), await publish(stores, b"22", to=A)
        left, right = (
            manifest_of(b"l", (EdgeKind.BLOB, one)),
            manifest_of(b"r", (EdgeKind.BLOB, one), (EdgeKind.BLOB, two)),
        )
        for child in (left, right):
            await stores.manifests.put_manifest(A, child, PutTerms(), 1)
        inner = manifest_of(b"inner", (EdgeKind.CHILD, left.digest), (EdgeKind.CHILD, right.digest))
        await stores.manifests.put_manifest(A, inner, PutTerms(), 1)
        outer = manifest_of(b"outer", (EdgeKind.CHILD, inner.digest), (EdgeKind.CHILD, left.digest))
        await stores.manifests.put_manifest(A, outer, PutTerms((T,)), 1)
        await stores.manifests.put_manifest(A, left, PutTerms((U,)), 1)
        tags = (await snapshot(stores)).tags
        assert [(tag.name, tag.digest, tag.size) for tag in tags] == [("t", outer.digest, 12), ("u", left.digest, 10)]
        assert await stores.census.read(lambda reading: reading.has_repository(A))
        assert not await stores.census.read(lambda reading: reading.has_repository(B))

    async def test_repositories_newest_push_first(self, again: Again) -> None:
        stores = await again()
        for now, repository in ((1, B), (2, A), (3, B)):
            await stores.manifests.put_manifest(repository, manifest_of(b"1"), PutTerms(), now)
        taken = await snapshot(stores)
        assert [(repository.name, repository.last_pushed) for repository in taken.repositories] == [(B, 3), (A, 2)]
        assert taken.summary == Summary(2, 2, 0, 0, 0, 0)

    async def test_the_probe_reads_back_and_does_not_count_as_a_change(self, again: Again) -> None:
        stores = await again()
        assert await stores.census.probe("token")
        assert (await snapshot(stores)).generation == 0


REPOSITORIES = st.sampled_from([A, B])
TAGS = st.sampled_from([T, U])
CONTENTS = st.sampled_from([b"1", b"22"])
NAMES = st.sampled_from([b"{}", b'{"artifactType":"application/x-odd"}'])
BLOB_EDGES = st.builds(
    lambda kind, data: Edge(kind, digest_of(data), len(data)),
    st.sampled_from([EdgeKind.BLOB, EdgeKind.FOREIGN]),
    CONTENTS,
)
MANIFEST_EDGES = st.builds(
    lambda kind, name: Edge(kind, digest_of(name), 1), st.sampled_from([EdgeKind.CHILD, EdgeKind.SUBJECT]), NAMES
)
MANIFESTS = st.builds(
    lambda name, edges: StoredManifest(digest_of(name), OCI_MANIFEST, name, tuple(dict.fromkeys(edges))),
    NAMES,
    st.lists(BLOB_EDGES | MANIFEST_EDGES, max_size=2),
)
ENTITY_TAGS = st.sampled_from([None, EntityTags(is_any=True)]) | st.builds(
    lambda name: EntityTags(is_any=False, strong=frozenset({digest_of(name)})), NAMES
)
PRECONDITIONS = st.builds(Preconditions, if_match=ENTITY_TAGS, if_none_match=ENTITY_TAGS)
TERMS = st.builds(
    PutTerms,
    tags=st.lists(TAGS, max_size=2, unique=True).map(tuple),
    preconditions=st.just(UNCONDITIONAL) | PRECONDITIONS,
    allow_sparse=st.booleans(),
)


class BothStores(RuleBasedStateMachine):
    """Memory and disk do the same verbs in the same order: same answers, same refusals, same figures."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.shelf = Shelf()
        self.memory = memory_stores(self.shelf)
        self.disk, self.database = disk_stores(Path(self.folder.name), inline)
        self.now = 0

    def teardown(self) -> None:
        self.runner.run(self.database.aclose())
        self.runner.close()
        self.folder.cleanup()

    def both(self, verb: Callable[[Stores], Coroutine[Any, Any, object]]) -> None:
        async def outcome(stores: Stores) -> object:
            try:
                return await verb(stores)
            except (ManifestReferencesUnknown, PreconditionFailed, DigestMismatch, ContentDamaged) as error:
                return type(error), str(error), getattr(error, "missing", None)

        self.now += 1
        assert self.runner.run(outcome(self.memory)) == self.runner.run(outcome(self.disk))

    @rule(repository=REPOSITORIES, data=CONTENTS)
    def push_blob(self, repository: RepositoryName, data: bytes) -> None:
        self.both(lambda stores: publish(stores, data, to=repository, now=self.now))

    @rule(holder=st.none() | REPOSITORIES, taker=REPOSITORIES, data=CONTENTS)
    def mount_blob(self, holder: RepositoryName | None, taker: RepositoryName, data: bytes) -> None:
        self.both(lambda stores: stores.blobs.mount_blob(digest_of(data), source=holder, target=taker, now=self.now))

    @rule(repository=REPOSITORIES, data=CONTENTS)
    def remove_blob(self, repository: RepositoryName, data: bytes) -> None:
        self.both(lambda stores: stores.blobs.remove_blob(repository, digest_of(data)))

    @rule(repository=REPOSITORIES, data=CONTENTS)
    def lease_blob(self, repository: RepositoryName, data: bytes) -> None:
        self.both(lambda stores: stores.upkeep.lease_blob(repository, digest_of(data), self.now))

    @rule(age=st.integers(0, 10))
    def expire_leases(self, age: int) -> None:
        self.both(lambda stores: stores.upkeep.expire_leases(self.now - age))

    @rule()
    def collect_blobs(self) -> None:
        async def collect(stores: Stores) -> object:
            listed = await stores.upkeep.unreferenced("", 10)
            condemned = await stores.upkeep.condemn([Digest(blob.digest) for blob in listed])
            assert condemned == listed
            freed = [await stores.content.remove(Digest(blob.digest)) for blob in condemned]
            await stores.upkeep.forget([Digest(blob.digest) for blob in condemned])
            return condemned, freed

        self.both(collect)

    @rule(repository=REPOSITORIES, age=st.integers(0, 10))
    def collect_manifests(self, repository: RepositoryName, age: int) -> None:
        async def collect(stores: Stores) -> object:
            facts = await stores.upkeep.manifests(repository)
            planned = plan_untagged(facts, before=self.now - age)
            removed = await stores.upkeep.remove_untagged(repository, planned, self.now - age)
            assert removed == len(planned)
            return planned

        self.both(collect)

    @rule(repository=REPOSITORIES, manifest=MANIFESTS, terms=TERMS)
    def put_manifest(self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms) -> None:
        self.both(lambda stores: stores.manifests.put_manifest(repository, manifest, terms, self.now))

    @rule(repository=REPOSITORIES, name=NAMES, asked=PRECONDITIONS)
    def delete_manifest(self, repository: RepositoryName, name: bytes, asked: Preconditions) -> None:
        self.both(lambda stores: stores.manifests.delete_manifest(repository, digest_of(name), asked))

    @rule(repository=REPOSITORIES)
    def delete_repository(self, repository: RepositoryName) -> None:
        self.both(lambda stores: stores.manifests.delete_repository(repository))

    @rule(repository=REPOSITORIES, tag=TAGS, asked=PRECONDITIONS)
    def delete_tag(self, repository: RepositoryName, tag: Tag, asked: Preconditions) -> None:
        self.both(lambda stores: stores.manifests.delete_tag(repository, tag, asked))

    @rule(name=st.sampled_from(["x", "y"]))
    def touch_or_open_upload(self, name: str) -> None:
        verb = (
            (lambda stores: stores.uploads.touch_upload(name, self.now))
            if name in self.shelf.sessions
            else (lambda stores: stores.uploads.open_upload(session(name, self.now)))
        )
        self.both(verb)

    @rule(name=st.sampled_from(["x", "y"]))
    def close_upload(self, name: str) -> None:
        self.both(lambda stores: stores.uploads.close_upload(name))

    @rule()
    def restart(self) -> None:
        self.runner.run(self.database.aclose())
        self.disk, self.database = disk_stores(Path(self.folder.name), inline)

    @invariant()
    def agree(self) -> None:
        self.both(snapshot)
        self.both(lambda stores: stores.census.read(lambda reading: reading.recount()))
        assert self.memory.census.generation == self.disk.census.generation
        for repository in (A, B):
            self.both(lambda stores, name=repository: stores.manifests.tags(name, "", None))
            self.both(
                lambda stores, name=repository: stores.manifests.referrers(
                    name, digest_of(b"{}"), last="", artifact_type=None, most_bytes=1000
                )
            )


BothStores.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, print_blob=True)
test_both_stores_agree = pytest.mark.slow(BothStores.TestCase)
