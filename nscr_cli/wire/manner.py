"""How a request goes out, where it is not simply all of it at once: slowly, in part, with an end that a client means.

For whoever asks what a server makes of a client that dies, stalls, trickles or hangs up; values only. What is sent
stays what the request says, byte for byte: a length that lies is a header like any other. Follows RFC 9110, section
10.1.1 (100-continue), and RFC 9112, section 9.6 (half-closed connections).
"""

from enum import StrEnum

import msgspec


class Farewell(StrEnum):
    """What follows the last byte that is sent."""

    NOTHING = "wait for the answer"
    HALF_CLOSE = "end our side of the stream, and wait for the answer"
    CLOSE = "close the connection"
    RESET = "reset the connection"


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one request is sent.

    Attributes:
        cut_head: only so many bytes of the head go out, and nothing of the body; None for all.
        cut_body: only so many bytes of the body, as framed; None for all.
        piece, pause_s: so many bytes go out at a time, and each further piece waits so long before it.
        continue_s: the body waits for an interim answer (100), at most so long; where the final answer comes in its
            place, the body is not sent. `Expect: 100-continue` is a header like any other: the caller writes it.
        farewell: what follows the last byte.
    """

    cut_head: int | None = None
    cut_body: int | None = None
    piece: int | None = None
    pause_s: float = 0.0
    continue_s: float | None = None
    farewell: Farewell = Farewell.NOTHING

    @property
    def is_cut(self) -> bool:
        """Not all of the request is meant to go out."""
        return self.cut_head is not None or self.cut_body is not None

    @property
    def leaves(self) -> bool:
        """The answer is not waited for."""
        return self.farewell in (Farewell.CLOSE, Farewell.RESET)


PLAIN = Manner()
