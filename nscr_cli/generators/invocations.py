"""One function for each thing that can be asked of a registry: repository and values in, invocation out."""

from collections.abc import Sequence

from msgspec.structs import replace

from nscr_cli.generators.documents import Manifest
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key
from nscr_cli.history.ops import Asked, F, PushStyle, Slice


def push_blob(repository: str, content: Content, style: PushStyle) -> Invocation:
    """Push a blob in one of the four styles."""
    asked = Asked(digest=content.digest, size=content.size, style=style)
    return Invocation(f=F.PUSH_BLOB, key=digest_key(repository, content.digest), asked=asked, content=content)


def push_out_of_order(repository: str, content: Content) -> Invocation:
    """Push a blob in chunks, with one amid them that leaves a gap: it must be refused, the others accepted."""
    asked = Asked(digest=content.digest, size=content.size, style=PushStyle.CHUNKED_PATCH, out_of_order=True)
    return Invocation(f=F.PUSH_BLOB, key=digest_key(repository, content.digest), asked=asked, content=content)


def push_wrong_bytes(repository: str, content: Content, claimed: str, style: PushStyle) -> Invocation:
    """Push bytes under a digest that is not theirs: a registry must refuse them."""
    asked = Asked(digest=claimed, size=content.size, style=style, wrong_bytes=True)
    return Invocation(f=F.PUSH_BLOB, key=digest_key(repository, claimed), asked=asked, content=content)


def start_upload(repository: str, blob: Content, upload: str) -> Invocation:
    """Open an upload that is to become a blob, by a name that is the run's own."""
    return _upload_step(F.START_UPLOAD, repository, blob, upload)


def patch_upload(
    repository: str,
    blob: Content,
    upload: str,
    chunk: Content,
    span: tuple[int, int] | None,
    *,
    wrong_bytes: bool = False,
) -> Invocation:
    """Send a chunk; Content-Range is `span`, whatever the chunk is, and none where it is None.

    Args:
        wrong_bytes: the chunk is not what the blob holds at that place.
    """
    asked = Asked(digest=blob.digest, size=chunk.size, range=span, upload=upload, wrong_bytes=wrong_bytes)
    return Invocation(f=F.PATCH_UPLOAD, key=digest_key(repository, blob.digest), asked=asked, content=chunk)


def get_upload(repository: str, blob: Content, upload: str) -> Invocation:
    """Ask how much of an upload the registry holds."""
    return _upload_step(F.GET_UPLOAD, repository, blob, upload)


def finish_upload(repository: str, blob: Content, upload: str, last_from: int | None = None) -> Invocation:
    """Close an upload with its digest; the bytes from `last_from` on are sent along as its last chunk."""
    last = None if last_from is None else part_of(blob, last_from, blob.size)
    span = None if last is None or last_from is None or not last.size else (last_from, blob.size - 1)
    asked = Asked(digest=blob.digest, size=blob.size, range=span, upload=upload)
    return Invocation(f=F.FINISH_UPLOAD, key=digest_key(repository, blob.digest), asked=asked, content=last)


def finish_wrongly(repository: str, blob: Content, upload: str, claimed: Content) -> Invocation:
    """Close an upload of a blob with the digest of another one: it must be refused."""
    asked = Asked(digest=claimed.digest, size=blob.size, upload=upload, wrong_bytes=True)
    return Invocation(f=F.FINISH_UPLOAD, key=digest_key(repository, claimed.digest), asked=asked)


def cancel_upload(repository: str, blob: Content, upload: str) -> Invocation:
    """Give an upload up."""
    return _upload_step(F.CANCEL_UPLOAD, repository, blob, upload)


def through(repository: str, step: Invocation) -> Invocation:
    """The same step of an upload, asked for through the URL of a repository in which nobody began it."""
    key = digest_key(repository, digest_of(step.key) or "")
    return replace(step, key=key, asked=replace(step.asked, source=repository_of(step.key)))


def part_of(content: Content, first: int, end: int) -> Content:
    """The bytes from `first` up to, not including, `end`; named as the whole is."""
    algorithm, _, _ = content.digest.partition(":")
    return Content.of_bytes(b"".join(content.chunks(first, end)), algorithm=algorithm)


def _upload_step(f: F, repository: str, blob: Content, upload: str) -> Invocation:
    asked = Asked(digest=blob.digest, size=blob.size, upload=upload)
    return Invocation(f=f, key=digest_key(repository, blob.digest), asked=asked)


