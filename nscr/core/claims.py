"""Who counts on which blob: told apart so that the manifest of one push uses up no claim of another.

A client that pushed or mounted a blob has a claim on it, which stands in the store. One that was told by HEAD that a
blob is there, needed by a manifest or claimed by somebody else, has none, and yet its manifest will reference the blob:
the claim that is there then is not its own, and has to be spared. A client that asks after what it has pushed itself
has its claim already. Clients are known by their connection; kept in memory, bounded, and lost with a restart, which
only makes claims last until they expire.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable

from nscr.oci.digest import Digest

_REMEMBERED = 50_000


class Claims:
    """Who claimed last, and how many were told, by (repository, digest)."""

    def __init__(self) -> None:
        self._claimed: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._told: Counter[tuple[str, str]] = Counter()

    def claim(self, repository: str, digest: Digest, client: str) -> None:
        """Note who has pushed or mounted a blob."""
        self._claimed[repository, digest] = client
        while len(self._claimed) > _REMEMBERED:
            self._claimed.popitem(last=False)

    def tell(self, repository: str, digest: Digest, client: str) -> None:
        """Note that somebody was told of a blob that is there without a claim of theirs."""
        if self._claimed.get((repository, digest)) == client and client:
            return
        self._told[repository, digest] += 1
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    def foreign(self, repository: str, digests: Iterable[Digest]) -> frozenset[Digest]:
        """Of what a manifest references: blobs whose claims are, as far as is known, of other pushes."""
        return frozenset(digest for digest in digests if self._told.get((repository, digest), 0))

    def settle(self, repository: str, digests: Iterable[Digest]) -> None:
        """A manifest that references these was put."""
        for digest in digests:
            key = (repository, digest)
            if self._told.get(key, 0) > 1:
                self._told[key] -= 1
            else:
                del self._told[key]
                self._claimed.pop(key, None)

    def forget(self, digest: Digest) -> None:
        """The blob is gone."""
        for key in [key for key in self._told if key[1] == digest]:
            del self._told[key]
