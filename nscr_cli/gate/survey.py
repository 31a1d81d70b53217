"""What a walk has seen so far: which subject refers to which, what is there, and what is wrong. No input or output.

The manifest that a tag names is a subject of its own, by its digest; the tag is its parent.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from nscr_cli.client.completions import Completion
from nscr_cli.gate.rules import (
    bytes_hashed,
    identity,
    is_absent,
    is_hashed,
    is_present,
    judged_references,
    length_of,
)
from nscr_cli.gate.subjects import Problem, Sight, Subject, Thing
from nscr_cli.history.ops import Reference


class Survey:
    """Filled by the walk, read by the report.

    Attributes:
        tags: by repository, the digest each tag named when it was seen.
        lengths: bytes of each manifest and blob that is there, by subject; None where nobody says.
        problems: what is wrong, by subject.
        untagged: repositories that have no tags.
        unlisted: repositories whose tags could not be listed, and why.
        vanished: subjects that somebody took away in the meantime.
        flickered: subjects that looked wrong at first and right when looked at again.
        blobs_read: blobs whose bytes were read.
        manifests_hashed: manifests whose bytes say something about their digest.
        manifests_followed: manifests of which it is known what they refer to.
        bytes_hashed: of all bodies together.
    """

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.lengths: dict[Subject, int | None] = {}
        self.problems: list[tuple[Subject, Problem]] = []
        self.untagged: list[str] = []
        self.unlisted: dict[str, str] = {}
        self.vanished: list[Subject] = []
        self.flickered: list[Subject] = []
        self.blobs_read = 0
        self.manifests_hashed = 0
        self.manifests_followed = 0
        self.bytes_hashed = 0
        self._children: dict[Subject, tuple[Subject, ...]] = {}
        self._parents: dict[Subject, set[Subject]] = {}
        self._sizes: dict[Subject, set[int]] = {}
        self._seen: set[Subject] = set()
        self._counts: Counter[Thing] = Counter()

    def add_repository(self, repository: str, listed: Completion) -> list[Subject]:
        """Take in a list of tags; returns what is to be looked at because of it."""
        if not is_present(listed) and not is_absent(listed):
            self.unlisted[repository] = listed.error or "no answer"
            return []
        self.tags[repository] = {}
        if not listed.answered.tags:
            self.untagged.append(repository)
        return [Subject(Thing.TAG, repository, tag) for tag in dict.fromkeys(listed.answered.tags or ())]

    def add_sight(
        self, subject: Subject, sight: Sight, problems: tuple[Problem, ...], *, sights: int = 1
    ) -> list[Subject]:
        """Take in what a subject looks like after some sights; returns what is to be looked at because of it."""
        if subject not in self._seen:
            self._seen.add(subject)
            self._counts[subject.thing] += 1
        self.problems += [(subject, problem) for problem in problems]
        if sights > 1 and not problems:
            self.flickered.append(subject)
        answered = sight.get.answered
        if not is_present(sight.get):
            return []
        self.bytes_hashed += bytes_hashed(sight)
        if subject.thing is Thing.TAG:
            digest = identity(answered)
            if digest is None:
                return []
            self.tags[subject.repository][subject.reference] = digest
            return self._refer(subject, (Reference(digest, True, -1),))
        self.lengths[subject] = length_of(sight)
        self.blobs_read += subject.thing is Thing.BLOB and answered.digest is not None and answered.status != 206
        if subject.thing is Thing.BLOB:
            return []
        references = judged_references(answered)
        self.manifests_hashed += is_hashed(sight)
        self.manifests_followed += references is not None
        return self._refer(subject, references or ())

    def add_vanished(self, subject: Subject) -> list[Subject]:
        """A subject that nothing refers to any more; whatever refers to it later brings it up again."""
        self.vanished.append(subject)
        self._parents.pop(subject, None)
        return []

    def parents(self, subject: Subject) -> list[Subject]:
        """What refers to a manifest or blob."""
        return sorted(self._parents.get(subject, ()), key=lambda parent: parent.key)

    def leading_tags(self, subject: Subject) -> list[str]:
        """Tags of its repository that led to a manifest or blob when they were last seen, through indexes as well."""
        found: set[str] = set()
        seen, waiting = {subject}, [subject]
        while waiting:
            child = waiting.pop()
            for parent in self._parents.get(child, set()) - seen:
                if parent.thing is not Thing.TAG:
                    seen.add(parent)
                    waiting.append(parent)
                elif self.tags[parent.repository].get(parent.reference) == child.reference:
                    found.add(parent.reference)
        return sorted(found)

    def children(self, subject: Subject) -> tuple[Subject, ...]:
        """What a manifest refers to."""
        return self._children.get(subject, ())

    def sizes(self, subject: Subject) -> set[int]:
        """Sizes that those say it has."""
        return self._sizes.get(subject, set())

    def count(self, thing: Thing) -> int:
        """Subjects of a kind that were looked at and not taken away meanwhile."""
        return self._counts[thing]

    def present(self, thing: Thing) -> Iterator[tuple[Subject, int | None]]:
        """Subjects of a kind that are there, with their lengths where they are known."""
        return ((subject, length) for subject, length in self.lengths.items() if subject.thing is thing)

    def _refer(self, parent: Subject, references: Sequence[Reference]) -> list[Subject]:
        children = tuple(
            Subject(Thing.MANIFEST if reference.is_manifest else Thing.BLOB, parent.repository, reference.digest)
            for reference in references
        )
        found = [child for child in dict.fromkeys(children) if child not in self._parents]
        for child, reference in zip(children, references, strict=True):
            self._parents.setdefault(child, set()).add(parent)
            self._sizes.setdefault(child, set()).add(reference.size)
        self._children[parent] = children
        return found
