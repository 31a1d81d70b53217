"""What each figure of the monitoring API may be at an instant, as far as the history determines it.

Operations that run at that instant, and those that nobody answered, leave it open whether a thing is there: a figure is
a range under load, and one number once all is quiet. Terms: docs/api.md.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from nscr_cli.checkers.inventory import Inventory
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.monitoring_holdings import Holdings
from nscr_cli.checkers.monitoring_known import Figure, Known
from nscr_cli.checkers.monitoring_roster import Roster
from nscr_cli.checkers.monitoring_uploads import Uploads
from nscr_cli.checkers.spans import BEFORE_ALL, Span, intersection, union
from nscr_cli.history.history import NEVER, History
from nscr_cli.history.keys import digest_key, digest_of, repository_of
from nscr_cli.history.ops import Reference

_MANY_SPANS = 1024


class Blobs:
    """The figures of some blobs.

    Args:
        holdings: by digest.
        reached: by digest: when a manifest certainly refers to it and sees it.
        sizes: by digest.
    """

    def __init__(
        self,
        holdings: Mapping[str, Holdings],
        reached: Callable[[], Mapping[str, list[list[Span]]]],
        sizes: Mapping[str, int],
    ) -> None:
        self.known = {digest: each.known() for digest, each in holdings.items()}
        self._let_go = {digest: spans for digest, each in holdings.items() if (spans := each.let_go())}
        self._reached = reached
        self._sizes = sizes

    @cached_property
    def blobs(self) -> Figure:
        return Figure(self.known.values())

    @cached_property
    def unreferenced(self) -> Figure:
        """At most those that no manifest certainly reaches.

        At least those that every repository has certainly let go of: no manifest reaches them, no lease outlives the
        delete, and they stay until a collection. Of others none is certain, since a lease may protect it.
        """
        return Figure(self._unreached.values())

    @cached_property
    def space(self) -> Figure | None:
        """The bytes of those; None where the size of one is not known."""
        if not self._unreached.keys() <= self._sizes.keys():
            return None
        return Figure(self._unreached.values(), (self._sizes[digest] for digest in self._unreached))

    @cached_property
    def roster(self) -> Roster:
        return Roster(self.known)

    @cached_property
    def _unreached(self) -> Mapping[str, Known]:
        """By digest: `absent` is when it certainly is not there, or is certainly reached by a manifest."""
        reached = self._reached()
        return {
            digest: Known.consistent(self._let_go.get(digest, []), union(known.absent, *reached.get(digest, ())))
            for digest, known in self.known.items()
        }


class SharedBlobs:
    """What the parts of a history say of the blobs that several of them know of, gathered."""

    def __init__(self) -> None:
        self._holdings: dict[str, Holdings] = {}
        self._reached: dict[str, list[list[Span]]] = {}
        self._sizes: dict[str, int] = {}

    def hold(self, digest: str, holdings: Holdings) -> None:
        """A part knows what its repositories held of it."""
        self._holdings.setdefault(digest, Holdings()).add(holdings)

    def reach(self, digest: str, reached: list[list[Span]], size: int | None) -> None:
        """A part knows when its manifests reached it, and its size."""
        self._reached.setdefault(digest, []).extend(reached)
        if size is not None:
            self._sizes[digest] = size

    def gathered(self) -> Blobs:
        """Once all parts were taken."""
        written = {digest: each for digest, each in self._holdings.items() if each.first < NEVER}
        return Blobs(written, lambda: self._reached, self._sizes)


class Figures:
    """All figures of one history, or of one part; each is made when it is first asked for.

    Args:
        are_links_counted: figures that follow from what manifests refer to will be asked for.
    """

    def __init__(self, history: History, inventory: Inventory, tags: TagPresence, *, are_links_counted: bool) -> None:
        self._are_links_counted = are_links_counted
        self._history = history
        self._inventory = inventory
        self._tags = tags
        self._edges_known: dict[tuple[str, bool], Known] = {}

    @cached_property
    def known_manifests(self) -> Mapping[str, Known]:
        """By `repository@digest`."""
        return dict(self._each_manifest())

    def _each_manifest(self) -> Iterable[tuple[str, Known]]:
        """Gone where a delete was acknowledged or a read found nothing, and before any put."""
        for key in self._inventory.manifest_operations:
            one = self._inventory.presence(key, is_manifest=True)
            gone, unwritten = one.gone(), one.unwritten()
            yield key, Known.consistent(one.held(), union(gone, [unwritten]) if gone else _if_any(unwritten))

    def known_tag(self, key: str) -> Known:
        """A tag, whatever it names."""
        presence = self._tags.of(key)
        return Known.consistent(presence.held(), union(presence.gone(), [presence.unwritten()]))

    @property
    def known_repositories(self) -> Mapping[str, Known]:
        """A repository is there as long as a tag or a manifest is in it; with its last manifest it goes."""
        return self._of_manifests[1]

    @cached_property
    def _of_manifests(self) -> tuple[Figure, Mapping[str, Known]]:
        """How many there are, and the repositories that they are in. They are kept only if what they refer to counts,
        because there may be hundreds of thousands."""
        figure = Figure()
        there: dict[str, list[Span]] = {}
        absent: dict[str, list[Span]] = {}
        for key, known in self.known_manifests.items() if self._are_links_counted else self._each_manifest():
            figure.add(known)
            name = repository_of(key)
            spans = there.setdefault(name, [])
            spans += known.there
            if len(spans) >= _MANY_SPANS and len(spans) & (len(spans) - 1) == 0:
                there[name] = union(spans)
            absent[name] = intersection(absent.get(name, [(BEFORE_ALL, NEVER)]), known.absent)
        # Which manifest a contended tag names may be open while it certainly names one.
        return figure, {
            name: Known.consistent(
                union(spans, *(self.known_tag(key).there for key in self._tags.keys_of(name))), absent[name]
            )
            for name, spans in there.items()
        }

    @cached_property
    def _holdings(self) -> dict[str, Holdings]:
        """By digest, whatever the number of repositories."""
        holdings: dict[str, Holdings] = {}
        for key in self._inventory.blob_operations:
            digest = digest_of(key) or ""
            holdings.setdefault(digest, Holdings()).add(self._inventory.blob_held(key))
        return holdings

    @cached_property
    def blobs(self) -> Blobs:
        """Those that no other part knows of."""
        return Blobs(
            {
                digest: each
                for digest, each in self._holdings.items()
                if each.first < NEVER and not self._history.is_shared(digest)
            },
            lambda: self._reached,
            self._inventory.sizes,
        )

    def tell_of_shared(self, shared: SharedBlobs, *, is_reached: bool) -> None:
        """What this part knows of blobs that others know of, too.

        Args:
            is_reached: what refers to them counts as well.
        """
        for digest, each in self._holdings.items():
            if self._history.is_shared(digest):
                shared.hold(digest, each)
                if is_reached:
                    shared.reach(digest, self._reached.get(digest, []), self._inventory.sizes.get(digest))

    @cached_property
    def digests(self) -> Iterable[str]:
        """Digests of blobs that may have been put there."""
        return [digest for digest, each in self._holdings.items() if each.first < NEVER]

    @cached_property
    def repositories(self) -> Figure:
        return Figure(self.known_repositories.values())

    @cached_property
    def manifests(self) -> Figure:
        return self._of_manifests[0]

    @cached_property
    def orphans(self) -> Figure:
        """Manifests that refer to what is not in their repository.

        Certainly so where an edge is certainly missing; certainly not while all edges certainly are there.
        """
        return Figure(self._orphaned(key, known) for key, known in self.known_manifests.items())

    @cached_property
    def uploads(self) -> Uploads:
        """Open uploads."""
        return Uploads(self._history)

    @cached_property
    def _reached(self) -> Mapping[str, list[list[Span]]]:
        """By digest of a blob: when each manifest that refers to it certainly was there, and saw it."""
        reached: dict[str, list[list[Span]]] = {}
        for key, known in self.known_manifests.items():
            for edge in self._edges(key):
                if known.there and not edge.is_manifest:
                    linked = self._edge(repository_of(key), edge)
                    reached.setdefault(edge.digest, []).append(intersection(known.there, linked.there))
        return reached

    def _orphaned(self, key: str, known: Known) -> Known:
        edges = [self._edge(repository_of(key), edge) for edge in self._edges(key)]
        whole: list[Span] = [(BEFORE_ALL, NEVER)]
        for edge in edges:
            whole = intersection(whole, edge.there)
        missing = union(*(edge.absent for edge in edges))
        return Known.consistent(intersection(known.there, missing), union(known.absent, whole))

    def _edge(self, repository: str, edge: Reference) -> Known:
        """What a manifest refers to, in its repository.

        That it is not there yet would be certain as well, but not whether a registry lets a repository see what
        another one holds: only what was deleted from this one is missing.
        """
        key = digest_key(repository, edge.digest), edge.is_manifest
        if key not in self._edges_known:
            thing = self._inventory.presence(key[0], is_manifest=edge.is_manifest)
            self._edges_known[key] = Known.consistent(thing.held(), thing.gone())
        return self._edges_known[key]

    def _edges(self, key: str) -> tuple[Reference, ...]:
        return self._inventory.references.get(digest_of(key) or "", ())


def _if_any(span: Span) -> list[Span]:
    return [span] if span[0] < span[1] else []
