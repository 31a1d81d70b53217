"""What the history says about an answer of the monitoring API: each figure and list true at some instant of the poll.

A poll takes an interval, and its answer is a snapshot of one instant of it (docs/external-api.md), nobody knows which.
What is certain changes only where an operation begins or ends, and is least certain at just these instants: a certainty
that holds on either side of one may be open there, never the other way round. So an answer that may be true at any
instant of its interval may be true at its start or at such an instant, and only these are looked at.

Totals are judged only where nobody else writes to the registry; elsewhere only our own repositories are. Once all is
quiet every range is one number, but for what `info` leaves open.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from nscr_cli.checkers.inventory import Inventory
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.monitoring_claims import Claim, Fact, FigureClaim, ListClaim, judge
from nscr_cli.checkers.monitoring_figures import Figures
from nscr_cli.checkers.monitoring_known import Figure, Known
from nscr_cli.checkers.monitoring_roster import Roster
from nscr_cli.checkers.monitoring_shapes import (
    Blobs,
    Collection,
    Document,
    Health,
    Listed,
    Repository,
    Session,
    Sessions,
    State,
    Summary,
)
from nscr_cli.checkers.spans import covers
from nscr_cli.checkers.tag_values import TagValues
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.keys import repository_of, tag_key, tag_of
from nscr_cli.history.ops import Sample


class Truth:
    """What the history determines at each instant.

    Args:
        is_ours: nobody else writes to this registry, so that nothing else can be in it.
        is_linearizable: of a tag, what was acknowledged is seen at once.
    """

    def __init__(self, history: History, *, is_ours: bool, is_linearizable: bool) -> None:
        self._history = history
        self._is_ours = is_ours
        self._inventory = history.shared(Inventory)
        self._tags = history.shared(TagPresence)
        self._figures = Figures(history, self._inventory, self._tags)
        self._values = history.shared(TagValues) if is_linearizable else None
        self._rosters: dict[str, Roster] = {}

    def wrong(self, sample: Sample, document: Document) -> Iterable[str]:
        """What is wrong with an answer, in words. Samples are best asked about in the order of their start."""
        return judge(list(self._claims(sample, document)), self._instants(sample), sample.start_ns, sample.end_ns)

    def must_hold_repository(self, name: str, sample: Sample) -> bool:
        """Whether the repository was there throughout the poll."""
        known = self._figures.known_repositories.get(name)
        return known is not None and covers(known.there, sample.start_ns, sample.end_ns)

    @cached_property
    def _stamps(self) -> list[int]:
        return sorted({stamp for one in self._history.operations for stamp in (one.start_ns, one.end_ns)} - {NEVER})

    def _instants(self, sample: Sample) -> Iterator[int]:
        yield sample.start_ns
        first = bisect_right(self._stamps, sample.start_ns)
        for place in range(first, bisect_right(self._stamps, sample.end_ns, lo=first)):
            yield self._stamps[place]

    def _claims(self, sample: Sample, document: Document) -> Iterable[Claim]:
        match document:
            case State():
                yield from self._of_repositories(sample, document.repositories)
                if self._is_ours:
                    yield from self._of_summary(document.summary)
                    yield from self._of_sessions("activeSessions.count", document.active_sessions.sessions, sample)
            case Health(metrics=metrics) if self._is_ours and document.checks.statistics_access:
                yield FigureClaim("totalRepositories", metrics.total_repositories, self._figures.repositories)
                yield FigureClaim("totalManifests", metrics.total_manifests, self._figures.manifests)
                yield FigureClaim("totalBlobs", metrics.total_blobs, self._figures.blobs)
                yield FigureClaim("activeSessions", metrics.active_sessions, self._uploads(sample))
            case Sessions() if self._is_ours:
                yield from self._of_sessions("totalActiveSessions", document.active_sessions, sample)
            case Blobs() if self._is_ours:
                yield from self._of_blobs(document)
            case Collection() if self._is_ours:
                yield from self._of_counts(document)
            case Repository():
                yield from self._of_repository(sample, document)

    def _of_summary(self, summary: Summary) -> Iterable[Claim]:
        yield FigureClaim("totalRepositories", summary.total_repositories, self._figures.repositories)
        yield from self._of_counts(summary)

    def _of_counts(self, totals: Summary | Collection) -> Iterable[Claim]:
        yield FigureClaim("totalManifests", totals.total_manifests, self._figures.manifests)
        yield FigureClaim("totalBlobs", totals.total_blobs, self._figures.blobs)
        yield FigureClaim("orphanedManifests", totals.orphaned_manifests, self._figures.orphans)
        yield FigureClaim("unreferencedBlobs", totals.unreferenced_blobs, self._figures.unreferenced)
        if self._figures.space is not None:
            yield FigureClaim("estimatedSpaceToFree", totals.estimated_space_to_free, self._figures.space)

    def _of_sessions(self, name: str, listed: list[Session], sample: Sample) -> Iterable[Claim]:
        """As many as may be open, and those that must be by what their client calls them."""
        yield FigureClaim(name, len(listed), self._uploads(sample))
        yield ListClaim(
            self._roster("uploads", self._figures.uploads.by_id.items),
            {session.id for session in listed},
            missing=lambda upload: f"upload {upload} is missing, and must be open",
            ghost=lambda upload: f"upload {upload} is listed, and must be over",
        )

    def _uploads(self, sample: Sample) -> Figure:
        return self._figures.uploads.quiet_figure if sample.quiet else self._figures.uploads.figure

    def _of_blobs(self, blobs: Blobs) -> Iterable[Claim]:
        listed = {blob.digest: blob.size for blob in blobs.blobs}
        known, sizes = self._figures.known_blobs, self._inventory.sizes
        yield Fact(
            [
                *(f"{short(one)} is listed, and nobody pushed it" for one in sorted(listed.keys() - known.keys())),
                *(
                    f"{short(digest)} is said to have {size} bytes, and has {sizes[digest]}"
                    for digest, size in listed.items()
                    if sizes.get(digest, size) != size
                ),
            ]
        )
        yield ListClaim(
            self._roster("blobs", known.items),
            listed.keys(),
            missing=lambda digest: f"{short(digest)} is missing, and must be there",
            ghost=lambda digest: f"{short(digest)} is listed, and nobody had begun to push it",
        )

    def _of_repositories(self, sample: Sample, listed: list[Listed]) -> Iterable[Claim]:
        """The list of repositories, as far as they are ours, and the tags of each."""
        known = self._figures.known_repositories
        ours = {one.name: one.tags for one in listed if one.name in known}
        strangers = [one.name for one in listed if one.name not in known] if self._is_ours else []
        yield Fact([f"repository {name} is listed, and nothing can be in it" for name in strangers])
        yield ListClaim(
            self._roster("repositories", known.items),
            ours.keys(),
            missing=lambda name: f"repository {name} is missing",
            ghost=lambda name: f"repository {name} is listed, and nothing can be in it",
        )
        keys = {tag_key(name, tag): None for name, tags in ours.items() for tag in tags}
        yield from self._of_tags(self._roster("tags", self._all_tags), keys, sample)

    def _of_repository(self, sample: Sample, repository: Repository) -> Iterable[Claim]:
        """The tags of one repository, and what they name."""
        name = repository.name
        keys = {tag_key(name, tag.tag): tag.digest for tag in repository.tags}
        roster = self._roster(f"tags of {name}", lambda: map(self._known_tag, self._tags.keys_of(name)))
        yield from self._of_tags(roster, keys, sample)
        if self._values is not None:
            values = self._values
            start, end = sample.start_ns, sample.end_ns
            named = ((key, digest) for key, digest in keys.items() if digest is not None)
            never = ((key, digest, values.never(key, digest, start, end)) for key, digest in named)
            yield Fact(
                [f"{_tag(key)} is said to name {short(it)}: {no.why}" for key, it, no in never if no is not None]
            )

    def _of_tags(self, roster: Roster, listed: Mapping[str, str | None], sample: Sample) -> Iterable[Claim]:
        start, end = sample.start_ns, sample.end_ns

        def missing(key: str) -> str:
            proof = self._tags.of(key).must_hold(start, end)
            return f"{_tag(key)} is missing, and must be there{_since(proof)}"

        def ghost(key: str) -> str:
            absence = self._tags.of(key).must_lack(start, end)
            return f"{_tag(key)} is there, and must be gone{_since(absence)}"

        strangers = sorted(listed.keys() - roster.known.keys())
        yield Fact([f"{_tag(key)} is there, and nobody put it" for key in strangers])
        yield ListClaim(roster, listed.keys(), missing=missing, ghost=ghost)

    def _all_tags(self) -> Iterable[tuple[str, Known]]:
        names = self._figures.known_repositories
        return (self._known_tag(key) for name in names for key in self._tags.keys_of(name))

    def _known_tag(self, key: str) -> tuple[str, Known]:
        return key, self._figures.known_tag(key)

    def _roster(self, name: str, make: Callable[[], Iterable[tuple[str, Known]]]) -> Roster:
        """The roster of this name, made when it is first asked for."""
        if name not in self._rosters:
            self._rosters[name] = Roster(dict(make()))
        return self._rosters[name]


def _tag(key: str) -> str:
    return f"tag {tag_of(key)} of {repository_of(key)}"


def _since(witness: Operation | None) -> str:
    return f" since: {told(witness)}" if witness is not None else ""
