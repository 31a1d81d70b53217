"""Status, code and meaning of every failure, in one table, and the two bodies that carry them.

/v2 answers with the specification's envelope, /api with `{error, message}`. Where the specification names no status,
RFC 9110 decides; where it names no code for a status, the nearest of its fourteen is taken and the meaning says why.
docs/api.md is made of this table.
"""

import json
from dataclasses import dataclass

from nscr.core.uploads import range_header
from nscr.errors import (
    BlobUnknown,
    BodyBroken,
    ClientTooSlow,
    DigestMismatch,
    HeadTooLarge,
    ManifestReferencesUnknown,
    ManifestTooLarge,
    ManifestUnknown,
    MethodUnsupported,
    NameUnknown,
    PreconditionFailed,
    RangeUnsatisfiable,
    RegistryError,
    RouteUnknown,
    ShuttingDown,
    StoreFault,
    StoreFull,
    TooManyChecks,
    TooManyDocuments,
    TooManyTags,
    TooManyUploads,
    Unauthorized,
    UploadBusy,
    UploadLengthWrong,
    UploadOutOfOrder,
    UploadTooLarge,
    UploadUnknown,
)
from nscr.http.authentication import CHALLENGE
from nscr.http.messages import Response
from nscr.oci.errors import ErrorCode, InvalidInput, envelope


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the table; the code is that of /v2."""

    status: int
    code: ErrorCode
    meaning: str


FAULTS: dict[type[RegistryError], Fault] = {
    Unauthorized: Fault(401, ErrorCode.UNAUTHORIZED, "credentials are missing or wrong; nothing else was looked at"),
    NameUnknown: Fault(404, ErrorCode.NAME_UNKNOWN, "the repository does not exist"),
    BlobUnknown: Fault(404, ErrorCode.BLOB_UNKNOWN, "the repository has no such blob, or its bytes are damaged"),
    UploadUnknown: Fault(404, ErrorCode.BLOB_UPLOAD_UNKNOWN, "the repository has no such upload session"),
    ManifestUnknown: Fault(404, ErrorCode.MANIFEST_UNKNOWN, "the repository has no such manifest or tag"),
    ManifestReferencesUnknown: Fault(
        404,
        ErrorCode.MANIFEST_BLOB_UNKNOWN,
        "the repository lacks what the manifest references; `detail` lists it. 404 is what the specification's table "
        "of endpoints gives for a refused manifest",
    ),
    RouteUnknown: Fault(404, ErrorCode.UNSUPPORTED, "nothing is at this path"),
    MethodUnsupported: Fault(405, ErrorCode.UNSUPPORTED, "the path has no such method; `Allow` lists those it has"),
    DigestMismatch: Fault(400, ErrorCode.DIGEST_INVALID, "the content has another digest; an upload is gone with it"),
    UploadBusy: Fault(
        409, ErrorCode.BLOB_UPLOAD_INVALID, "another request is writing to the session, which has one writer at a time"
    ),
    PreconditionFailed: Fault(
        412,
        ErrorCode.DENIED,
        "`If-Match` or `If-None-Match` does not hold. DENIED, for to send the same again cannot help",
    ),
    UploadTooLarge: Fault(413, ErrorCode.SIZE_INVALID, "the blob is larger than the registry takes"),
    ManifestTooLarge: Fault(413, ErrorCode.SIZE_INVALID, "the manifest is larger than 4 MiB"),
    TooManyTags: Fault(
        414, ErrorCode.SIZE_INVALID, "more than 32 `tag` parameters. SIZE_INVALID as for all that is too large"
    ),
    UploadOutOfOrder: Fault(
        416,
        ErrorCode.BLOB_UPLOAD_INVALID,
        "`Content-Range` is malformed or does not go on where the upload ends; `Location` and `Range` say where it "
        "does, and the session is as it was",
    ),
    RangeUnsatisfiable: Fault(
        416, ErrorCode.SIZE_INVALID, "`Range` selects no byte; `Content-Range` says how many there are"
    ),
    TooManyUploads: Fault(
        429, ErrorCode.TOOMANYREQUESTS, "as many uploads are open as may be; `Retry-After` says when to ask again"
    ),
    TooManyChecks: Fault(
        429,
        ErrorCode.TOOMANYREQUESTS,
        "too many credentials of this client are being checked; `Retry-After` says when to ask again",
    ),
    TooManyDocuments: Fault(
        429, ErrorCode.TOOMANYREQUESTS, "as many large manifests are being pushed as fit into memory; see `Retry-After`"
    ),
    HeadTooLarge: Fault(
        431, ErrorCode.SIZE_INVALID, "address and headers are larger than 32 KiB. SIZE_INVALID as for all too large"
    ),
    ClientTooSlow: Fault(
        408,
        ErrorCode.SIZE_INVALID,
        "the rest of the body did not come in time; an upload keeps what did. SIZE_INVALID, for the body is too short",
    ),
    BodyBroken: Fault(
        400, ErrorCode.SIZE_INVALID, "the body ended early, or breaks HTTP's framing; an upload keeps what came before"
    ),
    UploadLengthWrong: Fault(
        400, ErrorCode.SIZE_INVALID, "the body is not as long as `Content-Range` says; the session is as it was"
    ),
    ShuttingDown: Fault(
        503,
        ErrorCode.UNKNOWN,
        "the registry shuts down and gave the request up; an upload keeps what came. See `Retry-After`",
    ),
    StoreFull: Fault(507, ErrorCode.UNKNOWN, "no room is left; what was acknowledged is unharmed"),
    StoreFault: Fault(500, ErrorCode.UNKNOWN, "the disk or the database failed; nothing was acknowledged"),
}

INVALID_INPUT = {
    ErrorCode.NAME_INVALID: "the repository name breaks the grammar or is longer than 255 characters",
    ErrorCode.DIGEST_INVALID: "no digest, or none of sha256 or sha512",
    ErrorCode.MANIFEST_INVALID: "the manifest is not what its media type says, or the reference is no tag",
    ErrorCode.BLOB_UPLOAD_INVALID: "what was sent to an upload breaks the grammar",
    ErrorCode.UNSUPPORTED: "a parameter or header that does not go with this request, or breaks its grammar",
}
"""Meaning of a 400 for what breaks a grammar, by its code."""

INVALID_INPUT_STATUS = 400

UNFORESEEN = Fault(500, ErrorCode.UNKNOWN, "the registry met an error that it did not foresee")

_API_TITLES = {
    400: "Invalid request",
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    429: "Too many requests",
    431: "Request header fields too large",
    503: "Service unavailable",
    500: "Internal server error",
    507: "Insufficient storage",
}


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def failure(path: str, fault: Fault, message: str, *, detail: object = None) -> Response:
    """The reply in the form of the API that `path` belongs to."""
    if is_api(path):
        title = _API_TITLES.get(fault.status, "Request failed")
        body = json.dumps({"error": title, "message": message}).encode()
    else:
        body = envelope(fault.code, message, detail=detail)
    return Response(fault.status, {"Content-Type": "application/json"}, body)


def describe(path: str, error: RegistryError | InvalidInput) -> Response:
    """The reply to a failure that the registry raised on purpose."""
    if isinstance(error, InvalidInput):
        return failure(path, Fault(INVALID_INPUT_STATUS, error.code, INVALID_INPUT.get(error.code, "")), str(error))
    kind = next(kind for kind in type(error).__mro__ if kind in FAULTS)
    missing = [{"digest": digest} for digest in error.missing] if isinstance(error, ManifestReferencesUnknown) else None
    response = failure(path, FAULTS[kind], str(error), detail=missing)
    response.headers |= _headers(path, error)
    return response


def _headers(path: str, error: RegistryError) -> dict[str, str]:
    """What a client is told besides the body, to go on."""
    match error:
        case Unauthorized():
            return {"WWW-Authenticate": CHALLENGE}
        case MethodUnsupported():
            return {"Allow": ", ".join(error.allowed)}
        case RangeUnsatisfiable():
            return {"Accept-Ranges": "bytes", "Content-Range": f"bytes */{error.size}"}
        case UploadOutOfOrder():
            return {"Location": path, "Range": range_header(error.offset)}
        case TooManyUploads() | TooManyChecks() | TooManyDocuments():
            return {"Retry-After": "1"}
        case ClientTooSlow():
            return {"Connection": "close"}
        case ShuttingDown():
            return {"Connection": "close", "Retry-After": "5"}
    return {}
