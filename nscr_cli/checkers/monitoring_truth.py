"""What the history says about an answer of the monitoring API: each figure and list true at some instant of the poll.

A poll takes an interval, and its answer is a snapshot of one instant of it (docs/external-api.md), nobody knows which.
What is certain changes only where an operation begins or ends, and is least certain at just these instants: a certainty
that holds on either side of one may be open there, never the other way round. So an answer that may be true at any
instant of its interval may be true at its start or at such an instant, and only these are looked at.

Totals are judged only where nobody else writes to the registry; elsewhere only our own repositories are. Once all is
quiet every range is one number, but for what `info` leaves open.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

from nscr_cli.checkers.inventory import Inventory
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.monitoring_claims import Claims
from nscr_cli.checkers.monitoring_figures import Blobs as BlobFigures
from nscr_cli.checkers.monitoring_figures import Figures, SharedBlobs
from nscr_cli.checkers.monitoring_known import Figure, Known
from nscr_cli.checkers.monitoring_roster import Roster
from nscr_cli.checkers.monitoring_shapes import (
    REPOSITORIES,
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
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import repository_of, tag_key, tag_of
from nscr_cli.history.ops import Sample

Answers = list[tuple[Sample, Document]]


class Truth:
    """What the parts of a history determine of each answer, gathered.

    Args:
        answers: in the order of their start.
        unknown: what was answered 404.
        is_ours: nobody else writes to this registry, so that nothing else can be in it.
        is_linearizable: of a tag, what was acknowledged is seen at once.
    """

    def __init__(self, answers: Answers, unknown: Iterable[Sample], *, is_ours: bool, is_linearizable: bool) -> None:
        self._answers = answers
        self._unknown = list(unknown)
        self._is_ours = is_ours
        self._is_linearizable = is_linearizable
        self._claims = [Claims(sample.start_ns, sample.end_ns) for sample, _ in answers]
        self._lists_blobs = is_ours and any(isinstance(document, Blobs) for _, document in answers)
        self._counts_links = is_ours and any(isinstance(document, State | Collection) for _, document in answers)
        self._counts_blobs = is_ours and any(not isinstance(document, Repository) for _, document in answers)
        self._shared = SharedBlobs()
        self._digests = array("q")
        self._repositories: set[str] = set()
        self._tagged: set[str] = set()
        self._wrongly_unknown: list[Sample] = []

    def take(self, part: History) -> None:
        """What one more part says of each answer."""
        if not self._answers and not self._unknown:
            return
        judge = _Part(
            part,
            is_ours=self._is_ours,
            is_linearizable=self._is_linearizable,
            are_links_counted=self._counts_links,
        )
        for (sample, document), claims in zip(self._answers, self._claims, strict=True):
            judge.tell(claims, sample, document)
        figures = judge.figures
        if self._counts_blobs:
            figures.tell_of_shared(self._shared, is_reached=self._counts_links)
        if self._lists_blobs:
            self._digests.extend(map(hash, figures.digests))
        if self._is_ours and any(isinstance(document, State) for _, document in self._answers):
            self._repositories |= figures.known_repositories.keys()
        named = {document.name for _, document in self._answers if isinstance(document, Repository)}
        self._tagged.update(name for name in named if judge.has_tags(name))
        self._wrongly_unknown += (one for one in self._unknown if judge.must_hold_repository(one))

    def wrong(self) -> Iterable[tuple[Sample, str]]:
        """What is wrong with each answer, in words, once all parts were taken."""
        shared = self._shared.gathered()
        known = sorted(self._digests)
        for (sample, document), claims in zip(self._answers, self._claims, strict=True):
            if self._is_ours:
                _of_blobs(claims, document, shared)
            claims.fact("strangers", self._strangers(document, known))
            for why in claims.wrong():
                yield sample, why
        for sample in self._wrongly_unknown:
            yield sample, "answered 404, and the history says that it is there"

    def _strangers(self, document: Document, digests: list[int]) -> Iterable[str]:
        """What no part knows of."""
        match document:
            case State() if self._is_ours:
                names = (one.name for one in document.repositories if one.name not in self._repositories)
                yield from (f"repository {name} is listed, and nothing can be in it" for name in names)
            case Blobs() if self._is_ours:
                listed = (blob.digest for blob in document.blobs if not _is_among(digests, hash(blob.digest)))
                yield from (f"{short(digest)} is listed, and nobody pushed it" for digest in listed)
            case Repository() if document.name not in self._tagged:
                keys = (tag_key(document.name, tag.tag) for tag in document.tags)
                yield from (f"{_tag(key)} is there, and nobody put it" for key in keys)


class _Part:
    """What one part of a history determines at each instant."""

    def __init__(self, part: History, *, is_ours: bool, is_linearizable: bool, are_links_counted: bool) -> None:
        self._is_ours = is_ours
        self._inventory = part.shared(Inventory)
        self._tags = part.shared(TagPresence)
        self.figures = Figures(part, self._inventory, self._tags, are_links_counted=are_links_counted)
        self._values = part.shared(TagValues) if is_linearizable else None
        self._rosters: dict[str, Roster] = {}

    def has_tags(self, repository: str) -> bool:
        """Whether anybody put a tag into it here."""
        return bool(self._tags.keys_of(repository))

    def must_hold_repository(self, sample: Sample) -> bool:
        """Whether the repository that a poll asked for was there throughout the poll."""
        name = sample.endpoint.removeprefix(REPOSITORIES).replace("%2F", "/")
        known = self.figures.known_repositories.get(name)
        return known is not None and covers(known.there, sample.start_ns, sample.end_ns)

    def tell(self, claims: Claims, sample: Sample, document: Document) -> None:
        """Add what this part knows to what an answer claims."""
        figures = self.figures
        match document:
            case State():
                self._of_repositories(claims, sample, document.repositories)
                if self._is_ours:
                    claims.figure("totalRepositories", document.summary.total_repositories, figures.repositories)
                    self._of_counts(claims, document.summary)
                    self._of_sessions(claims, "activeSessions.count", document.active_sessions.sessions, sample)
            case Health(metrics=metrics) if self._is_ours and document.checks.statistics_access:
                claims.figure("totalRepositories", metrics.total_repositories, figures.repositories)
                claims.figure("totalManifests", metrics.total_manifests, figures.manifests)
                claims.figure("activeSessions", metrics.active_sessions, self._uploads(sample))
            case Sessions() if self._is_ours:
                self._of_sessions(claims, "totalActiveSessions", document.active_sessions, sample)
            case Blobs() if self._is_ours:
                sizes = self._inventory.sizes
                claims.fact("sizes", _of_other_sizes(document, sizes))
            case Collection() if self._is_ours:
                self._of_counts(claims, document)
            case Repository() if self.has_tags(document.name):
                self._of_repository(claims, sample, document)
        if self._is_ours:
            _of_blobs(claims, document, figures.blobs)

    def _of_counts(self, claims: Claims, totals: Summary | Collection) -> None:
        claims.figure("totalManifests", totals.total_manifests, self.figures.manifests)
        claims.figure("orphanedManifests", totals.orphaned_manifests, self.figures.orphans)

    def _of_sessions(self, claims: Claims, name: str, listed: list[Session], sample: Sample) -> None:
        """As many as may be open, and those that must be by what their client calls them."""
        claims.figure(name, len(listed), self._uploads(sample))
        claims.names(
            "uploads",
            self._roster("uploads", self.figures.uploads.by_id.items),
            {session.id for session in listed},
            missing=lambda upload: f"upload {upload} is missing, and must be open",
            ghost=lambda upload: f"upload {upload} is listed, and must be over",
        )

    def _uploads(self, sample: Sample) -> Figure:
        return self.figures.uploads.quiet_figure if sample.quiet else self.figures.uploads.figure

    def _of_repositories(self, claims: Claims, sample: Sample, listed: list[Listed]) -> None:
        """The list of repositories, as far as they are ours, and the tags of each."""
        known = self.figures.known_repositories
        ours = {one.name: one.tags for one in listed if one.name in known}
        claims.names(
            "repositories",
            self._roster("repositories", known.items),
            ours.keys(),
            missing=lambda name: f"repository {name} is missing",
            ghost=lambda name: f"repository {name} is listed, and nothing can be in it",
        )
        keys = {tag_key(name, tag): None for name, tags in ours.items() for tag in tags}
        self._of_tags(claims, self._roster("tags", self._all_tags), keys, sample)

    def _of_repository(self, claims: Claims, sample: Sample, repository: Repository) -> None:
        """The tags of one repository, and what they name."""
        name = repository.name
        keys = {tag_key(name, tag.tag): tag.digest for tag in repository.tags}
        roster = self._roster(f"tags of {name}", lambda: map(self._known_tag, self._tags.keys_of(name)))
        self._of_tags(claims, roster, keys, sample)
        if self._values is not None:
            values = self._values
            start, end = sample.start_ns, sample.end_ns
            named = ((key, digest) for key, digest in keys.items() if digest is not None)
            never = ((key, digest, values.never(key, digest, start, end)) for key, digest in named)
            wrong = [f"{_tag(key)} is said to name {short(it)}: {no.why}" for key, it, no in never if no is not None]
            claims.fact("digests of tags", wrong)

    def _of_tags(self, claims: Claims, roster: Roster, listed: Mapping[str, str | None], sample: Sample) -> None:
        start, end = sample.start_ns, sample.end_ns

        def missing(key: str) -> str:
            proof = self._tags.of(key).must_hold(start, end)
            return f"{_tag(key)} is missing, and must be there{_since(proof)}"

        def ghost(key: str) -> str:
            absence = self._tags.of(key).must_lack(start, end)
            return f"{_tag(key)} is there, and must be gone{_since(absence)}"

        strangers = listed.keys() - roster.known.keys()
        claims.fact("tags that nobody put", (f"{_tag(key)} is there, and nobody put it" for key in strangers))
        claims.names("tags", roster, listed.keys(), missing=missing, ghost=ghost)

    def _all_tags(self) -> Iterable[tuple[str, Known]]:
        names = self.figures.known_repositories
        return (self._known_tag(key) for name in names for key in self._tags.keys_of(name))

    def _known_tag(self, key: str) -> tuple[str, Known]:
        return key, self.figures.known_tag(key)

    def _roster(self, name: str, make: Callable[[], Iterable[tuple[str, Known]]]) -> Roster:
        """The roster of this name, made when it is first asked for."""
        if name not in self._rosters:
            self._rosters[name] = Roster(dict(make()))
        return self._rosters[name]


def _of_blobs(claims: Claims, document: Document, figures: BlobFigures) -> None:
    """What an answer claims of blobs, as to those of a part, or those that several parts know of."""
    match document:
        case Health(metrics=metrics) if document.checks.statistics_access:
            claims.figure("totalBlobs", metrics.total_blobs, figures.blobs)
        case State(summary=totals) | (Collection() as totals):
            claims.figure("totalBlobs", totals.total_blobs, figures.blobs)
            claims.figure("unreferencedBlobs", totals.unreferenced_blobs, figures.unreferenced)
            claims.figure("estimatedSpaceToFree", totals.estimated_space_to_free, figures.space)
        case Blobs():
            claims.names(
                "blobs",
                figures.roster,
                {blob.digest for blob in document.blobs},
                missing=lambda digest: f"{short(digest)} is missing, and must be there",
                ghost=lambda digest: f"{short(digest)} is listed, and nobody had begun to push it",
            )


def _of_other_sizes(blobs: Blobs, sizes: Mapping[str, int]) -> Iterable[str]:
    for blob in blobs.blobs:
        if sizes.get(blob.digest, blob.size) != blob.size:
            yield f"{short(blob.digest)} is said to have {blob.size} bytes, and has {sizes[blob.digest]}"


def _is_among(ordered: list[int], one: int) -> bool:
    place = bisect_left(ordered, one)
    return place < len(ordered) and ordered[place] == one


def _tag(key: str) -> str:
    return f"tag {tag_of(key)} of {repository_of(key)}"


def _since(witness: Operation | None) -> str:
    return f" since: {told(witness)}" if witness is not None else ""
