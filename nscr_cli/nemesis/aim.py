"""Which step of the protocol a request is, from its head. Pure; follows spec.md#endpoints.

Upload sessions may live anywhere (their Location is the registry's to choose), so that PATCH is always a chunk and a
PUT that is not of a manifest always closes an upload.
"""

import httptools
import msgspec

from nscr_cli.history.faults import Step

_BY_METHOD = {
    "manifests": {
        "PUT": Step.PUT_MANIFEST,
        "GET": Step.GET_MANIFEST,
        "HEAD": Step.HEAD_MANIFEST,
        "DELETE": Step.DELETE_MANIFEST,
    },
    "uploads": {"GET": Step.GET_UPLOAD, "DELETE": Step.CANCEL_UPLOAD},
    "blobs": {"GET": Step.GET_BLOB, "HEAD": Step.HEAD_BLOB, "DELETE": Step.DELETE_BLOB},
    "tags": {"GET": Step.LIST_TAGS},
    "referrers": {"GET": Step.LIST_REFERRERS},
}


class Head(msgspec.Struct, frozen=True):
    """The beginning of a request.

    Attributes:
        request_id: its X-Request-Id, or empty.
        size: bytes of the head.
    """

    step: Step
    request_id: str
    size: int
    method: str


class RequestReader:
    """Finds the heads in the bytes that a client sends, one exchange after another.

    Bytes of an unfinished head are held back until it is whole. What is not HTTP is handed on as it is.
    """

    def __init__(self) -> None:
        self._held = b""
        self._is_http = True
        self._is_whole = False
        self._is_in_body = False
        self._begin()

    @property
    def is_between(self) -> bool:
        """The last request is whole, and of the next one nothing has come."""
        return not self._is_in_body and not self._held

    def feed(self, data: bytes) -> tuple[Head | None, bytes]:
        """The head that these bytes completed, if they did, and the bytes to hand on."""
        if not self._is_http:
            return None, data
        was_in_body = self._is_in_body
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._is_http = False
            held, self._held = self._held, b""
            return None, held + data
        head: Head | None = None
        if not was_in_body:
            data, self._held = self._held + data, b""
            if not self._is_in_body:
                self._held = data
                return None, b""
            method = self._parser.get_method().decode()
            head = Head(step_of(method, self._target), self._request_id, _head_size(data), method)
        if self._is_whole:
            self._begin()
        return head, data

    def on_url(self, url: bytes) -> None:
        """Called by httptools."""
        self._target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools."""
        if name.lower() == b"x-request-id":
            self._request_id = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        self._is_in_body = True

    def on_message_complete(self) -> None:
        """Called by httptools."""
        self._is_whole = True

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._target = ""
        self._request_id = ""
        self._is_whole = self._is_in_body = False


def step_of(method: str, target: str) -> Step:
    """The step that a method and a request target mean."""
    path, _, query = target.partition("?")
    if path.endswith("/v2/"):
        return Step.PING
    parts = path.split("/")
    if method == "PATCH":
        return Step.PATCH_UPLOAD
    if method == "POST" and path.endswith("/blobs/uploads/"):
        names = {part.partition("=")[0] for part in query.split("&")}
        return Step.MOUNT_BLOB if "mount" in names else Step.POST_BLOB if "digest" in names else Step.START_UPLOAD
    if parts[-2:] == ["tags", "list"]:
        return _BY_METHOD["tags"].get(method, Step.OTHER)
    if parts[-3:-1] == ["blobs", "uploads"] and method != "PUT":
        return _BY_METHOD["uploads"].get(method, Step.OTHER)
    kind = parts[-2] if len(parts) > 1 else ""
    if method == "PUT" and kind != "manifests":
        return Step.FINISH_UPLOAD
    return _BY_METHOD.get(kind, {}).get(method, Step.OTHER)


def _head_size(data: bytes) -> int:
    return data.index(b"\r\n\r\n") + 4
