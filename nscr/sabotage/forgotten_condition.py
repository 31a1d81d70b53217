"""Forget the condition of a conditional tag write, and write: what is compared is not what is set. By count."""

from dataclasses import replace

from nscr.core.admission import PutTerms
from nscr.core.preconditions import UNCONDITIONAL
from nscr.oci.names import RepositoryName
from nscr.stores.base import ManifestIndex, StoredManifest

EVERY = 5


class ForgottenCondition:
    """In front of a `ManifestIndex`: heeds no condition of each fifth conditional write."""

    def __init__(self, manifests: ManifestIndex) -> None:
        self._manifests = manifests
        self._conditional_writes = 0

    async def put_manifest(
        self, repository: RepositoryName, manifest: StoredManifest, terms: PutTerms, now: int
    ) -> None:
        self._conditional_writes += terms.preconditions != UNCONDITIONAL
        is_forgotten = terms.preconditions != UNCONDITIONAL and self._conditional_writes % EVERY == 0
        if is_forgotten:
            terms = replace(terms, preconditions=UNCONDITIONAL)
        await self._manifests.put_manifest(repository, manifest, terms, now)