def mount_blob(repository: str, content: Content, source: str) -> Invocation:
    """Take a blob over from another repository."""
    asked = Asked(digest=content.digest, size=content.size, source=source)
    return Invocation(f=F.MOUNT_BLOB, key=digest_key(repository, content.digest), asked=asked)


def get_blob(repository: str, digest: str, size: int | None) -> Invocation:
    """Read a blob, whole."""
    asked = Asked(digest=digest, size=size)
    return Invocation(f=F.GET_BLOB, key=digest_key(repository, digest), asked=asked)


def get_range(
    repository: str, digest: str, size: int, span: tuple[int, int], content: Content | None = None
) -> Invocation:
    """Read the bytes from span[0] to span[1] of a blob, both included; `content` is the blob, where it is known."""
    first, last = span
    part = None if content is None else part_of(content, first, last + 1)
    asked = Asked(digest=digest, size=size, range=span, range_digest=part.digest if part is not None else None)
    return Invocation(f=F.GET_BLOB, key=digest_key(repository, digest), asked=asked)


def read_on_condition(
    f: F, repository: str, content: Content, *, etag: str | None = None, last_modified: str | None = None
) -> Invocation:
    """GET or HEAD a blob or manifest by digest, unless it is what the asker has; its validators are kept."""
    asked = Asked(
        digest=content.digest,
        size=content.size,
        keeps_validators=True,
        if_none_match=etag,
        if_modified_since=last_modified,
    )
    return Invocation(f=f, key=digest_key(repository, content.digest), asked=asked)


def get_ranges(
    repository: str, content: Content, text: str, spans: Sequence[tuple[int, int]] = (), *, is_single: bool = True
) -> Invocation:
    """Read what a `Range` asks for of a blob that is known.

    Args:
        text: the header as it is sent.
        spans: the parts of this blob that it means, first and last byte included.
        is_single: it is to be answered with the one part in `spans`, not with several.
    """
    slices = tuple(
        Slice(first, last, Content.of_bytes(b"".join(content.chunks(first, last + 1))).digest) for first, last in spans
    )
    one = slices[0] if is_single and slices else None
    asked = Asked(
        digest=content.digest,
        size=content.size,
        range=(one.first, one.last) if one is not None else None,
        range_digest=one.digest if one is not None else None,
        range_text=text,
        slices=slices if one is None else (),
    )
    return Invocation(f=F.GET_BLOB, key=digest_key(repository, content.digest), asked=asked)


def read_tag_on_condition(
    f: F, repository: str, tag: str, *, etag: str | None = None, known: str | None = None
) -> Invocation:
    """GET or HEAD a tag, unless it is what the asker has; its validators are kept.

    Args:
        known: digest of what the asker has, which came with that ETag.
    """
    asked = Asked(keeps_validators=True, if_none_match=etag, known_digest=known)
    return Invocation(f=f, key=tag_key(repository, tag), asked=asked)


def negotiate(f: F, repository: str, reference: str, accept: str) -> Invocation:
    """GET or HEAD a manifest by tag or digest with an `Accept` of one's own; empty for none at all."""
    if ":" in reference:
        return Invocation(f=f, key=digest_key(repository, reference), asked=Asked(digest=reference, accept=accept))
    return Invocation(f=f, key=tag_key(repository, reference), asked=Asked(accept=accept))


def read_malformed(f: F, key: str) -> Invocation:
    """A read of what cannot be there, because its name breaks the grammar of tags or digests."""
    return Invocation(f=f, key=key, asked=Asked(digest=digest_of(key), breaks_grammar=True))


def head_blob(repository: str, digest: str, size: int | None) -> Invocation:
    """Ask whether a blob is there."""
    asked = Asked(digest=digest, size=size)
    return Invocation(f=F.HEAD_BLOB, key=digest_key(repository, digest), asked=asked)


def delete_blob(repository: str, digest: str) -> Invocation:
    """Delete a blob from one repository."""
    return Invocation(f=F.DELETE_BLOB, key=digest_key(repository, digest), asked=Asked(digest=digest))


