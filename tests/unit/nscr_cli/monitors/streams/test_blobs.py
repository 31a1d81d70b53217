"""Blobs that come and go, page by page, on registries that know pages and on those that do not."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from nscr_cli.monitors.rules import Answer
from nscr_cli.monitors.streams.blob_listing import BlobListing
from nscr_cli.monitors.streams.blobs import BlobsFollower
from nscr_cli.monitors.streams.report import Report

Followed = Callable[..., tuple[list[Report], list[list[str]]]]


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def listing(
    numbers: Iterable[int], path: str = "", *, most: int | None = None, is_deaf: bool = False
) -> dict[str, Any]:
    """What a registry with these blobs answers; a deaf one ignores limit and after."""
    held = sorted(map(digest, numbers))
    query = parse_qs(urlsplit(path).query) if not is_deaf else {}
    after = query.get("after", [""])[0]
    limit = min(int(query["limit"][0]) if "limit" in query else len(held), most or 10**9)
    shown = [each for each in held if each > after][:limit]
    blobs = [{"digest": each, "size": 10, "created": 1} for each in shown]
    return {"totalBlobs": len(held), "blobs": blobs, "timestamp": 1}


def changes(report: Report) -> tuple[set[str], set[str]]:
    """Digests that were created and deleted."""
    created = {str(each.facts["digest"]) for each in report.happenings if each.event == "created"}
    return created, {str(each.facts["digest"]) for each in report.happenings if each.event == "deleted"}


def follower(page: int = 4, most: int = 1000) -> BlobsFollower:
    return BlobsFollower(BlobListing(page=page, most=most))


def test_what_is_there_at_first_was_not_created(followed: Followed) -> None:
    (first, second), _ = followed(follower(), [lambda path: listing(range(10), path)] * 2)
    assert changes(first) == changes(second) == (set(), set())
    assert (first.figures["blobs"], first.figures["listed"], first.figures["complete"]) == (10, 10, True)


@pytest.mark.parametrize("server", [{}, {"most": 3}, {"is_deaf": True}])
@pytest.mark.parametrize("seed", range(5))
def test_every_change_is_seen_whatever_the_pages(followed: Followed, seed: int, server: dict[str, Any]) -> None:
    chance = random.Random(seed)
    held = [set(chance.sample(range(60), chance.randint(0, 40))) for _ in range(12)]
    reports, _ = followed(follower(), [lambda path, now=now: listing(now, path, **server) for now in held])
    for before, now, report in zip(held, held[1:], reports[1:], strict=False):
        assert changes(report) == ({digest(n) for n in now - before}, {digest(n) for n in before - now})
        assert report.figures["listed"] == len(now)


def test_a_registry_with_another_order_is_asked_for_everything(followed: Followed) -> None:
    def newest_first(held: list[int]) -> Callable[[str], dict[str, Any]]:
        def answer(path: str) -> dict[str, Any]:
            document = listing(held)
            document["blobs"].reverse()
            limit = parse_qs(urlsplit(path).query).get("limit")
            document["blobs"] = document["blobs"][: int(limit[0])] if limit else document["blobs"]
            return document

        return answer

    (_, second), asked = followed(follower(), [newest_first([*range(9)]), newest_first([*range(2, 12)])])
    assert changes(second) == ({digest(n) for n in (9, 10, 11)}, {digest(n) for n in (0, 1)})
    assert asked[1] == ["/api/registry/blobs"]


def test_an_unchanged_registry_is_asked_for_the_same_pages_again(followed: Followed) -> None:
    _, asked = followed(follower(), [lambda path: listing(range(10), path)] * 2)
    assert asked[0] == asked[1]
    assert len(asked[0]) == 3


def test_a_reading_that_breaks_off_deletes_nothing(followed: Followed) -> None:
    def breaking(path: str) -> Any:
        return listing(range(10), path) if "after" not in path else None

    whole = lambda path: listing(range(10), path)  # noqa: E731
    (_, broken, after), _ = followed(follower(), [whole, breaking, lambda path: listing(range(9), path)])
    assert changes(broken) == (set(), set())
    assert (broken.is_answered, broken.figures["complete"], broken.figures["listed"]) == (True, False, None)
    assert [(notice.rule, notice.recovered) for notice in broken.notices] == [("not-answering", False)]
    assert changes(after) == (set(), {digest(9)})
    assert [(notice.rule, notice.recovered) for notice in after.notices] == [("not-answering", True)]


@pytest.mark.parametrize(("said", "rule"), [(None, "not-answering"), (500, "server-error"), ({"no": 1}, "malformed")])
def test_what_is_no_list_is_an_alert_until_it_is_one(followed: Followed, said: Any, rule: str) -> None:
    whole = lambda path: listing(range(3), path)  # noqa: E731
    reports, _ = followed(follower(), [whole, lambda _: said, lambda _: said, whole])
    told = [[(notice.rule, notice.recovered) for notice in report.notices] for report in reports]
    assert told == [[], [(rule, False)], [], [(rule, True)]]
    assert changes(reports[3]) == (set(), set())


def test_more_listed_than_counted_is_a_contradiction(followed: Followed) -> None:
    def boasting(path: str) -> dict[str, Any]:
        return {**listing(range(3), path), "totalBlobs": 2}

    (report,), _ = followed(follower(), [boasting])
    assert [notice.rule for notice in report.notices] == ["contradiction"]


def test_too_many_are_only_counted_and_few_again_are_told_apart(followed: Followed) -> None:
    few, many = (lambda path: listing(range(5), path)), (lambda path: listing(range(30), path))
    reports, asked = followed(follower(most=20), [few, many, many, few, lambda path: listing(range(6), path)])
    assert [report.figures["listed"] for report in reports] == [5, None, None, 5, 6]
    assert [report.figures["blobs"] for report in reports] == [5, 30, 30, 5, 6]
    assert [changes(report) for report in reports[:4]] == [(set(), set())] * 4
    assert changes(reports[4]) == ({digest(5)}, set())
    assert asked[2] == ["/api/registry/blobs?limit=1"]
    assert not any(report.notices for report in reports)


def test_hostile_digests_are_told_as_text(followed: Followed) -> None:
    held = {"totalBlobs": 1, "blobs": [{"digest": "\x1b[2Jsha256:x", "size": 1, "created": 1}], "timestamp": 1}
    (_, report), _ = followed(follower(), [lambda path: listing([], path), lambda _: held])
    assert "\x1b" not in report.happenings[0].text
    assert json.loads(json.dumps(report.happenings[0].facts))["digest"] == "\x1b[2Jsha256:x"


def test_bodies_are_let_go() -> None:
    view = follower()
    for path in view.wanted():
        view.take(Answer(endpoint=path, latency_ms=1, status=200, body=json.dumps(listing(range(2), path)).encode()))
    assert not any(answer.body for answer in view._gathered.answers)
