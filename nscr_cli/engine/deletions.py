"""What has to be deleted so that nothing of a run remains. Pure: from the history alone, so it can be done later.

Nothing outside of the run's namespace can be named.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from nscr_cli.generators import invocations
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import repository_of, tag_of
from nscr_cli.history.ops import F, Kind

_BLOB_WRITES = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB, F.FINISH_UPLOAD})
_DELETES = frozenset({F.DELETE_TAG, F.DELETE_MANIFEST, F.DELETE_BLOB})


def deletions(operations: Iterable[Operation], namespace: Namespace) -> tuple[tuple[Invocation, ...], ...]:
    """Deletions of all that may be there, in the order of need: tags, manifests (indexes first), blobs."""
    tags: dict[str, Invocation] = {}
    manifests: dict[str, Invocation] = {}
    blobs: dict[str, Invocation] = {}
    written_until: dict[str, int] = {}
    for operation in operations:
        if operation.kind is Kind.FAIL or not namespace.owns(operation.key):
            continue
        repository, digest = repository_of(operation.key), operation.asked.digest
        written: list[Invocation] = []
        if operation.f in _BLOB_WRITES and digest is not None:
            written.append(blobs.setdefault(operation.key, invocations.delete_blob(repository, digest)))
        elif operation.f is F.PUT_MANIFEST and digest is not None:
            deletion = invocations.delete_manifest(repository, digest)
            written.append(manifests.setdefault(deletion.key, deletion))
            if (tag := tag_of(operation.key)) is not None:
                written.append(tags.setdefault(operation.key, invocations.delete_tag(repository, tag)))
        elif _is_last_word(operation, written_until):
            for present in (tags, manifests, blobs):
                present.pop(operation.key, None)
        for deletion in written:
            written_until[deletion.key] = max(written_until.get(deletion.key, 0), operation.end_ns)
    # An index is put after its children, so what was put last is deleted first.
    return tuple(tags.values()), tuple(reversed(manifests.values())), tuple(blobs.values())


def _is_last_word(operation: Operation, written_until: Mapping[str, int]) -> bool:
    """An acknowledged delete that began after every write of its key had ended; a later write is still to come."""
    is_delete = operation.f in _DELETES and operation.kind is Kind.OK
    return is_delete and operation.start_ns > written_until.get(operation.key, NEVER)


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
