"""The requests of a few operations as a shell script of curl calls, one after another. Pure.

It asks what was asked, in order of invocation; that some of it was concurrent is for the timeline to say. Credentials
are the variables NSCR_USERNAME and NSCR_PASSWORD, never values. Bodies are files named by their digest, in $BODIES: the
journal does not hold them, `nscr judge RUNDIR --bodies DIR` makes them again. Names and types are hostile:
percent-encoded in a URL, quoted for the shell everywhere.
"""

import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from nscr_cli.checkers.wording import outcome
from nscr_cli.history.history import Operation
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import F, PushStyle
from nscr_cli.reporting.groundwork import Ground
from nscr_cli.ui import printable

_OWN_REGISTRY = "http://127.0.0.1:5000"
_OCTETS = "--header 'Content-Type: application/octet-stream'"
_ACCEPT = "--header 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*'"

_ASK = """\
ask() { curl --silent --show-error --include ${NSCR_USERNAME:+--user "$NSCR_USERNAME:$NSCR_PASSWORD"} "$@"; }"""

# A location may be relative, and may change with each step of an upload (spec.md#pushing-a-blob-in-chunks).
_FOLLOW = """\
follow() {
  reply=$(ask "$@"); printf '%s\\n' "$reply"
  next=$(printf '%s\\n' "$reply" | tr -d '\\r' | sed -n 's/^[Ll]ocation: *//p' | tail -n 1)
  case $next in
    '') ;;
    /*) upload=$(printf '%s' "$REGISTRY" | sed 's,\\(://[^/]*\\).*,\\1,')$next ;;
    *) upload=$next ;;
  esac
}
with_digest() {
  case $upload in *\\?*) printf '%s&digest=%s' "$upload" "$1" ;; *) printf '%s?digest=%s' "$upload" "$1" ;; esac
}"""


_LAY = f"""\
lay_blob() {{
  follow --request POST "$1"
  ask --request PUT {_OCTETS} --data-binary @"$2" "$(with_digest "$3")"
}}"""


def body_name(digest: str, *, is_wrong: bool = False) -> str:
    """The name of the file with the bytes that were sent under a digest.

    Args:
        is_wrong: the bytes are others than the digest says, on purpose.
    """
    return f"{_encoded(digest.replace(':', '-'))}{'-as-sent' if is_wrong else ''}"


def part_name(index: int) -> str:
    """The name of the file with the bytes that one step of an upload sent.

    Args:
        index: of the operation.
    """
    return f"part-{index}"


def transcript(registry_url: str | None, operations: Sequence[Operation], ground: Sequence[Ground] = ()) -> str:
    """A POSIX shell script that asks a registry for the same.

    Args:
        registry_url: without credentials; None for a registry of the run's own, which is gone.
        ground: what is pushed first, because the operations need it.
    """
    url = shlex.quote(printable(registry_url or _OWN_REGISTRY, limit=2000).rstrip("/"))
    lines = [f"REGISTRY=${{REGISTRY:-{url}}}", 'BODIES=${BODIES:-$(dirname -- "$0")}', _ASK]
    if ground or any(
        one.asked.upload or (one.f is F.PUSH_BLOB and one.asked.style is not PushStyle.SINGLE_POST)
        for one in operations
    ):
        lines.append(_FOLLOW)
    if ground:
        lines += [_LAY, "", "# What has to be there first; it proves nothing."]
        lines += [_laid(one) for one in ground]
    opened: set[str] = set()
    for one in operations:
        upload = one.asked.upload
        if upload is not None and one.f is not F.START_UPLOAD and upload not in opened:
            lines += ["", "# An upload, opened anew: what it had got before these steps is not sent.", _opening(one)]
        opened.update([upload] if upload is not None else [])
        said = printable(outcome(one), limit=400)
        lines += ["", f"# #{one.index}, process {one.process}, at {one.start_ns / 1e9:.6f} s; it was answered: {said}"]
        lines += _calls(one) if one.asked.upload is None else [*_moving(one), *_step(one)]
    return "\n".join(lines)


