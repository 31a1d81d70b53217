"""A registry that does what the specification says, at once and in memory: what clients are simulated against.

It answers only what errands look at (workloads/): whether it happened, what was there, its digest and its references.
"""

from collections.abc import Callable, Sequence

import msgspec

from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import Answered, Asked, F, Kind, Referrer


class Reply(msgspec.Struct, frozen=True):
    """How an operation ended."""

    kind: Kind
    answered: Answered


class PerfectRegistry:
    """What a registry holds; it answers alike whenever it is asked alike in the same order."""

    def __init__(self) -> None:
        self._blobs: set[str] = set()
        self._uploads: dict[str | None, int] = {}
        self._manifests: dict[str, Asked] = {}
        self._tags: dict[str, str] = {}
        self._handlers: dict[F, Callable[[Invocation], Reply]] = {
            F.PUSH_BLOB: self._push_blob,
            F.MOUNT_BLOB: self._mount_blob,
            F.START_UPLOAD: self._start_upload,
            F.PATCH_UPLOAD: self._patch_upload,
            F.GET_UPLOAD: self._get_upload,
            F.FINISH_UPLOAD: self._finish_upload,
            F.CANCEL_UPLOAD: self._cancel_upload,
            F.GET_BLOB: self._read_blob,
            F.HEAD_BLOB: self._read_blob,
            F.DELETE_BLOB: self._delete_blob,
            F.PUT_MANIFEST: self._put_manifest,
            F.GET_MANIFEST: self._read_manifest,
            F.HEAD_MANIFEST: self._read_manifest,
            F.DELETE_TAG: self._delete_tag,
            F.DELETE_MANIFEST: self._delete_manifest,
            F.LIST_TAGS: self._list_tags,
            F.LIST_PAGE: self._list_page,
            F.LIST_CATALOG: self._list_catalog,
            F.LIST_REFERRERS: self._list_referrers,
        }

    def perform(self, invocation: Invocation) -> Reply:
        """Do it, and answer."""
        return self._handlers[invocation.f](invocation)

    def _push_blob(self, invocation: Invocation) -> Reply:
        if invocation.asked.wrong_bytes:
            return _refused(400)
        self._blobs.add(invocation.key)
        return _done(201)

    def _mount_blob(self, invocation: Invocation) -> Reply:
        source, digest = invocation.asked.source or "", invocation.asked.digest or ""
        if digest_key(source, digest) not in self._blobs:
            return _refused(202)  # an upload was opened instead
        self._blobs.add(invocation.key)
        return _done(201)

    def _start_upload(self, invocation: Invocation) -> Reply:
        self._uploads[invocation.asked.upload] = 0
        return _done(202)

    def _patch_upload(self, invocation: Invocation) -> Reply:
        asked, held = invocation.asked, self._uploads.get(invocation.asked.upload)
        if held is None or asked.source is not None:
            return _refused(404)
        if not _is_next(asked, held):
            return _refused(416)
        self._uploads[asked.upload] = held + (asked.size or 0)
        return _holding(202, held + (asked.size or 0))

    def _get_upload(self, invocation: Invocation) -> Reply:
        held = self._uploads.get(invocation.asked.upload)
        return _ABSENT if held is None or invocation.asked.source is not None else _holding(204, held, present=True)

    def _finish_upload(self, invocation: Invocation) -> Reply:
        if invocation.asked.source is not None:
            return _refused(404)  # through another repository's URL
        asked, held = invocation.asked, self._uploads.pop(invocation.asked.upload, None)
        if held is None:
            return _refused(404)
        last = asked.range[1] + 1 - asked.range[0] if asked.range is not None and held == asked.range[0] else 0
        if asked.wrong_bytes or held + last != asked.size:
            return _refused(400)
        self._blobs.add(invocation.key)
        return _done(201)

    def _cancel_upload(self, invocation: Invocation) -> Reply:
        if invocation.asked.source is not None:
            return _refused(404)
        return _done(204) if self._uploads.pop(invocation.asked.upload, None) is not None else _refused(404)

    def _read_blob(self, invocation: Invocation) -> Reply:
        if invocation.key not in self._blobs:
            return _ABSENT
        status = 200 if invocation.asked.range is None else 206
        return Reply(Kind.OK, Answered(status=status, present=True, digest=invocation.asked.digest))

    def _delete_blob(self, invocation: Invocation) -> Reply:
        if invocation.key not in self._blobs:
            return _refused(404)
        self._blobs.remove(invocation.key)
        return _done(202)

    def _put_manifest(self, invocation: Invocation) -> Reply:
        repository, digest = repository_of(invocation.key), invocation.asked.digest or ""
        named = self._tags.get(invocation.key)
        if invocation.asked.if_match not in (None, f'"{named}"') or (invocation.asked.if_none_match and named):
            return _refused(412)
        for reference in invocation.asked.references:
            known = self._manifests if reference.is_manifest else self._blobs
            if digest_key(repository, reference.digest) not in known:
                return _refused(404)
        self._manifests[digest_key(repository, digest)] = invocation.asked
        if tag_of(invocation.key) is not None:
            self._tags[invocation.key] = digest
        for tag in invocation.asked.tags:
            self._tags[tag_key(repository, tag)] = digest
        return Reply(Kind.OK, Answered(status=201, tags=invocation.asked.tags or None))

    def _read_manifest(self, invocation: Invocation) -> Reply:
        digest = self._tags.get(invocation.key) or digest_of(invocation.key) or ""
        written = self._manifests.get(digest_key(repository_of(invocation.key), digest))
        if written is None:
            return _ABSENT
        if invocation.f is F.HEAD_MANIFEST:
            return Reply(Kind.OK, Answered(status=200, present=True, header_digest=digest))
        return Reply(Kind.OK, Answered(status=200, present=True, digest=digest, references=written.references))

    def _delete_tag(self, invocation: Invocation) -> Reply:
        return _done(202) if self._tags.pop(invocation.key, None) is not None else _refused(404)

    def _delete_manifest(self, invocation: Invocation) -> Reply:
        if self._manifests.pop(invocation.key, None) is None:
            return _refused(404)
        # spec.md#deleting-manifests: every tag of the repository that names it goes with it.
        repository, digest = repository_of(invocation.key), digest_of(invocation.key)
        self._tags = {
            key: named for key, named in self._tags.items() if repository_of(key) != repository or named != digest
        }
        return _done(202)

    def _list_tags(self, invocation: Invocation) -> Reply:
        names = sorted(tag_of(key) or "" for key in self._tags if repository_of(key) == invocation.key)
        return Reply(Kind.OK, Answered(status=200, present=True, tags=tuple(names)))

    def _list_page(self, invocation: Invocation) -> Reply:
        names = self._list_tags(invocation).answered.tags or ()
        page, has_next = _page(names, invocation.asked)
        return Reply(Kind.OK, Answered(status=200, present=True, tags=page, longest_page=len(page), has_next=has_next))

    def _list_catalog(self, invocation: Invocation) -> Reply:
        names = sorted({repository_of(key) for key in (*self._blobs, *self._manifests)})
        page, has_next = _page(names, invocation.asked)
        return Reply(Kind.OK, Answered(status=200, present=True, repositories=page, has_next=has_next))

    def _list_referrers(self, invocation: Invocation) -> Reply:
        repository, wanted = repository_of(invocation.key), invocation.asked
        found = tuple(
            Referrer(digest_of(key) or "", written.artifact_type, written.size, written.media_type, written.annotations)
            for key, written in self._manifests.items()
            if repository_of(key) == repository
            and written.subject == wanted.digest
            and wanted.artifact_type in (None, written.artifact_type)
        )
        is_filtered = wanted.artifact_type is not None
        return Reply(Kind.OK, Answered(status=200, present=True, referrers=found, is_filtered=is_filtered))


_ABSENT = Reply(Kind.OK, Answered(status=404, present=False))


def _is_next(asked: Asked, held: int) -> bool:
    """Whether a chunk begins where an upload ends, and is as long as it says."""
    return asked.range is None or asked.range == (held, held + (asked.size or 0) - 1)


def _holding(status: int, held: int, *, present: bool | None = None) -> Reply:
    # `Range` cannot say "nothing": of an empty upload, registries answer 0-0.
    return Reply(Kind.OK, Answered(status=status, present=present, stored_offsets=(max(1, held),)))


def _page(names: Sequence[str], asked: Asked) -> tuple[tuple[str, ...], bool]:
    """One page of sorted names, and whether more follow."""
    after = [name for name in names if asked.last is None or name > asked.last]
    page = after[: asked.page_size] if asked.page_size is not None else after
    return tuple(page), bool(page) and len(page) < len(after)


def _done(status: int) -> Reply:
    return Reply(Kind.OK, Answered(status=status))


def _refused(status: int) -> Reply:
    return Reply(Kind.FAIL, Answered(status=status))
