"""Steps of one upload by several clients: what is sent where, and that nobody learns where it goes on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from nscr_cli.generators import invocations
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import Kind

if TYPE_CHECKING:
    from tests.unit.nscr_cli.client.conftest import PerformedInTurn

Play = Callable[..., "PerformedInTurn"]

BLOB = Content.seeded("steps", 100)
QUERY = BLOB.digest.replace(":", "%3A")
START = invocations.start_upload("a/b", BLOB, "u")
ASK = invocations.get_upload("a/b", BLOB, "u")
FINISH = invocations.finish_upload("a/b", BLOB, "u")


def at(state: int, status: str = "202 Accepted", end: int | None = None) -> str:
    told = f"\r\nRange: 0-{end}" if end is not None else ""
    return f"{status}\r\nLocation: /v2/a/b/blobs/uploads/1?_state=s3cr3t{state}{told}"


def chunk(first: int, end: int) -> msgspec.Struct:
    return invocations.patch_upload("a/b", BLOB, "u", invocations.part_of(BLOB, first, end), (first, end - 1))


def test_each_step_goes_where_the_one_before_it_was_told_whoever_did_it(play_in_turn: Play) -> None:
    last = invocations.finish_upload("a/b", BLOB, "u", 60)
    done = play_in_turn(
        [START, chunk(0, 60), ASK, last],
        at(0), at(1, end=59), at(2, "204 No Content", 59), f"201 Created\r\nDocker-Content-Digest: {BLOB.digest}",
    )  # fmt: skip
    assert done.lines == [
        "POST /v2/a/b/blobs/uploads/",
        "PATCH /v2/a/b/blobs/uploads/1?_state=s3cr3t0",
        "GET /v2/a/b/blobs/uploads/1?_state=s3cr3t1",
        f"PUT /v2/a/b/blobs/uploads/1?_state=s3cr3t2&digest={QUERY}",
    ]
    assert [one.kind for one in done.completions] == [Kind.OK] * 4
    assert [one.answered.stored_offsets for one in done.completions] == [(), (60,), (60,), ()]
    assert b"".join(seen.body for seen in done.seen) == b"".join(BLOB.chunks())
    assert [seen.headers.get("Content-Range") for seen in done.seen] == [None, "0-59", None, "60-99"]
    assert b"s3cr3t" not in msgspec.json.encode([one.answered for one in done.completions])


def test_a_step_through_another_repository_leads_nowhere(play_in_turn: Play) -> None:
    steps = [START, invocations.through("c/d", ASK), invocations.through("c/d", chunk(0, 60)), FINISH]
    elsewhere = "202 Accepted\r\nLocation: /v2/c/d/blobs/uploads/2\r\nRange: 0-59"
    done = play_in_turn(steps, at(0), "404 Not Found", elsewhere, "201 Created")
    assert done.lines == [
        "POST /v2/a/b/blobs/uploads/",
        "GET /v2/c/d/blobs/uploads/1?_state=s3cr3t0",
        "PATCH /v2/c/d/blobs/uploads/1?_state=s3cr3t0",
        f"PUT /v2/a/b/blobs/uploads/1?_state=s3cr3t0&digest={QUERY}",
    ]
    assert [one.answered.present for one in done.completions] == [None, False, None, None]


def test_a_location_that_names_no_repository_cannot_be_moved_to_another_one(play_in_turn: Play) -> None:
    done = play_in_turn([START, invocations.through("c/d", FINISH)], "202 Accepted\r\nLocation: /uploads/1")
    assert done.completions[1].error == "where upload u goes on names no repository"
    assert len(done.lines) == 1


def test_a_refused_chunk_changes_nothing_of_where_it_goes_on(play_in_turn: Play) -> None:
    done = play_in_turn(
        [START, chunk(5, 9), ASK], at(0), at(9, "416 Range Not Satisfiable"), at(1, "204 No Content", 0)
    )
    assert done.lines[-1] == "GET /v2/a/b/blobs/uploads/1?_state=s3cr3t0"
    assert [one.kind for one in done.completions] == [Kind.OK, Kind.FAIL, Kind.OK]
    assert done.completions[1].answered.stored_offsets == ()


def test_what_a_chunk_says_and_what_it_is_may_differ(play_in_turn: Play) -> None:
    odd = invocations.patch_upload("a/b", BLOB, "u", invocations.part_of(BLOB, 0, 3), (0, 9))
    empty = invocations.patch_upload("a/b", BLOB, "u", invocations.part_of(BLOB, 3, 3), None)
    done = play_in_turn([START, odd, empty], at(0), "400 Bad Request", at(1, end=0))
    assert [(seen.headers.get("Content-Range"), len(seen.body)) for seen in done.seen] == [
        (None, 0),
        ("0-9", 3),
        (None, 0),
    ]


def test_nothing_is_sent_where_nobody_was_told_where(play_in_turn: Play) -> None:
    done = play_in_turn([START, FINISH], "202 Accepted")
    assert [one.kind for one in done.completions] == [Kind.FAIL, Kind.FAIL]
    assert [one.error for one in done.completions] == ["202 without Location", "nobody was told where upload u goes on"]
    assert len(done.lines) == 1


def test_credentials_and_bytes_go_to_no_other_origin(play_in_turn: Play) -> None:
    done = play_in_turn([START, ASK], "202 Accepted\r\nLocation: http://elsewhere/x")
    assert done.completions[0].error == "202 with a Location on another origin"
    assert len(done.lines) == 1


@pytest.mark.parametrize(("said", "least"), [("4096", 4096), ("soon", None)])
def test_the_least_chunk_is_noted(play_in_turn: Play, said: str, least: int | None) -> None:
    done = play_in_turn([START], f"{at(0)}\r\nOCI-Chunk-Min-Length: {said}")
    assert done.completions[0].answered.least_chunk == least


def test_an_upload_is_cancelled_and_used_all_the_same(play_in_turn: Play) -> None:
    cancel = invocations.cancel_upload("a/b", BLOB, "u")
    done = play_in_turn([START, cancel, ASK, FINISH], at(0), "204 No Content", "404 Not Found", None)
    assert done.lines[1] == "DELETE /v2/a/b/blobs/uploads/1?_state=s3cr3t0"
    assert [one.kind for one in done.completions] == [Kind.OK, Kind.OK, Kind.OK, Kind.INFO]
    assert done.completions[2].answered.present is False
