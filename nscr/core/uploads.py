"""The upload session: one transition table and the admission of a chunk (spec.md "Pushing blobs").

Laws: all states and transitions of a session stand in `TRANSITIONS`; a pair that is not in it is refused as busy.
An upload's offset is what its file holds, never a number kept beside it. One writer at a time. A session whose bytes
did not hash to the digest that closed it is gone: it can only be appended to, so no further request could mend it.
"""

from dataclasses import dataclass
from enum import Enum, auto

from nscr.errors import UploadBusy, UploadLengthWrong, UploadOutOfOrder, UploadTooLarge
from nscr.oci.errors import InvalidInput
from nscr.oci.ranges import parse_chunk_range


class UploadState(Enum):
    OPEN = auto()
    WRITING = auto()
    CLOSING = auto()
    CANCELLING = auto()
    GONE = auto()


class UploadEvent(Enum):
    """What requests do to a session; the last two are how a request ends."""

    APPEND = auto()
    CLOSE = auto()
    CANCEL = auto()
    RELEASE = auto()
    REMOVE = auto()


_S, _E = UploadState, UploadEvent

TRANSITIONS: dict[tuple[UploadState, UploadEvent], UploadState] = {
    (_S.OPEN, _E.APPEND): _S.WRITING,
    (_S.OPEN, _E.CLOSE): _S.CLOSING,
    (_S.OPEN, _E.CANCEL): _S.CANCELLING,
    (_S.WRITING, _E.RELEASE): _S.OPEN,
    (_S.CLOSING, _E.RELEASE): _S.OPEN,
    (_S.CLOSING, _E.REMOVE): _S.GONE,
    (_S.CANCELLING, _E.RELEASE): _S.OPEN,
    (_S.CANCELLING, _E.REMOVE): _S.GONE,
}


def next_state(upload: str, state: UploadState, event: UploadEvent) -> UploadState:
    """Apply one event.

    Raises:
        UploadBusy: the table has no such transition: another request holds the session.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise UploadBusy(upload) from None


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """What the body of an admitted chunk must look like.

    Attributes:
        exact: its length where the request announced one by Content-Range.
        most: the number of bytes that the size limit leaves.
    """

    exact: int | None
    most: int


def admit_chunk(offset: int, content_range: str | None, content_length: int | None, *, size_limit: int) -> ChunkPlan:
    """Decide on a chunk before any byte of it is read.

    Raises:
        UploadOutOfOrder: the range is malformed or does not start where the upload ends.
        UploadLengthWrong: Content-Range and Content-Length contradict each other.
        UploadTooLarge: the upload would outgrow the limit.
    """
    exact: int | None = None
    # A closing PUT without a body may repeat a Content-Range of nothing; there is no chunk to place.
    if content_range is not None and content_length != 0:
        try:
            chunk = parse_chunk_range(content_range)
        except InvalidInput as error:
            raise UploadOutOfOrder(offset, str(error)) from error
        if chunk.start != offset:
            raise UploadOutOfOrder(offset, f"the chunk starts at {chunk.start}")
        exact = chunk.length
        if content_length is not None and content_length != exact:
            raise UploadLengthWrong(exact, str(content_length))
    announced = exact if exact is not None else content_length
    if announced is not None and offset + announced > size_limit:
        raise UploadTooLarge(size_limit)
    return ChunkPlan(exact, size_limit - offset)


def range_header(offset: int) -> str:
    """The `Range` of an upload's replies, which spec.md demands of every one.

    It is inclusive and so cannot say "nothing": an empty upload answers `0-0`, as registries do and one byte does. A
    client that takes the one for the other is told so by a 416, and no byte is lost.
    """
    return f"0-{max(0, offset - 1)}"