def _laid(ground: Ground) -> str:
    path = f"/v2/{quote(ground.repository, safe='/')}/"
    body = _body(ground.digest)
    if ground.manifest is None:
        uploads, named = shlex.quote(f"{path}blobs/uploads/"), shlex.quote(_encoded(ground.digest))
        return f'lay_blob "$REGISTRY"{uploads} {body} {named}'
    kind = _header("Content-Type", ground.manifest.media_type or "application/octet-stream")
    url = f'"$REGISTRY"{shlex.quote(f"{path}manifests/{_encoded(ground.tag or ground.digest)}")}'
    return f"ask --request PUT {kind} --data-binary @{body} {url}"


def _calls(one: Operation) -> Iterator[str]:
    asked = one.asked
    digest = digest_of(one.key) or asked.digest or ""
    blob, manifest = f"blobs/{_encoded(digest)}", f"manifests/{_encoded(tag_of(one.key) or digest)}"
    match one.f:
        case F.PUSH_BLOB:
            yield from _push(one, digest)
        case F.MOUNT_BLOB:
            source = f"&from={_encoded(asked.source)}" if asked.source is not None else ""
            yield f"ask --request POST {_url(one, f'blobs/uploads/?mount={_encoded(digest)}{source}')}"
        case F.GET_BLOB:
            yield f"ask --output - {_headers(one)}{_url(one, blob)}"
        case F.HEAD_BLOB:
            yield f"ask --head {_headers(one)}{_url(one, blob)}"
        case F.DELETE_BLOB:
            yield f"ask --request DELETE {_url(one, blob)}"
        case F.PUT_MANIFEST:
            kind = shlex.quote(f"Content-Type: {printable(asked.media_type or 'application/octet-stream')}")
            body = _body(asked.digest or digest)
            if asked.tags:
                manifest += "?" + "&".join(f"tag={_encoded(tag)}" for tag in asked.tags)
            yield f"ask --request PUT --header {kind} {_headers(one)}--data-binary @{body} {_url(one, manifest)}"
        case F.GET_MANIFEST:
            yield f"ask {_accept(one)} {_headers(one)}{_url(one, manifest)}"
        case F.HEAD_MANIFEST:
            yield f"ask --head {_accept(one)} {_headers(one)}{_url(one, manifest)}"
        case F.DELETE_TAG | F.DELETE_MANIFEST:
            yield f"ask --request DELETE {_url(one, manifest)}"
        case F.LIST_TAGS | F.LIST_PAGE | F.LIST_CATALOG | F.LIST_REFERRERS:
            yield f"ask {_list(one)}"


def _list(one: Operation) -> str:
    if one.f is F.LIST_CATALOG:
        return f'"$REGISTRY"{shlex.quote(printable(f"/v2/_catalog{_page(one)}"))}'
    if one.f is not F.LIST_REFERRERS:
        return _url(one, f"tags/list{_page(one)}")
    kind, digest = one.asked.artifact_type, digest_of(one.key) or one.asked.digest or ""
    wanted = f"?artifactType={_encoded(kind)}" if kind is not None else ""
    return _url(one, f"referrers/{_encoded(digest)}{wanted}")


def _page(one: Operation) -> str:
    asked = one.asked
    if asked.page_query is not None:
        return f"?{asked.page_query}"
    parameters = [f"n={asked.page_size}"] if asked.page_size is not None else []
    parameters += [f"last={_encoded(asked.last)}"] if asked.last is not None else []
    return f"?{'&'.join(parameters)}" if parameters else ""


def _headers(one: Operation) -> str:
    """The headers with which something was read, or the conditions of a write, each with a space behind it."""
    asked = one.asked
    if asked.range is not None and asked.range_text is None:
        return f"--range {asked.range[0]}-{asked.range[1]} "
    headers = {
        "Range": asked.range_text,
        "If-Range": asked.if_range,
        "If-Match": asked.if_match,
        "If-None-Match": asked.if_none_match,
        "If-Modified-Since": asked.if_modified_since,
    }
    return "".join(f"{_header(name, value)} " for name, value in headers.items() if value is not None)


def _accept(one: Operation) -> str:
    return _ACCEPT if one.asked.accept is None else _header("Accept", one.asked.accept)


