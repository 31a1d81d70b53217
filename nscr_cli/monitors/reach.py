"""What the tags of a registry reach, and whether it is still there: which question comes next, and what follows. Pure.

A walk goes from tag to manifest to blob, a few questions at a time. What was there while a tag reached it and then is
answered 404 is suspected; any correct registry may answer so, for the tag may have been deleted or moved meanwhile. So
it is asked again, all in a row: the state, the tag, the manifests on the way, what is suspected, the tag, the state.
Only this is a proof: both states are of one generation and one life of the process, so that nothing was committed in
between; the tag named the same manifest before and after; all on the way was there; what is suspected was not. A
registry that tells no generation is never accused of this.
"""

from collections import deque

import msgspec

from nscr_cli.client.monitoring.documents import State
from nscr_cli.durations import show_duration
from nscr_cli.monitors.rules import Condition

MOST_REMEMBERED = 200_000
_DEEPEST = 4


class Edge(msgspec.Struct, frozen=True):
    """A blob or manifest that something names."""

    digest: str
    is_manifest: bool


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A read. What is not known to be there or not is None.

    Attributes:
        digest: of the bytes of a manifest that came.
        edges: what they name and must be there.
    """

    is_there: bool | None = None
    digest: str | None = None
    edges: tuple[Edge, ...] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Is this still there?

    Attributes:
        repository, tag: where the walk began.
        root: digest of the manifest that the tag named then; None while the tag itself is asked for.
        way: digests of the manifests between that one and what is asked for.
        edge: what is asked for; None for the tag.
    """

    repository: str
    tag: str
    root: str | None = None
    way: tuple[str, ...] = ()
    edge: Edge | None = None


class Moment(msgspec.Struct, frozen=True):
    """What a state says of itself: nothing was committed between two of one generation and one life."""

    generation: int | None
    uptime_ms: int


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """The reads that were made, in this order, to find out whether a suspicion holds."""

    before: Moment | None
    tag_first: Seen
    way: tuple[Seen, ...]
    suspect: Seen
    tag_again: Seen
    after: Moment | None


def proves_absence(question: Question, found: Recheck) -> bool:
    """Whether it follows that the tag reaches something that is not there."""
    before, after = found.before, found.after
    if before is None or after is None or before.generation is None:
        return False
    is_still = before.generation == after.generation and before.uptime_ms <= after.uptime_ms
    is_same_tag = found.tag_first.digest == found.tag_again.digest == question.root
    is_way_there = all(seen.is_there for seen in found.way)
    return is_still and question.root is not None and is_same_tag and is_way_there and found.suspect.is_there is False


class Lookout:
    """Walks over what the tags of one registry reach, again and again. Mutable, but pure: time is an argument.

    Attributes:
        looked_at: how many things were found in the walk that goes on, or in the last one.
    """

    def __init__(self) -> None:
        self._tags: deque[tuple[str, str]] = deque()
        self._next: deque[Question] = deque()
        self._asked: set[tuple[str, str]] = set()
        self._there: dict[tuple[str, str], float] = {}
        self._suspects: deque[Question] = deque()
        self._found: dict[tuple[str, str], tuple[Question, Condition]] = {}
        self.looked_at = 0

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What is proven, and was not seen to be over."""
        return tuple(condition for _, condition in self._found.values())

    @property
    def is_done(self) -> bool:
        """The walk is over."""
        return not (self._tags or self._next or self._suspects)

    def begin(self, state: State) -> None:
        """Start a walk over the tags that a state lists; what was found is looked at anew.

        What no tag reached in the walk before is forgotten: it may be collected.
        """
        self._there = {key: at_s for key, at_s in self._there.items() if key in self._asked}
        self._tags.extend((each.name, tag) for each in state.repositories for tag in each.tags)
        self._asked.clear()
        self._suspects = deque(question for question, _ in self._found.values())
        self.looked_at = 0

    def next_question(self) -> Question | None:
        """What to ask now; None where the walk is over."""
        if self._next:
            return self._next.popleft()
        if self._tags:
            repository, tag = self._tags.popleft()
            return Question(repository=repository, tag=tag)
        return None

    def take(self, question: Question, seen: Seen, now_s: float) -> None:
        """What an answer means: more to ask, something that is there, or a suspicion."""
        if question.edge is not None:
            self._note(question, question.edge, seen, now_s)
        if not seen.is_there or len(question.way) > _DEEPEST:
            return
        root = question.root or seen.digest
        if root is None:
            return
        via = (question.edge.digest,) if question.edge is not None else ()
        for edge in seen.edges:
            if (question.repository, edge.digest) not in self._asked:
                self._asked.add((question.repository, edge.digest))
                self._next.append(msgspec.structs.replace(question, root=root, way=(*question.way, *via), edge=edge))

    def next_suspect(self) -> Question | None:
        """What to make sure of."""
        return self._suspects.popleft() if self._suspects else None

    def conclude(self, question: Question, found: Recheck, now_s: float) -> bool:
        """Whether the recheck of a suspicion shows that it holds, or that it does not.

        One that shows neither may be made again, and is made in the next walk at the latest.
        """
        edge = question.edge
        if edge is None:
            return True
        key = (question.repository, edge.digest)
        if proves_absence(question, found):
            self._found.setdefault(key, (question, self._condition(question, edge, now_s)))
            return True
        if _is_elsewhere(question, found.tag_again):
            self._there.pop(key, None)
        elif not found.suspect.is_there:
            return False
        self._found.pop(key, None)
        return True

    def _note(self, question: Question, edge: Edge, seen: Seen, now_s: float) -> None:
        key = (question.repository, edge.digest)
        if seen.is_there:
            self.looked_at += 1
            if key in self._there or len(self._there) < MOST_REMEMBERED:
                self._there[key] = now_s
        elif seen.is_there is False and key in self._there and key not in self._found:
            self._suspects.append(question)

    def _condition(self, question: Question, edge: Edge, now_s: float) -> Condition:
        key = (question.repository, edge.digest)
        what, path = ("manifest", "manifests") if edge.is_manifest else ("blob", "blobs")
        ago = show_duration(now_s - self._there.get(key, now_s))
        return Condition(
            rule="vanished",
            endpoint=f"/v2/{question.repository}/{path}/{edge.digest}",
            subject=f"{question.repository}:{question.tag}",
            text=(
                f"{question.repository}:{question.tag} cannot be pulled: a {what} vanished "
                f"(it was there {ago} before): {edge.digest}"
            ),
        )


def _is_elsewhere(question: Question, tag: Seen) -> bool:
    """The tag is gone, or names another manifest."""
    return tag.is_there is False or (tag.digest is not None and tag.digest != question.root)


def moment_of(state: State) -> Moment:
    """What a state says of itself."""
    return Moment(state.generation, state.health.uptime)
