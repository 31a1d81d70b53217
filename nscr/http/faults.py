"""Status and code of every failure, in one table, and the two bodies that carry them.

/v2 answers with the specification's envelope, /api with `{error, message}`. Where the specification names no status,
RFC 9110 decides: 409 for a session that another request writes to, 413 for what is too large, 507 for a full disk.
A manifest whose references are missing is 404, the failure that the specification's table of endpoints gives for a
manifest push.
"""

import json

from nscr.errors import (
    BlobUnknown,
    DigestMismatch,
    ManifestReferencesUnknown,
    ManifestTooLarge,
    ManifestUnknown,
    NameUnknown,
    RegistryError,
    StoreFault,
    StoreFull,
    UploadBusy,
    UploadLengthWrong,
    UploadOutOfOrder,
    UploadTooLarge,
    UploadUnknown,
)
from nscr.http.messages import Response
from nscr.oci.errors import ErrorCode, InvalidInput, envelope

FAULTS: dict[type[RegistryError], tuple[int, ErrorCode]] = {
    NameUnknown: (404, ErrorCode.NAME_UNKNOWN),
    BlobUnknown: (404, ErrorCode.BLOB_UNKNOWN),
    DigestMismatch: (400, ErrorCode.DIGEST_INVALID),
    UploadUnknown: (404, ErrorCode.BLOB_UPLOAD_UNKNOWN),
    UploadBusy: (409, ErrorCode.BLOB_UPLOAD_INVALID),
    UploadOutOfOrder: (416, ErrorCode.BLOB_UPLOAD_INVALID),
    UploadLengthWrong: (400, ErrorCode.SIZE_INVALID),
    UploadTooLarge: (413, ErrorCode.SIZE_INVALID),
    ManifestUnknown: (404, ErrorCode.MANIFEST_UNKNOWN),
    ManifestReferencesUnknown: (404, ErrorCode.MANIFEST_BLOB_UNKNOWN),
    ManifestTooLarge: (413, ErrorCode.SIZE_INVALID),
    StoreFull: (507, ErrorCode.UNKNOWN),
    StoreFault: (500, ErrorCode.UNKNOWN),
}

INVALID_INPUT_STATUS = 400

_API_TITLES = {
    400: "Invalid request",
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    500: "Internal server error",
    507: "Insufficient storage",
}


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def failure(path: str, status: int, code: ErrorCode, message: str, *, detail: object = None) -> Response:
    """The reply in the form of the API that `path` belongs to."""
    if is_api(path):
        body = json.dumps({"error": _API_TITLES.get(status, "Request failed"), "message": message}).encode()
    else:
        body = envelope(code, message, detail=detail)
    return Response(status, {"Content-Type": "application/json"}, body)


def describe(path: str, error: RegistryError | InvalidInput) -> Response:
    """The reply to a failure that the registry raised on purpose."""
    if isinstance(error, InvalidInput):
        return failure(path, INVALID_INPUT_STATUS, error.code, str(error))
    kind = next(kind for kind in type(error).__mro__ if kind in FAULTS)
    status, code = FAULTS[kind]
    missing = [{"digest": digest} for digest in error.missing] if isinstance(error, ManifestReferencesUnknown) else None
    return failure(path, status, code, str(error), detail=missing)