def _header(name: str, value: str) -> str:
    # curl leaves a header out that is given without a value.
    return f"--header {shlex.quote(printable(f'{name}: {value}'.rstrip()))}"


def _step(one: Operation) -> Iterator[str]:
    """A step of an upload that goes on from where the step before it in the script left it."""
    span = f"--header 'Content-Range: {one.asked.range[0]}-{one.asked.range[1]}' " if one.asked.range else ""
    digest = digest_of(one.key) or ""
    named = shlex.quote(_encoded(digest))
    match one.f:
        case F.START_UPLOAD:
            yield _opening(one)
        case F.PATCH_UPLOAD:
            yield f'follow --request PATCH {_OCTETS} {span}--data-binary @{_part(one)} "$upload"'
        case F.GET_UPLOAD:
            yield 'follow "$upload"'
        case F.FINISH_UPLOAD:
            if one.asked.range is None:
                yield f'ask --request PUT "$(with_digest {named})"'
                return
            yield f'ask --request PUT {_OCTETS} {span}--data-binary @{_part(one)} "$(with_digest {named})"'
        case _:
            yield 'ask --request DELETE "$upload"'


def _opening(one: Operation) -> str:
    path = quote(f"/v2/{one.asked.source or repository_of(one.key)}/blobs/uploads/", safe="/")
    return f'follow --request POST "$REGISTRY"{shlex.quote(path)}'


def _moving(one: Operation) -> Iterator[str]:
    """Of a step that is asked for through another repository: that one's name comes into the URL."""
    if one.asked.source is not None:
        own, other = (quote(f"/v2/{name}/blobs/", safe="/") for name in (one.asked.source, repository_of(one.key)))
        yield f"""upload=$(printf '%s' "$upload" | sed {shlex.quote(f"s,{own},{other},")})"""


def _push(one: Operation, digest: str) -> Iterator[str]:
    body, named = _body(digest, is_wrong=one.asked.wrong_bytes), shlex.quote(_encoded(digest))
    if one.asked.style is PushStyle.SINGLE_POST:
        target = _url(one, f"blobs/uploads/?digest={_encoded(digest)}")
        yield f"ask --request POST {_OCTETS} --data-binary @{body} {target}"
        return
    yield f"follow --request POST {_url(one, 'blobs/uploads/')}"
    match one.asked.style:
        case PushStyle.CHUNKED_PATCH:
            yield from _chunks(one, body)
        case PushStyle.STREAMED_PATCH:
            stream = f"--header 'Transfer-Encoding: chunked' --upload-file {body}"
            yield f'follow --request PATCH {_OCTETS} {stream} "$upload"'
        case _:
            yield f'ask --request PUT {_OCTETS} --data-binary @{body} "$(with_digest {named})"'
            return
    yield f'ask --request PUT "$(with_digest {named})"'


def _chunks(one: Operation, body: str) -> Iterator[str]:
    """The chunks that were sent, then what was left of the blob; the one out of order after the first, as it was."""
    size = one.asked.size or 0
    ends = [end for end in one.answered.sent_offsets if end < size] + [size]
    begin = 0
    for number, end in enumerate(ends):
        if number == 1 and one.asked.out_of_order and end - begin > 1:
            yield _chunk(body, begin + 1, end)
        if end > begin:
            yield _chunk(body, begin, end)
        begin = end


def _chunk(body: str, begin: int, end: int) -> str:
    return (
        f"tail -c +{begin + 1} {body} | head -c {end - begin} > chunk\n"
        f"follow --request PATCH {_OCTETS} --header 'Content-Range: {begin}-{end - 1}' --data-binary @chunk \"$upload\""
    )


def _url(one: Operation, rest: str) -> str:
    path = quote(f"/v2/{repository_of(one.key)}/", safe="/")
    return f'"$REGISTRY"{shlex.quote(path + rest)}'


def _body(digest: str, *, is_wrong: bool = False) -> str:
    return f'"$BODIES"/{shlex.quote(body_name(digest, is_wrong=is_wrong))}'


def _part(one: Operation) -> str:
    return f'"$BODIES"/{part_name(one.index)}'


def _encoded(text: str) -> str:
    return quote(text, safe=":")
