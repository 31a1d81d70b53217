from itertools import product

import pytest

from nscr.core.uploads import TRANSITIONS, UploadEvent, UploadState, admit_chunk, next_state, range_header
from nscr.errors import UploadBusy, UploadLengthWrong, UploadOutOfOrder, UploadTooLarge


@pytest.mark.parametrize(("state", "event"), list(product(UploadState, UploadEvent)))
def test_every_pair_is_in_the_table_or_busy(state: UploadState, event: UploadEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state("id", state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(UploadBusy):
            next_state("id", state, event)


def test_laws_of_the_table() -> None:
    held = {UploadState.WRITING, UploadState.CLOSING, UploadState.CANCELLING}
    for state, event in product(held, (UploadEvent.APPEND, UploadEvent.CLOSE, UploadEvent.CANCEL)):
        assert (state, event) not in TRANSITIONS, "two requests at once"
    for event in UploadEvent:
        assert (UploadState.GONE, event) not in TRANSITIONS, "what is gone stays gone"
    for state in held:
        assert TRANSITIONS[state, UploadEvent.RELEASE] is UploadState.OPEN


def test_a_chunk_that_follows_the_last_byte() -> None:
    plan = admit_chunk(3, "3-5", 3, size_limit=100)
    assert (plan.exact, plan.most) == (3, 97)


def test_a_stream_of_unknown_length() -> None:
    plan = admit_chunk(3, None, None, size_limit=100)
    assert (plan.exact, plan.most) == (None, 97)


def test_a_closing_request_without_body_places_no_chunk() -> None:
    assert admit_chunk(3, "0-0", 0, size_limit=100).exact is None


@pytest.mark.parametrize("content_range", ["0-2", "4-6", "2-5", "junk", "5-3"])
def test_out_of_order_tells_the_true_offset(content_range: str) -> None:
    with pytest.raises(UploadOutOfOrder) as caught:
        admit_chunk(3, content_range, None, size_limit=100)
    assert caught.value.offset == 3


def test_a_range_that_contradicts_the_length() -> None:
    with pytest.raises(UploadLengthWrong):
        admit_chunk(0, "0-5", 5, size_limit=100)


@pytest.mark.parametrize(("content_range", "length"), [("3-10", None), (None, 8), ("3-10", 8)])
def test_the_limit_is_on_the_whole_upload(content_range: str | None, length: int | None) -> None:
    with pytest.raises(UploadTooLarge):
        admit_chunk(3, content_range, length, size_limit=10)
    assert admit_chunk(3, content_range, length, size_limit=11)


def test_the_range_of_nothing_is_no_range() -> None:
    assert [range_header(offset) for offset in (0, 1, 2)] == ["0-0", "0-0", "0-1"]
