"""The last reads of a run: every key that was ever written, after all else is quiet.

What was acknowledged must be there, what was deleted must be gone; what ended `info` is read because it shows which
of the two happened. Tags are asked for by GET, by HEAD and in the list, and many manifests and blobs by GET and HEAD:
nothing changes any more, so all of them agree. Pure: from the history so far.
"""

from collections.abc import Iterable, Mapping
from random import Random

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.history.history import Operation
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import Asked, F, Kind

MOST_HEADS = 2_000
_PAGES = 5
_MARKS = frozenset("_.")
_ENDS = (F.FINISH_UPLOAD, F.CANCEL_UPLOAD)
_WRITES = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB, F.FINISH_UPLOAD, F.PUT_MANIFEST})


class FinalReads(msgspec.Struct, frozen=True):
    """What to read, in order, and the keys of blobs left out because there are too many."""

    invocations: tuple[Invocation, ...]
    unread: tuple[str, ...] = ()


def cancels(operations: Iterable[Operation]) -> tuple[Invocation, ...]:
    """Of each upload that was done step by step and may still be open, a cancel: nothing is left lying about."""
    may_be_open: dict[str, Invocation] = {}
    for one in operations:
        upload = one.asked.upload
        if upload is None:
            continue
        if one.f is F.START_UPLOAD and one.kind is Kind.OK:
            asked = Asked(digest=one.asked.digest, size=one.asked.size, upload=upload)
            may_be_open[upload] = Invocation(f=F.CANCEL_UPLOAD, key=one.key, asked=asked)
        elif one.f in _ENDS and one.kind is Kind.OK:
            may_be_open.pop(upload, None)
    return tuple(may_be_open.values())


def final_reads(operations: Iterable[Operation], repositories: Iterable[str], chance: Random, most: int) -> FinalReads:
    """Reads of all tags, manifests and lists, and of at most `most` blobs, in an order drawn from `chance`.

    HEAD of every tag, of at most MOST_HEADS manifests and as many blobs. Tags are listed whole and in a few pages, but
    for names with marks on whose order registries may differ; referrers of all types and of each.
    """
    tags: set[str] = set()
    manifests: set[str] = set()
    subjects: dict[str, set[str | None]] = {}
    blobs: dict[str, int | None] = {}
    for operation in operations:
        if operation.f not in _WRITES or operation.kind is Kind.FAIL:
            continue
        if operation.f is not F.PUT_MANIFEST:
            blobs[operation.key] = operation.asked.size
            continue
        if tag_of(operation.key) is not None:
            tags.add(operation.key)
        tags.update(tag_key(repository_of(operation.key), tag) for tag in operation.asked.tags)
        if operation.asked.subject is not None:
            subject = digest_key(repository_of(operation.key), operation.asked.subject)
            subjects.setdefault(subject, set()).add(operation.asked.artifact_type)
        manifests.add(f"{repository_of(operation.key)}@{operation.asked.digest}")
    keys = sorted(blobs)
    chance.shuffle(keys)
    read, unread = keys[:most], keys[most:]
    asked_twice = sorted(manifests)
    chance.shuffle(asked_twice)
    reads = [
        *(invocations.get_tag(repository_of(key), tag_of(key) or "") for key in sorted(tags)),
        *(invocations.head_tag(repository_of(key), tag_of(key) or "") for key in sorted(tags)),
        *(invocations.get_manifest(repository_of(key), digest_of(key) or "") for key in sorted(manifests)),
        *(invocations.get_blob(repository_of(key), digest_of(key) or "", blobs[key]) for key in read),
        *(invocations.head_manifest(repository_of(key), digest_of(key) or "") for key in asked_twice[:MOST_HEADS]),
        *(invocations.head_blob(repository_of(key), digest_of(key) or "", blobs[key]) for key in read[:MOST_HEADS]),
        *(invocations.list_referrers(repository_of(key), digest_of(key) or "") for key in sorted(subjects)),
        *_filtered(subjects),
        *_lists(repositories, tags),
    ]
    chance.shuffle(reads)
    return FinalReads(tuple(reads), tuple(sorted(unread)))


def _lists(repositories: Iterable[str], tags: Iterable[str]) -> Iterable[Invocation]:
    """The tags of each repository, whole and in a few pages."""
    known: dict[str, list[str]] = {repository: [] for repository in sorted(repositories)}
    for key in tags:
        known.setdefault(repository_of(key), []).append(tag_of(key) or "")
    for repository, names in known.items():
        if any(not _MARKS.isdisjoint(name) for name in names):
            continue
        yield invocations.list_tags(repository)
        if len(names) > 1:
            yield invocations.list_tags(repository, max(1, len(names) // _PAGES))


def _filtered(subjects: Mapping[str, set[str | None]]) -> Iterable[Invocation]:
    """Of a subject with referrers of several types, those of each."""
    for key, types in sorted(subjects.items()):
        named = sorted(one for one in types if one is not None)
        if len(named) > 1:
            for one in named:
                yield invocations.list_referrers(repository_of(key), digest_of(key) or "", one)
