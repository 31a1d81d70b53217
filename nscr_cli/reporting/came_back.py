"""What came back, as the head of a response: the status and the headers that the journal kept. Pure."""

from collections.abc import Iterator, Sequence

from nscr_cli.history.history import Operation
from nscr_cli.ui import printable

_LONGEST = 400


def came_back(operations: Sequence[Operation]) -> str:
    """The deciding answer of each operation, its headers one a line below its status."""
    return "\n".join(line for one in operations for line in _answer(one))


def _answer(one: Operation) -> Iterator[str]:
    answered = one.answered
    if answered.status is None:
        yield f"#{one.index} was not answered: {printable(one.error or '', limit=_LONGEST)}"
        return
    yield f"#{one.index} HTTP/1.1 {answered.status}"
    known: dict[str, object] = {
        "Content-Type": answered.media_type,
        "Content-Length": answered.content_length,
        "Content-Range": answered.content_range,
        "Docker-Content-Digest": answered.header_digest,
        "Location": answered.location,
        "ETag": answered.etag,
        "Last-Modified": answered.last_modified,
        "Retry-After": None if answered.retry_after_s is None else f"{answered.retry_after_s:g}",
    }
    headers = {name: str(value) for name, value in known.items() if value is not None}
    others = {name.title(): value for name, value in answered.headers if name.title() not in headers}
    for name, value in {**headers, **others}.items():
        if not (name == "Etag" and "ETag" in headers):
            yield f"    {name}: {printable(value, limit=_LONGEST)}"
    if one.request_id is not None:
        yield f"    (to X-Request-Id: {one.request_id})"
