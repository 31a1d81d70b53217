"""One response, from bytes: httptools with the checks that it leaves to its caller. No input or output.

A new reader an exchange: after an answer to HEAD, httptools would wait for the body that Content-Length announced.
Interim answers (1xx) are passed over. The end of the stream ends a body only where neither length nor chunks frame it;
anywhere else it is a truncation, never a short answer. Follows RFC 9112, sections 4 to 8.
"""

import httptools

from nscr_cli.wire.messages import Response
from nscr_cli.wire.sinks import Sink

HEAD_LIMIT = 256 * 1024


class MalformedResponse(Exception):
    """The bytes are not a response to the request that was sent."""


class ResponseReader:
    """Reads one final response.

    Attributes:
        response: its head, once complete.
        interim: statuses of the interim answers so far.
        has_begun: something of the final response is there.
        is_complete: head and body are there.
        can_continue: the connection may serve another request after it.
    """

    def __init__(self, method: str, sink: Sink) -> None:
        self._is_head = method == "HEAD"
        self._sink = sink
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._headers: list[bytes] = []  # names and values in turn
        self._head_bytes = 0
        self._has_surplus = False
        self._keeps_alive = False
        self.response: Response | None = None
        self.interim: tuple[int, ...] = ()
        self.has_begun = False
        self.is_complete = False

    @property
    def can_continue(self) -> bool:
        return self.is_complete and self._keeps_alive and not self._has_surplus

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            MalformedResponse: they break the protocol; what was complete before them stays so.
        """
        if self.response is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise MalformedResponse("switches to a protocol that was not asked for") from error
        except httptools.HttpParserError as error:
            if not self.is_complete:
                raise MalformedResponse(str(error) or type(error).__name__) from error
            self._has_surplus = True
        if self.response is None and self._head_bytes > HEAD_LIMIT:
            raise MalformedResponse(f"no end of the head within {HEAD_LIMIT} bytes")

    def release(self) -> None:
        """Nothing more is read: parser and reader let go of each other, so that no collector has to find them."""
        del self._parser

    def feed_end(self) -> None:
        """The stream ended: completes an unframed body, and leaves anything else incomplete."""
        if self.response is not None and not self.is_complete and not _is_framed(self.response):
            self.is_complete = True

    # Called by httptools; an exception must not leave them.

    def on_message_begin(self) -> None:
        self.has_begun = True
        if self.is_complete:
            self._has_surplus = True

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.response is None:
            self._headers += (name, value)

    def on_headers_complete(self) -> None:
        if self.response is not None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self.interim += (status,)
            self.has_begun = False
            self._headers.clear()
            self._reason = b""
            return
        # A line feed is in neither names nor values; one decoding for all of them costs a fifth of one for each.
        texts = b"\n".join(self._headers).decode("latin-1").split("\n") if self._headers else []
        headers = tuple(zip(texts[::2], texts[1::2], strict=True))
        self.response = Response(
            status=status,
            reason=self._reason.decode("latin-1"),
            headers=headers,
            first={name.lower(): value for name, value in reversed(headers)},
        )
        if self._is_head:
            self._keeps_alive = _keeps_alive(self._parser.get_http_version(), self.response)
            self.is_complete = True

    def on_body(self, body: bytes) -> None:
        if self.is_complete:
            self._has_surplus = True
        else:
            self._sink.write(body)

    def on_message_complete(self) -> None:
        if self.response is not None and not self.is_complete:
            self._keeps_alive = _keeps_alive(self._parser.get_http_version(), self.response)
            self.is_complete = True


def _is_framed(response: Response) -> bool:
    return "content-length" in response.first or "transfer-encoding" in response.first


def _keeps_alive(version: str, response: Response) -> bool:
    options = (response.header("connection") or "").lower()
    return "keep-alive" in options if version == "1.0" else "close" not in options
