"""/openapi.json: the monitoring API as an OpenAPI 3.1 document, made from the route table and the types of its bodies.

A route under /api that `OPERATIONS` does not describe fails a test, so the document cannot fall behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from nscr.core.paging import LARGEST_LIMIT
from nscr.http import documents
from nscr.http.collection import LONGEST_AGE
from nscr.oci.names import MAX_NAME_LENGTH, NAME_GRAMMAR

_TEXT = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one route does.

    Attributes:
        replies: by status the type of a JSON body, or the media type of another.
        query: schemas of its parameters, by name.
        has_tag: whether replies carry an ETag, and If-None-Match gets a 304.
    """

    summary: str
    replies: Mapping[int, type[documents.Document] | str]
    query: tuple[tuple[str, Mapping[str, object]], ...] = ()
    has_tag: bool = True


_NAME = {"type": "string", "pattern": f"^{NAME_GRAMMAR}$", "maxLength": MAX_NAME_LENGTH}
_WHOLE = {"type": "integer", "minimum": 0, "maximum": LARGEST_LIMIT}
_LIMIT = ("limit", {**_WHOLE, "description": "How many to list; all without it."})
_AFTER = ("after", {"type": "string", "description": "List what comes after this digest."})
_HISTORY = Operation(
    "Bytes a second in each unit of time since the start, oldest first, the running one too",
    {200: documents.ThroughputHistoryDocument},
    has_tag=False,
)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/api/registry/state"): Operation(
        "Everything of one moment: figures, repositories, sessions, health", {200: documents.StateDocument}
    ),
    ("GET", "/api/registry/repositories"): Operation(
        "Repositories, newest push first", {200: documents.RepositoriesDocument}
    ),
    ("GET", "/api/registry/repositories/{name}"): Operation(
        "Tags of a repository",
        {200: documents.RepositoryDetailDocument, 400: documents.FailureDocument, 404: documents.FailureDocument},
    ),
    ("GET", "/api/registry/blobs"): Operation(
        "Committed blobs, all or in pages",
        {200: documents.BlobsDocument, 400: documents.FailureDocument},
        query=(_LIMIT, _AFTER),
    ),
    ("GET", "/api/registry/sessions"): Operation("Open upload sessions", {200: documents.ActiveSessionsDocument}),
    ("GET", "/api/registry/health"): Operation(
        "Health checks, made for this request; 500 where one failed",
        {200: documents.HealthDocument, 500: documents.HealthDocument},
    ),
    ("GET", "/api/registry/storage"): Operation(
        "Space, deduplication and the most referenced blobs", {200: documents.StorageStatisticsDocument}
    ),
    ("POST", "/api/garbage-collect"): Operation(
        "Collect what nothing needs",
        {200: documents.CollectionDocument, 400: documents.FailureDocument},
        query=(
            ("dryRun", {"type": "boolean", "description": "Only say what would be removed."}),
            ("untagged", {"type": "boolean", "description": "Take manifests without a tag as well."}),
            (
                "olderThan",
                {**_WHOLE, "maximum": LONGEST_AGE, "description": "Only those put so many ms ago."},
            ),
        ),
        has_tag=False,
    ),
    ("GET", "/api/garbage-collect/stats"): Operation(
        "What a collection would find", {200: documents.CollectionStatisticsDocument}
    ),
    ("GET", "/api/blobs"): Operation("Committed digests, one a line", {200: "text/plain"}),
    ("GET", "/api/web/status"): Operation("Figures for a status page", {200: documents.WebStatusDocument}),
    ("GET", "/api/logs/stream"): Operation(
        "Log lines as server-sent events `connected` and `log`", {200: "text/event-stream"}, has_tag=False
    ),
    ("GET", "/api/repositories/stream"): Operation(
        "Changes of repositories as server-sent events `connected` and `repository_update`",
        {200: "text/event-stream"},
        has_tag=False,
    ),
    ("GET", "/api/throughput/current"): Operation(
        "Bytes a second in the last whole second", {200: documents.ThroughputDocument}, has_tag=False
    ),
    ("GET", "/api/throughput/history/minutes"): _HISTORY,
    ("GET", "/api/throughput/history/hours"): _HISTORY,
    ("GET", "/api/throughput/history/days"): _HISTORY,
    ("GET", "/api/throughput/peak"): Operation(
        "The most bytes in one second since the start", {200: documents.ThroughputPeakDocument}, has_tag=False
    ),
    ("GET", "/api/throughput/stream"): Operation(
        "Each second's throughput as server-sent events `connected` and `throughput`",
        {200: "text/event-stream"},
        has_tag=False,
    ),
    ("POST", "/api/shutdown"): Operation(
        "Drain and stop; there only where the server was configured so",
        {200: documents.ShutdownDocument, 404: documents.FailureDocument},
        has_tag=False,
    ),
}

_EVERYWHERE: Mapping[int, type[documents.Document]] = {
    401: documents.FailureDocument,
    429: documents.FailureDocument,
    500: documents.FailureDocument,
    507: documents.FailureDocument,
}


def describe_api() -> bytes:
    """The document, as JSON."""
    bodies = {reply for operation in OPERATIONS.values() for reply in operation.replies.values()}
    types = sorted(
        {*(body for body in bodies if not isinstance(body, str)), *_EVERYWHERE.values()}, key=lambda each: each.__name__
    )
    (_, components) = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for (method, template), operation in OPERATIONS.items():
        paths.setdefault(template, {})[method.lower()] = _operation(template, operation)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "nscr monitoring API", "version": version("nscr"), "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": dict(components),
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
        # Either: whether credentials are asked for is a matter of configuration.
        "security": [{"basic": []}, {}],
    }
    return msgspec.json.encode(document)


def _operation(template: str, operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": dict(schema)} for name, schema in operation.query
    ]
    if "{name}" in template:
        described = {"description": "May hold slashes, raw or as %2F.", "schema": _NAME}
        parameters.insert(0, {"name": "name", "in": "path", "required": True, **described})
    if operation.has_tag:
        parameters.append({"name": "If-None-Match", "in": "header", "required": False, "schema": _TEXT})
    replies: dict[int, type[documents.Document] | str] = {**_EVERYWHERE, **operation.replies}
    described_replies = {str(status): _reply(status, body) for status, body in sorted(replies.items())}
    if operation.has_tag:
        described_replies["200"]["headers"] = {"ETag": {"schema": _TEXT}}
        described_replies["304"] = {"description": "Nothing but time has changed."}
    return {"summary": operation.summary, "parameters": parameters, "responses": described_replies}


_DESCRIPTIONS = {
    200: "Done.",
    400: "A parameter breaks its grammar.",
    401: "Credentials are missing or wrong.",
    404: "There is no such thing.",
    429: "Too many credentials of this client are being checked; come back later.",
    500: "The server failed.",
    507: "The disk is full.",
}


def _reply(status: int, body: type[documents.Document] | str) -> dict[str, Any]:
    if isinstance(body, str):
        content: dict[str, Any] = {body: {"schema": _TEXT}}
    elif status == 500 and body is documents.HealthDocument:
        options = [_reference(each) for each in (documents.HealthDocument, documents.FailureDocument)]
        content = {"application/json": {"schema": {"anyOf": options}}}
    else:
        content = {"application/json": {"schema": _reference(body)}}
    return {"description": _DESCRIPTIONS[status], "content": content}


def _reference(body: type[documents.Document]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{body.__name__}"}
