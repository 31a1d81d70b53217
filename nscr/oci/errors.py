"""Error codes of the distribution specification and the JSON body that carries them.

The fourteen codes are those of spec.md "Error Codes". UNKNOWN and UNAVAILABLE are ours: the specification
names no code for a server's own failure (5xx). Knows nothing of HTTP statuses; those stand in one table in
the http package.
"""

import json
from enum import StrEnum


class ErrorCode(StrEnum):
    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    SIZE_INVALID = "SIZE_INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    DENIED = "DENIED"
    UNSUPPORTED = "UNSUPPORTED"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    UNKNOWN = "UNKNOWN"
    UNAVAILABLE = "UNAVAILABLE"


class InvalidInput(ValueError):
    """A client's text or bytes that break a grammar of the specifications.

    Attributes:
        code: the specification's code for this kind of mistake.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def envelope(code: ErrorCode, message: str, *, detail: object = None) -> bytes:
    """Encode the one error as spec.md "Error Codes" asks."""
    error: dict[str, object] = {"code": code.value, "message": message}
    if detail is not None:
        error["detail"] = detail
    return json.dumps({"errors": [error]}, separators=(",", ":")).encode()
