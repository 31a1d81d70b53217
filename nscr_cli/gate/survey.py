"""What a walk has seen so far: which subject refers to which, what is there, and what is wrong. No input or output.

The manifest that a tag names is a subject of its own, by its digest; the tag is its parent.
"""

from collections.abc import Iterable, Iterator

from nscr_cli.client.completions import Completion
from nscr_cli.gate.rules import identity, is_absent, is_present
from nscr_cli.gate.subjects import Problem, Sight, Subject, Thing
from nscr_cli.history.ops import Reference


class Survey:
    """Filled by the walk, read by the report.

    Attributes:
        tags: by repository, the digest each tag named when it was seen.
        lengths: bytes of each manifest and blob that is there, by subject.
        problems: what is wrong, by subject.
        untagged: repositories that have no tags.
        unlisted: repositories whose tags could not be listed, and why.
        vanished: subjects that somebody took away in the meantime.
        flickered: subjects that looked wrong at first and right when looked at again.
        bytes_hashed: of all bodies together.
    """

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.lengths: dict[Subject, int] = {}
        self.problems: list[tuple[Subject, Problem]] = []
        self.untagged: list[str] = []
        self.unlisted: dict[str, str] = {}
        self.vanished: list[Subject] = []
        self.flickered: list[Subject] = []
        self.bytes_hashed = 0
        self._parents: dict[Subject, set[Subject]] = {}
        self._sizes: dict[Subject, set[int]] = {}
        self._seen: set[Subject] = set()

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
        self._seen.add(subject)
        self.problems += [(subject, problem) for problem in problems]
        if sights > 1 and not problems:
            self.flickered.append(subject)
        answered = sight.get.answered
        if not is_present(sight.get):
            return []
        if answered.digest is not None:
            self.bytes_hashed += answered.length or 0
        if subject.thing is Thing.TAG:
            digest = identity(answered)
            if digest is None:
                return []
            self.tags[subject.repository][subject.reference] = digest
            return self._refer(subject, (Reference(digest, True, -1),))
        self.lengths[subject] = (answered.length if answered.digest is not None else answered.content_length) or 0
        return self._refer(subject, answered.references or ())

    def add_vanished(self, subject: Subject) -> list[Subject]:
        """A subject that nothing refers to any more; whatever refers to it later brings it up again."""
        self.vanished.append(subject)
        self._parents.pop(subject, None)
        return []

    def parents(self, subject: Subject) -> list[Subject]:
        """What refers to a manifest or blob."""
        return sorted(self._parents.get(subject, ()), key=lambda parent: parent.key)

    def sizes(self, subject: Subject) -> set[int]:
        """Sizes that those say it has."""
        return self._sizes.get(subject, set())

    def count(self, thing: Thing) -> int:
        """Subjects of a kind that were looked at and not taken away meanwhile."""
        return sum(subject.thing is thing for subject in self._seen)

    def present(self, thing: Thing) -> Iterator[tuple[Subject, int]]:
        """Subjects of a kind that are there, with their lengths."""
        return ((subject, length) for subject, length in self.lengths.items() if subject.thing is thing)

    def _refer(self, parent: Subject, references: Iterable[Reference]) -> list[Subject]:
        found: list[Subject] = []
        for reference in references:
            thing = Thing.MANIFEST if reference.is_manifest else Thing.BLOB
            child = Subject(thing, parent.repository, reference.digest)
            if child not in self._parents:
                found.append(child)
            self._parents.setdefault(child, set()).add(parent)
            self._sizes.setdefault(child, set()).add(reference.size)
        return found
