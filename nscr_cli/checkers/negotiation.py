"""Whether HEAD says of a manifest what GET says of it, for each `Accept` (RFC 9110, 9.3.2; spec.md#pulling-manifests).

Only of what cannot have changed between the two: a manifest by its digest, or a tag that was put once and that nothing
may have deleted. A registry may answer another form of a manifest to another `Accept`; to the same one, HEAD and GET
are answers about the same bytes.
"""

from collections.abc import Iterable

from nscr_cli.checkers.inventory import MANIFEST_READS, may_have_happened
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_of
from nscr_cli.history.ops import F, Kind

# Signed anew each time that it is made, so that its length may differ (Docker Image Manifest V2, Schema 1).
_SCHEMA_1 = "manifest.v1+"


def differing(history: History) -> Iterable[tuple[Operation, Operation, str]]:
    """The first HEAD and GET of each key and `Accept` that do not agree, and in what."""
    for reads in _comparable(history).values():
        heads, gets = ([one for one in reads if one.f is f] for f in (F.HEAD_MANIFEST, F.GET_MANIFEST))
        get = next((one for one in gets if one.answered.status == 200 and one.kind is Kind.OK), None)
        if get is None:
            continue
        for head in heads:
            why = _difference(head, get)
            if why is not None:
                yield head, get, f"{told(head)}; {told(get)}: {why}"
                break


def not_served(history: History) -> Iterable[tuple[Operation, Operation]]:
    """The first read of each kind and key that was refused what it names in its `Accept`, with the put of it."""
    puts = {(one.key, one.asked.media_type): one for one in history.of(F.PUT_MANIFEST) if one.kind is Kind.OK}
    puts |= {
        (digest_key(repository_of(key), put.asked.digest or ""), media_type): put
        for (key, media_type), put in puts.items()
    }
    for (key, accept), reads in _comparable(history).items():
        seen: set[F] = set()
        named = [part.partition(";")[0].strip() for part in accept.split(",")]
        put = next((found for media_type in named if (found := puts.get((key, media_type))) is not None), None)
        for one in reads:
            is_refused = one.answered.status in (400, 404, 406, 415)
            if put is not None and is_refused and one.f not in seen:
                seen.add(one.f)
                yield put, one


def compared(history: History) -> int:
    """How many HEADs were compared to a GET."""
    return sum(
        sum(one.f is F.HEAD_MANIFEST for one in reads)
        for reads in _comparable(history).values()
        if any(one.f is F.GET_MANIFEST and one.answered.status == 200 for one in reads)
    )


def _comparable(history: History) -> dict[tuple[str, str], list[Operation]]:
    """Answered reads by key and `Accept`, of keys that an acknowledged put made and that did not change after it."""
    puts: dict[str, list[Operation]] = {}
    deleted: set[str] = set()
    for one in history.operations:
        if not may_have_happened(one):
            continue
        if one.f is F.PUT_MANIFEST:
            puts.setdefault(one.key, []).append(one)
            if tag_of(one.key) is not None:
                puts.setdefault(digest_key(repository_of(one.key), one.asked.digest or ""), []).append(one)
        elif one.f in (F.DELETE_TAG, F.DELETE_MANIFEST):
            deleted.add(one.key)
    # Some registries remove a manifest with its tag.
    gone = {digest_key(repository_of(key), put.asked.digest or "") for key in deleted for put in puts.get(key, [])}
    groups: dict[tuple[str, str], list[Operation]] = {}
    for one in history.operations:
        if one.f not in MANIFEST_READS or one.asked.accept is None or one.faults or one.answered.status is None:
            continue
        written = puts.get(one.key, [])
        by_digest = one.key if digest_of(one.key) else digest_key(repository_of(one.key), _digest(written))
        is_changed = not deleted.isdisjoint({one.key, by_digest}) or by_digest in gone
        is_single = digest_of(one.key) is not None or len(written) == 1
        is_there = any(put.kind is Kind.OK and put.end_ns < one.start_ns for put in written)
        if is_there and is_single and not is_changed:
            groups.setdefault((one.key, one.asked.accept), []).append(one)
    return groups


def _digest(puts: list[Operation]) -> str:
    return puts[0].asked.digest or "" if puts else ""


def _difference(head: Operation, get: Operation) -> str | None:
    if head.answered.status == 404:
        return "HEAD does not find what GET finds"
    if head.answered.status != 200 or head.kind is not Kind.OK:
        return None
    said, served = head.answered, get.answered
    for name, one, other in (
        ("Docker-Content-Digest", said.header_digest, served.header_digest),
        ("Content-Type", _bare(said.media_type), _bare(served.media_type)),
        ("Content-Length", said.content_length, served.length if _SCHEMA_1 not in (served.media_type or "") else None),
    ):
        if None not in (one, other) and one != other:
            return f"{name} of HEAD is {one}, of GET {other}"
    return None


def _bare(media_type: str | None) -> str | None:
    return media_type.partition(";")[0].strip().lower() if media_type is not None else None
