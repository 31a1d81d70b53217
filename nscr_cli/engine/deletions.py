"""What has to be deleted so that nothing of a run remains. Pure: from the history alone, so it can be done later.

Nothing outside of the run's namespace can be named.
"""

from collections.abc import Container, Iterable, Sequence

from nscr_cli.generators import invocations
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.history import Operation
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import repository_of, tag_of
from nscr_cli.history.ops import F, Kind


def deletions(operations: Iterable[Operation], namespace: Namespace) -> tuple[tuple[Invocation, ...], ...]:
    """Deletions of all that may be there, in the order of need: tags, manifests (indexes first), blobs."""
    tags: dict[str, Invocation] = {}
    manifests: dict[str, Invocation] = {}
    blobs: dict[str, Invocation] = {}
    for operation in operations:
        repository, digest = repository_of(operation.key), operation.asked.digest
        if operation.kind is Kind.FAIL or digest is None or not namespace.owns(operation.key):
            continue
        if operation.f in (F.PUSH_BLOB, F.MOUNT_BLOB):
            blobs[operation.key] = invocations.delete_blob(repository, digest)
        elif operation.f is F.PUT_MANIFEST:
            tag = tag_of(operation.key)
            if tag is not None:
                tags[operation.key] = invocations.delete_tag(repository, tag)
            deletion = invocations.delete_manifest(repository, digest)
            manifests[deletion.key] = deletion
    # An index is put after its children, so what was put last is deleted first.
    return tuple(tags.values()), tuple(reversed(manifests.values())), tuple(blobs.values())


def split_unsupported(
    stages: Iterable[Sequence[Invocation]], unsupported: Container[str]
) -> tuple[list[Sequence[Invocation]], list[str]]:
    """The stages that can be done, and the keys that stay because the registry does not delete such things.

    Deleting a manifest takes its tags along, so a tag stays only where neither can be deleted.
    """
    possible: list[Sequence[Invocation]] = []
    stay: list[str] = []
    for stage in stages:
        if not stage or stage[0].f not in unsupported:
            possible.append(stage)
        elif stage[0].f is not F.DELETE_TAG or F.DELETE_MANIFEST in unsupported:
            stay += [invocation.key for invocation in stage]
    return possible, stay