def put_manifest(repository: str, tag: str | None, manifest: Manifest) -> Invocation:
    """Write a manifest under a tag, or under its own digest where tag is None."""
    return Invocation(
        f=F.PUT_MANIFEST,
        key=digest_key(repository, manifest.digest) if tag is None else tag_key(repository, tag),
        asked=Asked(
            digest=manifest.digest,
            size=manifest.content.size,
            media_type=manifest.media_type,
            references=manifest.references,
            subject=manifest.subject,
            artifact_type=manifest.artifact_type,
            annotations=manifest.annotations,
        ),
        content=manifest.content,
    )


def put_under_tags(repository: str, tags: Sequence[str], manifest: Manifest) -> Invocation:
    """Write a manifest under its digest and, in the same request, under several tags."""
    put = put_manifest(repository, None, manifest)
    return replace(put, asked=replace(put.asked, tags=tuple(tags)))


def exchange_manifest(
    repository: str, tag: str, expected: str | None, manifest: Manifest, *, is_weak: bool = False
) -> Invocation:
    """Write a manifest under a tag only if the tag names the digest that is expected; None: if it names nothing.

    Args:
        is_weak: the validator is a weak one, which never matches (RFC 9110, 13.1.1).
    """
    put = put_manifest(repository, tag, manifest)
    if expected is None:
        return replace(put, asked=replace(put.asked, if_none_match="*"))
    return replace(put, asked=replace(put.asked, if_match=f'{"W/" if is_weak else ""}"{expected}"'))


def get_tag(repository: str, tag: str) -> Invocation:
    """Read the manifest that a tag names."""
    return Invocation(f=F.GET_MANIFEST, key=tag_key(repository, tag), asked=Asked())


def head_tag(repository: str, tag: str) -> Invocation:
    """Ask what a tag names."""
    return Invocation(f=F.HEAD_MANIFEST, key=tag_key(repository, tag), asked=Asked())


def get_manifest(repository: str, digest: str) -> Invocation:
    """Read a manifest by its digest."""
    return Invocation(f=F.GET_MANIFEST, key=digest_key(repository, digest), asked=Asked(digest=digest))


def head_manifest(repository: str, digest: str) -> Invocation:
    """Ask whether a manifest is there."""
    return Invocation(f=F.HEAD_MANIFEST, key=digest_key(repository, digest), asked=Asked(digest=digest))


def delete_tag(repository: str, tag: str) -> Invocation:
    """Delete a tag; the manifest stays."""
    return Invocation(f=F.DELETE_TAG, key=tag_key(repository, tag), asked=Asked())


def delete_manifest(repository: str, digest: str) -> Invocation:
    """Delete a manifest, and with it every tag of the repository that names it."""
    return Invocation(f=F.DELETE_MANIFEST, key=digest_key(repository, digest), asked=Asked(digest=digest))


def list_tags(repository: str, page_size: int | None = None) -> Invocation:
    """List the tags of a repository, all pages, of the registry's size or of at most `page_size` names."""
    return Invocation(f=F.LIST_TAGS, key=repository, asked=Asked(page_size=page_size))


def list_page(repository: str, page_size: int | None = None, last: str | None = None) -> Invocation:
    """List one page of tags: at most so many, from after a name on."""
    return Invocation(f=F.LIST_PAGE, key=repository, asked=Asked(page_size=page_size, last=last))


def list_odd_page(repository: str, query: str, page_size: int | None = None, last: str | None = None) -> Invocation:
    """List a page of tags by a query that a registry may refuse; the rest is what it means, if it means anything."""
    asked = Asked(page_query=query, page_size=page_size, last=last)
    return Invocation(f=F.LIST_PAGE, key=repository, asked=asked)


def list_catalog(
    repository: str,
    prefix: str,
    page_size: int | None = None,
    last: str | None = None,
    query: str | None = None,
) -> Invocation:
    """List one page of the registry's repositories, of which those with our prefix count.

    Args:
        repository: one of ours: the operation is filed under it.
        query: as it is sent, where it is none that a registry must heed.
    """
    asked = Asked(page_size=page_size, last=last, prefix=prefix, page_query=query)
    return Invocation(f=F.LIST_CATALOG, key=repository, asked=asked)


def list_referrers(repository: str, subject: str, artifact_type: str | None = None) -> Invocation:
    """List what refers to a manifest, all pages, of every artifact type or of one."""
    asked = Asked(digest=subject, artifact_type=artifact_type)
    return Invocation(f=F.LIST_REFERRERS, key=digest_key(repository, subject), asked=asked)
