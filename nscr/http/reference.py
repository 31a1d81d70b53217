"""The reference of the HTTP API as Markdown: made of the tables of routes and failures, so that it cannot lie.

`python -m nscr --api-reference` prints it; docs/api.md is that text.
"""

from collections.abc import Iterable, Iterator

from nscr.http.faults import FAULTS, INVALID_INPUT, INVALID_INPUT_STATUS, UNFORESEEN
from nscr.http.routes import ROUTES, Route, find_handler
from nscr.http.services import Handler

_INTRODUCTION = """\
# The HTTP API

Made by `python -m nscr --api-reference` from the tables of routes and failures; edit those.

`{name}` takes slashes, raw or as `%2F`; where a path can be read as an upload, blob or manifest, it is one. HEAD
answers every GET, with the same headers and no body. Every reply carries the request's `X-Request-Id`, if it had one.
Blobs and manifests have an `ETag`, their digest in quotes, for `If-Match` and `If-None-Match`. Digests are sha256 or
sha512; `Docker-Content-Digest` is of the algorithm that the client used. Several ranges in one `Range` are answered
with the whole blob.
"""

_MONITORING = """\
Shapes and terms stand in [external-api.md](external-api.md), those of what it does not name in `/openapi.json`.

Throughput is counted from the bodies of blobs and manifests, as they come and go: of what breaks off too, and of ranges
what is sent. HEAD, lists, errors and what is dropped unread do not count. `read` is what clients download, `write` what
they upload, in bytes a second of whole seconds; minutes, hours and days are those of UTC, each with the `duration` (ms)
that it is the mean of. Quiet times are zeros. Nothing of it is kept on disk: it begins with the server, and the history
begins anew where the clock is set back.
"""

_FAILURES = """
## Failures

`/v2` answers with the specification's body and these codes; `/api` with `{"error": …, "message": …}` and the same
statuses. After any of them the registry is as it was before, but where the meaning says otherwise.
"""


def render_reference() -> str:
    """The whole text."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## Distribution (`/v2`)\n",
            *_routes(route for route in ROUTES if route.template.startswith("/v2")),
            "\n## Monitoring (`/api`)\n",
            _MONITORING,
            *_routes(route for route in ROUTES if not route.template.startswith("/v2")),
            _FAILURES,
            *_failures(),
            "",
        ]
    )


def _routes(routes: Iterable[Route]) -> Iterator[str]:
    yield "| method | path | does |"
    yield "|---|---|---|"
    for route in routes:
        for method in route.handlers:
            handler = find_handler(route, method)
            if handler is not None:
                yield f"| {method} | `{route.template}` | {_summary(handler)} |"


def _summary(handler: Handler) -> str:
    """What a handler does: the first paragraph of its docstring."""
    paragraph = (handler.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(paragraph.split())


def _failures() -> Iterator[str]:
    invalid = ((INVALID_INPUT_STATUS, code, meaning) for code, meaning in INVALID_INPUT.items())
    rows = [(fault.status, fault.code, fault.meaning) for fault in (*FAULTS.values(), UNFORESEEN)]
    yield "| status | code | when |"
    yield "|---|---|---|"
    for status, code, meaning in sorted([*rows, *invalid], key=lambda row: row[0]):
        yield f"| {status} | {code} | {meaning} |"
