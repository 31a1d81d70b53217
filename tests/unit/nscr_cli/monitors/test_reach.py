"""What tags reach: which reads prove that something vanished, and that no order of writes looks like it."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from nscr_cli.client.monitoring.documents import RepositoryDetails, RepositoryTag, State
from nscr_cli.monitors.details_rules import DetailsWatch, against_state, within_details
from nscr_cli.monitors.looking import look_around
from nscr_cli.monitors.reach import Edge, Lookout, Moment, Question, Recheck, Seen, proves_absence
from nscr_cli.monitors.rules import STATE, Answer

Answers = Callable[..., dict[str, Answer]]
THERE, GONE, UNKNOWN = Seen(is_there=True), Seen(is_there=False), Seen()
ROOT = Seen(is_there=True, digest="d1", edges=(Edge("b1", False),))
SUSPECT = Question(repository="app", tag="1", root="d1", edge=Edge("b1", False))
PROOF = Recheck(before=Moment(7, 1000), tag_first=ROOT, way=(), suspect=GONE, tag_again=ROOT, after=Moment(7, 1100))


def test_the_proof() -> None:
    assert proves_absence(SUSPECT, PROOF)
    assert proves_absence(SUSPECT, msgspec.structs.replace(PROOF, way=(THERE, THERE)))


@pytest.mark.parametrize(
    "other",
    [
        {"before": None},
        {"after": None},
        {"before": Moment(None, 1000), "after": Moment(None, 1100)},
        {"after": Moment(8, 1100)},  # something was committed: the tag may have been deleted and pushed again
        {"after": Moment(7, 900)},  # another life of the process, which may count anew
        {"tag_first": GONE},
        {"tag_again": GONE},
        {"tag_first": Seen(is_there=True, digest="d2")},
        {"tag_again": Seen(is_there=True, digest="d2")},
        {"tag_again": UNKNOWN},
        {"way": (THERE, GONE)},
        {"way": (UNKNOWN,)},
        {"suspect": THERE},
        {"suspect": UNKNOWN},
    ],
)
def test_no_proof(other: dict[str, Any]) -> None:
    assert not proves_absence(SUSPECT, msgspec.structs.replace(PROOF, **other))


class Registry:
    """A correct registry with one repository; `before_each` is called before each read, as a racing writer would be."""

    def __init__(
        self, before_each: Callable[["Registry"], None] = lambda _: None, *, has_generation: bool = True
    ) -> None:
        self.tags: dict[str, str] = {}
        self.manifests: dict[str, tuple[Edge, ...]] = {}
        self.blobs: set[str] = set()
        self.generation = 0
        self.reads: list[str] = []
        self._before_each = before_each
        self._has_generation = has_generation

    def push(self, tag: str, *blobs: str) -> None:
        """Push an image; each piece is a commit of its own."""
        for blob in blobs:
            self.blobs.add(blob)
            self.generation += 1
        digest = "m-" + "-".join(blobs)
        self.manifests[digest] = tuple(Edge(blob, False) for blob in blobs)
        self.tags[tag] = digest
        self.generation += 1

    def delete_tag(self, tag: str) -> None:
        self.generation += self.tags.pop(tag, None) is not None

    def collect(self) -> None:
        """Manifests without a tag, and what they alone reach, go."""
        kept = {digest: edges for digest, edges in self.manifests.items() if self._is_named(digest)}
        reached = {edge.digest for edges in kept.values() for edge in edges}
        if (kept, self.blobs & reached) != (self.manifests, self.blobs):
            self.generation += 1
        self.manifests, self.blobs = kept, self.blobs & reached

    def _is_named(self, digest: str) -> bool:
        named = set(self.tags.values())
        return digest in named or any(
            Edge(digest, True) in self.manifests[each] for each in named if each in self.manifests
        )

    async def manifest(self, repository: str, reference: str) -> Seen:
        self._before_each(self)
        self.reads.append(reference)
        digest = self.tags.get(reference, reference)
        if digest not in self.manifests:
            return GONE
        return Seen(is_there=True, digest=digest, edges=self.manifests[digest])

    async def blob(self, repository: str, digest: str) -> Seen:
        self._before_each(self)
        self.reads.append(digest)
        return Seen(is_there=digest in self.blobs)

    async def poll(self, path: str, *, etag: str | None = None) -> Answer:
        self._before_each(self)
        assert path == STATE
        return Answer(endpoint=STATE, latency_ms=1, status=200, body=msgspec.json.encode(self.document()))

    def document(self) -> dict[str, Any]:
        summary = dict.fromkeys(
            ("totalRepositories", "totalManifests", "totalBlobs", "unreferencedBlobs", "orphanedManifests",
             "estimatedSpaceToFree"), 0,
        )  # fmt: skip
        return {
            "timestamp": 0,
            "registryVersion": "2.0",
            "summary": summary,
            "repositories": [{"name": "app", "tagCount": len(self.tags), "tags": sorted(self.tags)}],
            "activeSessions": {"count": 0, "sessions": []},
            "health": {"status": "healthy", "uptime": 5, "logStreamClients": 0},
            "generation": self.generation if self._has_generation else None,
        }

    def state(self) -> State:
        return msgspec.convert(self.document(), State)


def walk(registry: Registry, lookout: Lookout, *, between: Callable[[], None] = lambda: None, walks: int = 1) -> None:
    async def main() -> None:
        for _ in range(walks):
            lookout.begin(registry.state())
            while not lookout.is_done:
                await look_around(lookout, registry, registry)  # type: ignore[arg-type]
                between()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_what_is_there_is_looked_at_once_a_walk() -> None:
    registry, lookout = Registry(), Lookout()
    registry.push("1", "b1", "b2")
    registry.push("2", "b1", "b3")
    walk(registry, lookout)
    assert sorted(registry.reads) == ["1", "2", "b1", "b2", "b3"]
    assert (lookout.looked_at, lookout.conditions) == (3, ())


def test_a_blob_that_vanishes_is_found_with_its_key_and_is_over_when_it_is_back() -> None:
    registry, lookout = Registry(), Lookout()
    registry.push("1", "b1", "b2")
    walk(registry, lookout)
    registry.blobs.remove("b2")
    walk(registry, lookout)
    (found,) = lookout.conditions
    assert (found.rule, found.subject, found.endpoint) == ("vanished", "app:1", "/v2/app/blobs/b2")
    assert found.text == "app:1 cannot be pulled: a blob vanished (it was there 0ms before): b2"
    walk(registry, lookout)
    assert lookout.conditions == (found,)
    registry.blobs.add("b2")
    walk(registry, lookout)
    assert lookout.conditions == ()


def test_a_child_of_an_index_and_what_it_reaches() -> None:
    registry, lookout = Registry(), Lookout()
    registry.push("1", "b1")
    registry.manifests["index"] = (Edge("m-b1", True),)
    registry.tags = {"multi": "index"}
    walk(registry, lookout)
    registry.blobs.clear()
    walk(registry, lookout)
    assert [found.endpoint for found in lookout.conditions] == ["/v2/app/blobs/b1"]
    registry.manifests.pop("m-b1")
    other = Lookout()
    registry.manifests["m-b1"] = (Edge("b1", False),)
    registry.blobs.add("b1")
    walk(registry, other)
    registry.manifests.pop("m-b1")
    walk(registry, other)
    assert [found.endpoint for found in other.conditions] == ["/v2/app/manifests/m-b1"]


def test_what_never_was_there_did_not_vanish() -> None:
    registry, lookout = Registry(), Lookout()
    registry.push("1", "b1")
    registry.blobs.clear()
    walk(registry, lookout, walks=3)
    assert lookout.conditions == ()


def test_without_a_generation_nobody_is_accused() -> None:
    registry, lookout = Registry(has_generation=False), Lookout()
    registry.push("1", "b1")
    walk(registry, lookout)
    registry.blobs.clear()
    walk(registry, lookout, walks=3)
    assert lookout.conditions == ()


def test_the_alarm_is_over_when_the_tag_goes() -> None:
    registry, lookout = Registry(), Lookout()
    registry.push("1", "b1")
    walk(registry, lookout)
    registry.blobs.clear()
    walk(registry, lookout)
    assert len(lookout.conditions) == 1
    registry.delete_tag("1")
    walk(registry, lookout)
    assert lookout.conditions == ()


def test_what_was_collected_and_is_named_again_later_did_not_vanish() -> None:
    """A blob that no tag reached for a whole walk is forgotten, for it may have been collected."""
    registry, lookout = Registry(), Lookout()
    registry.push("1", "b1")
    walk(registry, lookout)
    registry.delete_tag("1")
    registry.collect()
    walk(registry, lookout)
    registry.manifests["sparse"] = (Edge("b1", False),)
    registry.tags["2"] = "sparse"
    walk(registry, lookout, walks=3)
    assert lookout.conditions == ()


class Noting(Lookout):
    """Remembers how often it was suspicious, and whether it ever accused."""

    def __init__(self) -> None:
        super().__init__()
        self.rechecks = 0
        self.ever_accused = False

    def conclude(self, question: Question, found: Recheck, now_s: float) -> bool:
        concluded = super().conclude(question, found, now_s)
        self.rechecks += 1
        self.ever_accused = self.ever_accused or bool(self.conditions)
        return concluded


def writer(seed: int) -> Callable[[Registry], None]:
    """Between two reads: pushes, deletions, collections, and all of them at once, so that things come back."""
    chance = random.Random(seed)
    busy = chance.choice((0.2, 0.6, 1.0))

    coming_back: list[tuple[str, tuple[str, ...]]] = []

    def write(registry: Registry) -> None:
        while coming_back and chance.random() < 0.7:
            tag, blobs = coming_back.pop()
            registry.push(tag, *blobs)
        while chance.random() < busy * 0.6:
            tag, blobs = chance.choice("12"), tuple(chance.sample(["b1", "b2", "b3"], 2))
            match chance.randrange(5):
                case 0 | 1:
                    registry.push(tag, *blobs)
                case 2:
                    registry.delete_tag(tag)
                case 3:
                    registry.collect()
                case _:
                    held = registry.manifests.get(registry.tags.get(tag, ""), ())
                    registry.delete_tag(tag)
                    registry.collect()
                    if held:
                        coming_back.append((tag, tuple(edge.digest for edge in held)))

    return write


@pytest.mark.parametrize("has_generation", [True, False])
def test_no_order_of_pushes_deletions_and_collections_is_an_accusation(has_generation: bool) -> None:
    suspected = 0
    for seed in range(400):
        registry, lookout = Registry(writer(seed), has_generation=has_generation), Noting()
        registry.push("1", "b1", "b2")
        registry.push("2", "b2", "b3")
        walk(registry, lookout, walks=8)
        suspected += lookout.rechecks
        assert not lookout.ever_accused, f"seed {seed}"
    assert suspected > 100  # there was something to be wrong about


@pytest.mark.parametrize("seed", range(20))
def test_a_blob_that_is_lost_among_writes_is_found_once_they_pause(seed: int) -> None:
    write = writer(seed)
    is_writing = True

    def before_each(registry: Registry) -> None:
        if is_writing:
            write(registry)

    registry, lookout = Registry(before_each), Lookout()
    registry.push("kept", "k1", "k2")
    walk(registry, lookout)
    registry.blobs.remove("k1")
    walk(registry, lookout, walks=3)
    is_writing = False
    walk(registry, lookout, walks=1)
    assert [(found.rule, found.subject) for found in lookout.conditions] == [("vanished", "app:kept")]


def details(*tags: str, count: int | None = None) -> RepositoryDetails:
    listed = [RepositoryTag(tag=tag, has_manifest=True, digest="sha256:0") for tag in tags]
    return RepositoryDetails(name="app", tag_count=len(tags) if count is None else count, tags=listed, timestamp=0)


def state_of(answers: Answers, *tags: str, **more: Any) -> State:
    return msgspec.json.decode(answers(repositories={"app": list(tags)}, **more)[STATE].body, type=State)


def test_details_agree_with_themselves() -> None:
    assert not list(within_details("app", details("1", "2")))
    assert not list(within_details("app", details()))
    (found,) = within_details("app", details("1", "2", count=3))
    assert found.text == "app: its details have tagCount 3, 2 tags are listed"
    (twice,) = within_details("app", details("1", "1"))
    assert "the tag 1 more than once" in twice.text


def test_details_and_the_states_around_them(answers: Answers) -> None:
    state = state_of(answers, "1", "2")
    assert not list(against_state("app", details("2", "1"), state, state))
    assert not list(against_state("other", details("3"), state, state))
    (found,) = against_state("app", details("1", "3"), state, state)
    assert "they differ in 2, 3" in found.text
    for before, after in (
        (state, state_of(answers, "1", "2", generation=2)),
        (state_of(answers, "1", generation=None), state_of(answers, "1", generation=None)),
        (state_of(answers, "1", uptime_s=90), state_of(answers, "1", uptime_s=2)),
    ):
        assert not list(against_state("app", details("1", "3"), before, after))


def test_details_are_compared_with_a_state_that_was_asked_for_later(answers: Answers) -> None:
    state, watch = state_of(answers, "1"), DetailsWatch()
    assert watch.next_repository(state) == "app"
    watch.take("app", details("1", "2"), state, rounds=5)
    for rounds in (5, 6):
        watch.settle(state, rounds)
        assert watch.conditions == ()
    watch.settle(state, 7)
    assert [found.subject for found in watch.conditions] == ["state"]
    assert watch.next_repository(state) == "app"
    watch.take("app", details("1"), state, rounds=8)
    watch.settle(state, 10)
    assert watch.conditions == ()


def test_what_was_wrong_with_a_repository_that_is_gone_is_over(answers: Answers) -> None:
    state, watch = state_of(answers, "1"), DetailsWatch()
    watch.next_repository(state)
    watch.take("app", details("1", count=9), state, rounds=1)
    assert len(watch.conditions) == 1
    gone = msgspec.json.decode(answers(repositories={"other": []})[STATE].body, type=State)
    assert watch.next_repository(gone) == "other"
    assert watch.conditions == ()
