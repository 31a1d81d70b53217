"""`POST /api/garbage-collect`: a collection on demand, for real or dry."""

import msgspec

from nscr.http.documents import CollectionDocument
from nscr.http.messages import Request, Response
from nscr.http.services import Services
from nscr.oci.errors import ErrorCode, InvalidInput

LONGEST_AGE = 10**15 - 1
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


async def collect_garbage(services: Services, request: Request) -> Response:
    """`dryRun` removes nothing; `untagged` takes manifests as well, those put `olderThan` milliseconds ago."""
    dry_run = _flag(request, "dryRun")
    age = _milliseconds(request, "olderThan")
    untagged_before = services.now() - age if _flag(request, "untagged") else None
    done = await services.collector.collect(dry_run=dry_run, untagged_before=untagged_before)
    document = CollectionDocument(
        blobs_removed=done.blobs_removed,
        space_freed=done.space_freed,
        manifests_removed=done.manifests_removed,
        dry_run=dry_run,
        failures=done.failures,
        timestamp=services.now(),
    )
    return Response(200, {"Content-Type": "application/json"}, msgspec.json.encode(document))


def _flag(request: Request, name: str) -> bool:
    text = request.query.get(name, "false").lower()
    if text not in _BOOLEANS:
        raise InvalidInput(ErrorCode.UNSUPPORTED, f"{name}={text[:40]!r} is not true or false")
    return _BOOLEANS[text]


def _milliseconds(request: Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidInput(ErrorCode.UNSUPPORTED, f"{name}={text[:40]!r} is not up to {LONGEST_AGE} milliseconds")
    return int(text)
