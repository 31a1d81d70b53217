"""Operations against scripted registries: what is sent, and which answer decides."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from nscr_cli.client.pushes import chunk_bounds
from nscr_cli.client.target import parse_target
from nscr_cli.generators.invocations import (
    get_ranges,
    list_catalog,
    list_odd_page,
    list_page,
    list_tags,
    negotiate,
    push_out_of_order,
    read_malformed,
    read_on_condition,
)
from nscr_cli.history.annotations import annotations_word
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_key, tag_key
from nscr_cli.history.ops import Asked, ErrorForm, F, Kind, PushStyle, Reference, Referrer

if TYPE_CHECKING:
    from tests.unit.nscr_cli.client.conftest import Performed

Play = Callable[..., "Performed"]

CONTENT = Content.seeded("operations", 1000)
QUERY = CONTENT.digest.replace(":", "%3A")
MANIFEST = Content.of_bytes(json.dumps({"layers": [{"digest": "sha256:l", "size": 3}]}).encode())
STARTED = "202 Accepted\r\nLocation: /v2/a/b/blobs/uploads/1?s=1"
CREATED = f"201 Created\r\nDocker-Content-Digest: {CONTENT.digest}\r\nLocation: /v2/a/b/blobs/x?sig=secret"


def push(style: PushStyle, content: Content = CONTENT) -> Invocation:
    asked = Asked(digest=content.digest, size=content.size, style=style)
    return Invocation(f=F.PUSH_BLOB, key=digest_key("a/b", content.digest), asked=asked, content=content)


def read(f: F, key: str, **asked: object) -> Invocation:
    return Invocation(f=f, key=key, asked=Asked(**asked))


def test_single_post(play: Play) -> None:
    done = play(push(PushStyle.SINGLE_POST), CREATED)
    assert done.lines == [f"POST /v2/a/b/blobs/uploads/?digest={QUERY}"]
    assert done.seen[0].body == b"".join(CONTENT.chunks())
    assert done.seen[0].headers == {
        "Host": "registry.test:5000",
        "User-Agent": done.seen[0].headers["User-Agent"],
        "Authorization": "Basic YW5uOnMzY3JldA==",
        "X-Request-Id": "r-7.1",
        "Content-Type": "application/octet-stream",
        "Content-Length": "1000",
    }
    answered = done.completion.answered
    assert (done.completion.kind, answered.status, answered.header_digest) == (Kind.OK, 201, CONTENT.digest)
    assert (answered.location, answered.request_id, answered.exchanges) == ("/v2/a/b/blobs/x", "r-7.1", 1)


def test_single_post_that_only_opens_a_session_goes_on_with_put(play: Play) -> None:
    done = play(push(PushStyle.SINGLE_POST), STARTED, CREATED)
    assert done.lines[1] == f"PUT /v2/a/b/blobs/uploads/1?s=1&digest={QUERY}"
    assert done.seen[1].body == b"".join(CONTENT.chunks())
    assert (done.completion.kind, done.completion.answered.exchanges) == (Kind.OK, 2)


def test_post_put(play: Play) -> None:
    done = play(push(PushStyle.POST_PUT), STARTED, CREATED)
    assert done.lines == ["POST /v2/a/b/blobs/uploads/", f"PUT /v2/a/b/blobs/uploads/1?s=1&digest={QUERY}"]
    assert done.seen[0].headers["Content-Length"] == "0"
    assert done.seen[1].body == b"".join(CONTENT.chunks())
    assert done.completion.kind is Kind.OK


def test_chunked_patch_follows_each_location(play: Play) -> None:
    answers = [f"202 Accepted\r\nLocation: /u/{n}\r\nRange: 0-{end - 1}" for n, end in ((2, 334), (3, 668), (4, 999))]
    status = "204 No Content\r\nLocation: /u/5\r\nRange: 0-999"
    done = play(push(PushStyle.CHUNKED_PATCH), STARTED, *answers, status, CREATED)
    assert done.lines[1:] == [
        "PATCH /v2/a/b/blobs/uploads/1?s=1", "PATCH /u/2", "PATCH /u/3", "GET /u/4",
        f"PUT /u/5?digest={QUERY}",
    ]  # fmt: skip
    assert [seen.headers.get("Content-Range") for seen in done.seen[1:4]] == ["0-333", "334-667", "668-999"]
    assert b"".join(seen.body for seen in done.seen) == b"".join(CONTENT.chunks())
    assert done.completion.answered.sent_offsets == (334, 668, 1000, 1000)
    assert done.completion.answered.stored_offsets == (334, 668, 999, 1000)
    assert [seen.headers["X-Request-Id"] for seen in done.seen] == [f"r-7.{n}" for n in range(1, 7)]


def test_a_chunk_out_of_order_is_sent_once_and_the_upload_goes_on(play: Play) -> None:
    accepted = [f"202 Accepted\r\nLocation: /u/{n}\r\nRange: 0-{end - 1}" for n, end in ((2, 334), (3, 668), (4, 1000))]
    before, after = ("204 No Content\r\nRange: 0-333", "204 No Content\r\nRange: 0-999")
    refused = "416 Range Not Satisfiable\r\nContent-Length: 0"
    done = play(push_out_of_order("a/b", CONTENT), STARTED, accepted[0], refused, before, *accepted[1:], after, CREATED)
    ranges = [seen.headers["Content-Range"] for seen in done.seen if "Content-Range" in seen.headers]
    assert ranges == ["0-333", "335-667", "334-667", "668-999"]
    assert done.completion.kind is Kind.OK
    assert done.completion.answered.out_of_order_status == 416
    assert done.completion.answered.sent_offsets == (334, 334, 668, 1000, 1000)


def test_an_upload_that_took_a_chunk_out_of_order_is_given_up(play: Play) -> None:
    accepted = [f"202 Accepted\r\nLocation: /u/{n}\r\nRange: 0-{end}" for n, end in ((2, 333), (3, 666))]
    done = play(push_out_of_order("a/b", CONTENT), STARTED, *accepted, "204 No Content\r\nContent-Length: 0")
    assert done.lines[-1] == "DELETE /u/3"
    assert (done.completion.kind, done.completion.error) == (Kind.FAIL, "202 to a chunk out of order")
    assert done.completion.answered.out_of_order_status == 202


def test_streamed_patch(play: Play) -> None:
    done = play(push(PushStyle.STREAMED_PATCH), STARTED, "202 Accepted\r\nLocation: /u/2", CREATED)
    assert done.seen[1].headers["Transfer-Encoding"] == "chunked"
    assert "Content-Range" not in done.seen[1].headers
    assert done.completion.kind is Kind.OK
    assert (done.completion.answered.sent_offsets, done.completion.answered.stored_offsets) == ((1000,), (-1,))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 1000])
@pytest.mark.parametrize("least", [0, 1, 400, 5000])
def test_chunks_cover_everything_once(size: int, least: int) -> None:
    bounds = list(chunk_bounds(size, least))
    assert [first for first, _ in bounds[:1]] == [0][:size]
    assert all(end == first for (_, end), (first, _) in pairwise(bounds))
    assert sum(end - first for first, end in bounds) == size
    assert all(end - first >= min(least, size) for first, end in bounds[:-1])
    assert size < 2 or least or len(bounds) >= 2


@pytest.mark.parametrize("style", PushStyle)
def test_a_closing_request_without_an_answer_is_info(play: Play, style: PushStyle) -> None:
    # Three chunks and the question how much is stored.
    patches = {PushStyle.CHUNKED_PATCH: 4, PushStyle.STREAMED_PATCH: 1}.get(style, 0)
    before = [] if style is PushStyle.SINGLE_POST else [STARTED]
    before += ["202 Accepted\r\nLocation: /u/2\r\nRange: 0-9"] * patches
    done = play(push(style), *before, None)
    assert done.completion.kind is Kind.INFO
    assert done.completion.error == "connection closed while waiting for the answer: the stream ended"
    assert done.completion.answered.exchanges == len(before) + 1


@pytest.mark.parametrize("style", [style for style in PushStyle if style is not PushStyle.SINGLE_POST])
def test_a_cut_before_the_closing_request_is_fail(play: Play, style: PushStyle) -> None:
    done = play(push(style), None)
    assert (done.completion.kind, done.completion.answered.status) == (Kind.FAIL, None)


def test_a_refused_chunk_fails_and_cancels_the_upload(play: Play) -> None:
    refused = ("416 Range Not Satisfiable", b'{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}')
    done = play(push(PushStyle.CHUNKED_PATCH), STARTED, refused, "204 No Content\r\nContent-Length: 0")
    assert done.lines[-1] == "DELETE /v2/a/b/blobs/uploads/1?s=1"
    assert (done.completion.kind, done.completion.error) == (Kind.FAIL, "416 BLOB_UPLOAD_INVALID")


def test_an_upload_that_vanished_is_not_cancelled(play: Play) -> None:
    done = play(push(PushStyle.STREAMED_PATCH), STARTED, "404 Not Found")
    assert len(done.lines) == 2
    assert done.completion.kind is Kind.FAIL


def test_a_server_error_on_closing_is_info(play: Play) -> None:
    done = play(push(PushStyle.POST_PUT), STARTED, "500 Internal Server Error")
    assert (done.completion.kind, done.completion.error) == (Kind.INFO, "500")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("202 Accepted", "202 without Location"),
        ("202 Accepted\r\nLocation: http://evil.example/u", "202 with a Location on another origin"),
    ],
)
def test_uploads_go_nowhere_else(play: Play, answer: str, error: str) -> None:
    done = play(push(PushStyle.POST_PUT), answer)
    assert (done.completion.kind, done.completion.error, len(done.lines)) == (Kind.FAIL, error, 1)


def test_mount(play: Play) -> None:
    mount = read(F.MOUNT_BLOB, digest_key("a/b", CONTENT.digest), source="c/d")
    done = play(mount, CREATED)
    assert done.lines == [f"POST /v2/a/b/blobs/uploads/?mount={QUERY}&from=c%2Fd"]
    assert done.completion.kind is Kind.OK
    declined = play(mount, STARTED, "204 No Content\r\nContent-Length: 0")
    assert (declined.completion.kind, declined.completion.answered.status) == (Kind.FAIL, 202)
    assert "not mounted" in (declined.completion.error or "")
    assert declined.lines[-1] == "DELETE /v2/a/b/blobs/uploads/1?s=1"


def test_every_byte_of_a_blob_is_hashed(play: Play) -> None:
    get = read(F.GET_BLOB, digest_key("a/b", CONTENT.digest), digest=CONTENT.digest)
    done = play(get, ("200 OK", b"".join(CONTENT.chunks())))
    answered = done.completion.answered
    assert (answered.digest, answered.length, answered.content_length, answered.present) == (
        CONTENT.digest, 1000, 1000, True
    )  # fmt: skip
    lying = play(get, ("200 OK", b"x" * 1000)).completion
    assert (lying.kind, lying.answered.digest == CONTENT.digest) == (Kind.OK, False)


def test_a_blob_by_sha512_is_hashed_so(play: Play) -> None:
    digest = "sha512:" + "0" * 128
    done = play(read(F.GET_BLOB, digest_key("a", digest)), ("200 OK", b""))
    assert (done.completion.answered.digest or "").startswith("sha512:cf83e1357eefb8bd")


def test_a_truncated_blob_is_no_short_blob(play: Play) -> None:
    get = read(F.GET_BLOB, digest_key("a", CONTENT.digest))
    done = play(get, ("200 OK\r\nContent-Length: 1000\r\nConnection: close", b"half"), None)
    assert done.completion.kind is Kind.FAIL
    assert done.completion.answered.digest is None
    assert (done.completion.answered.length, done.completion.answered.content_length) == (4, 1000)


def test_range(play: Play) -> None:
    get = read(F.GET_BLOB, digest_key("a", CONTENT.digest), range=(2, 5))
    done = play(get, ("206 Partial Content\r\nContent-Range: bytes 2-5/1000", b"abcd"))
    assert done.seen[0].headers["Range"] == "bytes=2-5"
    assert (done.completion.kind, done.completion.answered.status, done.completion.answered.length) == (Kind.OK, 206, 4)


def test_the_form_of_an_error_body_is_kept_where_it_is_a_refusal_and_came_whole(play: Play) -> None:
    get = read_malformed(F.GET_BLOB, digest_key("a", "sha256:zz"))
    assert get.asked.digest == "sha256:zz"
    for status, form in (("400 Bad Request", ErrorForm.OTHER_JSON), ("500 Broken", None)):
        assert play(get, (status, b'{"message":"x"}')).completion.answered.error_form is form
    cut = play(get, ("400 Bad Request\r\nContent-Length: 99", b'{"message":"x"}'), None)
    assert cut.completion.answered.error_form is None
    assert play(get, ("400 Bad Request", b"<html>")).completion.answered.error_form is ErrorForm.NOT_JSON


def test_a_range_is_sent_as_it_is_written_and_its_answer_keeps_how_it_describes_itself(play: Play) -> None:
    get = get_ranges("a", CONTENT, "bytes=-4", [(996, 999)])
    tail = b"".join(CONTENT.chunks(996))
    done = play(get, ("206 Partial Content\r\nContent-Range: bytes 996-999/1000", tail))
    assert done.seen[0].headers["Range"] == "bytes=-4"
    answered = done.completion.answered
    assert (done.completion.kind, answered.content_range, answered.parts) == (Kind.OK, "bytes 996-999/1000", ())
    assert answered.digest == get.asked.range_digest
    refused = play(get, "416 Range Not Satisfiable\r\nContent-Range: bytes */1000")
    assert (refused.completion.kind, refused.completion.answered.content_range) == (Kind.FAIL, "bytes */1000")


def test_several_parts_are_told_apart(play: Play) -> None:
    get = get_ranges("a", CONTENT, "bytes=0-1,7-9", [(0, 1), (7, 9)], is_single=False)
    body = b"".join(
        b"--x\r\nContent-Range: bytes %d-%d/1000\r\n\r\n%b\r\n"
        % (one.first, one.last, b"".join(CONTENT.chunks(one.first, one.last + 1)))
        for one in get.asked.slices
    )
    done = play(get, ("206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x", body + b"--x--"))
    assert done.completion.answered.parts == get.asked.slices
    assert get.asked.range is None


@pytest.mark.parametrize("f", [F.GET_BLOB, F.HEAD_BLOB, F.GET_MANIFEST, F.HEAD_MANIFEST])
def test_not_modified_is_an_answer_to_a_condition_and_to_nothing_else(play: Play, f: F) -> None:
    answer = '304 Not Modified\r\nETag: "e"\r\nLast-Modified: then'
    done = play(read_on_condition(f, "a", CONTENT, etag='"e"'), answer)
    assert done.seen[0].headers["If-None-Match"] == '"e"'
    answered = done.completion.answered
    assert (done.completion.kind, answered.present, answered.etag, answered.last_modified) == (
        Kind.OK, True, '"e"', "then",
    )  # fmt: skip
    dated = play(read_on_condition(f, "a", CONTENT, last_modified="then"), answer)
    assert dated.seen[0].headers["If-Modified-Since"] == "then"
    assert dated.completion.kind is Kind.OK
    assert play(read_on_condition(f, "a", CONTENT), answer).completion.kind is Kind.FAIL


@pytest.mark.parametrize("f", [F.GET_MANIFEST, F.HEAD_MANIFEST])
def test_what_is_not_there_in_one_form_may_be_there_in_another(play: Play, f: F) -> None:
    done = play(negotiate(f, "a", "t", "text/html"), ("404 Not Found", b"{}"))
    assert done.seen[0].headers["Accept"] == "text/html"
    completion = done.completion
    assert (completion.kind, completion.answered.present, completion.error) == (Kind.FAIL, None, "404")
    assert "Accept" not in play(negotiate(f, "a", CONTENT.digest, ""), "200 OK").seen[0].headers


def test_absence_is_an_observation(play: Play) -> None:
    for f, key in ((F.GET_BLOB, digest_key("a", "sha256:0")), (F.GET_MANIFEST, tag_key("a", "t")), (F.LIST_TAGS, "a")):
        done = play(read(f, key), ("404 Not Found", b'{"errors":[{"code":"NAME_UNKNOWN"}]}'))
        answered = done.completion.answered
        assert (done.completion.kind, answered.present, answered.error_code) == (Kind.OK, False, "NAME_UNKNOWN")
        assert (done.completion.error, answered.digest) == (None, None)


@pytest.mark.parametrize("f", [F.GET_BLOB, F.HEAD_BLOB])
def test_a_redirect_is_followed_once_on_the_same_origin(play: Play, f: F) -> None:
    invocation = read(f, digest_key("a", CONTENT.digest))
    done = play(invocation, "307 Temporary Redirect\r\nLocation: /cdn/x?sig=1", "200 OK\r\nContent-Length: 0")
    assert done.lines[1].endswith("/cdn/x?sig=1")
    assert (done.completion.kind, done.completion.answered.exchanges) == (Kind.OK, 2)
    again = play(invocation, *["307 Temporary Redirect\r\nLocation: /again"] * 2)
    assert (again.completion.kind, again.completion.error) == (Kind.FAIL, "307")


def test_a_redirect_to_another_host_is_followed_without_credentials(play: Play) -> None:
    get = read(F.GET_BLOB, digest_key("a", CONTENT.digest), range=(0, 9))
    moved = "307 Temporary Redirect\r\nLocation: http://u:p@cdn.example/x?sig=secret"
    done = play(get, moved, ("200 OK", b"".join(CONTENT.chunks())))
    assert done.lines[1] == "GET /x?sig=secret"
    assert done.seen[1].headers["Host"] == "cdn.example"
    assert done.seen[1].headers["Range"] == "bytes=0-9"
    assert done.seen[1].headers["X-Request-Id"] == "r-7.2"
    assert "Authorization" in done.seen[0].headers
    assert "Authorization" not in done.seen[1].headers
    answered = done.completion.answered
    assert (done.completion.kind, answered.digest, answered.exchanges) == (Kind.OK, CONTENT.digest, 2)
    assert "secret" not in repr(done.completion)


def test_a_head_is_not_sent_to_another_host(play: Play) -> None:
    head = read(F.HEAD_BLOB, digest_key("a", CONTENT.digest))
    done = play(head, "307 Temporary Redirect\r\nLocation: http://u:p@cdn.example/x?sig=secret")
    assert len(done.seen) == 1
    assert done.completion.kind is Kind.FAIL
    error = "307, not followed: it points to http://cdn.example, away from http://registry.test:5000"
    assert done.completion.error == error


@pytest.mark.parametrize(
    "location", ["http://cdn.example/x?sig=secret", "ftp://cdn.example/x", "http://[::1/x?sig=secret"]
)
def test_a_redirect_that_leads_astray_is_not_followed(play: Play, location: str) -> None:
    target, _ = parse_target("https://registry.test")
    get = read(F.GET_BLOB, digest_key("a", CONTENT.digest))
    done = play(get, f"307 Temporary Redirect\r\nLocation: {location}", target=target)
    assert (len(done.seen), done.completion.kind) == (1, Kind.FAIL)
    assert (done.completion.error or "").startswith("307, not followed: it ")
    assert "secret" not in repr(done.completion)


def test_manifest_by_tag(play: Play) -> None:
    media_type = "application/vnd.oci.image.manifest.v1+json"
    answer = (f"200 OK\r\nContent-Type: {media_type}\r\ndocker-content-digest: d", b"".join(MANIFEST.chunks()))
    done = play(read(F.GET_MANIFEST, tag_key("a/b", "t")), answer)
    assert done.lines == ["GET /v2/a/b/manifests/t"]
    assert media_type in done.seen[0].headers["Accept"]
    answered = done.completion.answered
    assert (answered.digest, answered.header_digest, answered.media_type) == (MANIFEST.digest, "d", media_type)
    assert answered.references == (Reference("sha256:l", False, 3),)


def test_head_manifest(play: Play) -> None:
    done = play(read(F.HEAD_MANIFEST, tag_key("a", "t")), "200 OK\r\nContent-Length: 321\r\nDocker-Content-Digest: d")
    answered = done.completion.answered
    assert (answered.content_length, answered.length, answered.header_digest, answered.digest) == (321, 0, "d", None)


def test_put_and_delete_manifest(play: Play) -> None:
    put = Invocation(f=F.PUT_MANIFEST, key=tag_key("a", "t"), asked=Asked(media_type="x/y"), content=MANIFEST)
    done = play(put, "201 Created")
    assert done.lines == ["PUT /v2/a/manifests/t"]
    assert (done.seen[0].headers["Content-Type"], done.seen[0].body) == ("x/y", b"".join(MANIFEST.chunks()))
    assert done.completion.kind is Kind.OK
    assert play(put, None).completion.kind is Kind.INFO
    for f, key in ((F.DELETE_TAG, tag_key("a", "t")), (F.DELETE_MANIFEST, digest_key("a", MANIFEST.digest))):
        assert play(read(f, key), "202 Accepted").lines == [f"DELETE /v2/a/manifests/{key[2:]}"]
        assert play(read(f, key), "404 Not Found").completion.kind is Kind.FAIL
    assert play(read(F.DELETE_BLOB, digest_key("a", "sha256:0")), "202 Accepted").completion.kind is Kind.OK


def test_put_of_a_manifest_under_several_tags(play: Play) -> None:
    asked = Asked(media_type="x/y", tags=("a", "b"))
    put = Invocation(f=F.PUT_MANIFEST, key=digest_key("a/b", MANIFEST.digest), asked=asked, content=MANIFEST)
    done = play(put, "201 Created\r\nOCI-Tag: a, b")
    assert done.lines == [f"PUT /v2/a/b/manifests/{MANIFEST.digest}?tag=a&tag=b"]
    assert done.completion.answered.tags == ("a", "b")
    assert play(put, "201 Created").completion.answered.tags == ()
    assert play(put, None).completion.answered.tags is None


def test_put_of_a_manifest_with_a_subject(play: Play) -> None:
    asked = Asked(media_type="x/y", subject="sha256:0")
    put = Invocation(f=F.PUT_MANIFEST, key=tag_key("a", "t"), asked=asked, content=MANIFEST)
    assert play(put, "201 Created\r\nOCI-Subject: sha256:0").completion.answered.subject == "sha256:0"
    assert play(put, "201 Created").completion.answered.subject == ""
    assert play(put, None).completion.answered.subject is None
    bare = replace(put, asked=Asked(media_type="x/y"))
    assert play(bare, "201 Created\r\nOCI-Subject: sha256:0").completion.answered.subject is None


def test_a_list_of_tags_under_another_name(play: Play) -> None:
    lists = Invocation(f=F.LIST_TAGS, key="a/b", asked=Asked())
    page = replace(lists, f=F.LIST_PAGE)
    for invocation in (lists, page):
        other = play(invocation, ("200 OK", b'{"name":"b","tags":["t"]}')).completion.answered
        assert (other.other_name, other.tags) == ("b", ("t",))
        for right in (b'{"name":"a/b","tags":["t"]}', b'{"tags":["t"]}', b'{"name":"a/b","tags":null}'):
            assert play(invocation, ("200 OK", right)).completion.answered.other_name is None


def test_what_a_list_says_of_a_referrer(play: Play) -> None:
    asked = Invocation(f=F.LIST_REFERRERS, key="a@sha256:0", asked=Asked(digest="sha256:0"))
    entry = b'{"digest":"c","size":7,"mediaType":"m/t","annotations":{"b":"2","a":"1"}}'
    (one,) = play(asked, ("200 OK", b'{"manifests":[%s]}' % entry)).completion.answered.referrers or ()
    assert (one.size, one.media_type) == (7, "m/t")
    assert one.annotations == annotations_word({"a": "1", "b": "2"}) != annotations_word({"a": "2", "b": "1"})


def test_referrers_of_all_pages(play: Play) -> None:
    def page(*digests: str) -> bytes:
        entries = ",".join(f'{{"digest":"{digest}","artifactType":"x/sig"}}' for digest in digests)
        return f'{{"manifests":[{entries}]}}'.encode()

    asked = Invocation(f=F.LIST_REFERRERS, key="a@sha256:0", asked=Asked(digest="sha256:0", artifact_type="x/sig+json"))
    filtered = "200 OK\r\nOCI-Filters-Applied: artifactType"
    first = (f"{filtered}\r\nLink: </v2/a/referrers/sha256:0?last=d>; rel=next", page("c", "d"))
    done = play(asked, first, (filtered, page("e")))
    assert done.lines == [
        "GET /v2/a/referrers/sha256:0?artifactType=x%2Fsig%2Bjson",
        "GET /v2/a/referrers/sha256:0?last=d",
    ]
    answered = done.completion.answered
    assert answered.referrers == tuple(Referrer(digest, "x/sig", annotations="") for digest in "cde")
    assert (done.completion.kind, answered.exchanges, answered.is_filtered) == (Kind.OK, 2, True)
    assert not play(asked, first, ("200 OK", page("e"))).completion.answered.is_filtered
    assert play(asked, ("200 OK", b"[]")).completion.kind is Kind.FAIL
    assert play(asked, "404 Not Found").completion.kind is Kind.FAIL


def test_a_full_page_without_link_is_followed_by_what_comes_after_its_last_name(play: Play) -> None:
    pages = [("200 OK", b'{"tags":["a","b c"]}'), ("200 OK", b'{"tags":["d"]}')]
    done = play(list_tags("a", 2), *pages)
    assert done.lines == ["GET /v2/a/tags/list?n=2", "GET /v2/a/tags/list?n=2&last=b%20c"]
    assert (done.completion.kind, done.completion.answered.tags) == (Kind.OK, ("a", "b c", "d"))
    deaf = play(list_tags("a", 2), *[("200 OK", b'{"tags":["a","b"]}')] * 3)
    assert (deaf.completion.kind, deaf.completion.error) == (Kind.FAIL, "200 with the end of a page already read")
    assert len(play(list_tags("a", 1), *pages).seen) == 1  # longer than asked for: `n` is not heeded
    assert len(play(list_tags("a"), *pages).seen) == 1


def test_one_page_is_one_exchange(play: Play) -> None:
    answer = ("200 OK\r\nLink: <http://evil.example/>; rel=next", b'{"tags":["a","b"]}')
    done = play(list_page("a", 2, "x/y"), answer)
    assert done.lines == ["GET /v2/a/tags/list?n=2&last=x%2Fy"]
    answered = done.completion.answered
    assert (answered.tags, answered.longest_page, answered.has_next) == (("a", "b"), 2, True)
    assert play(list_odd_page("a", "n=abc", 3), ("200 OK", b"{}")).lines == ["GET /v2/a/tags/list?n=abc"]
    absent = play(list_page("a"), ("404 Not Found", b"{}")).completion
    assert (absent.kind, absent.answered.present, absent.answered.tags) == (Kind.OK, False, ())
    assert play(list_page("a"), ("200 OK", b"<html>")).completion.kind is Kind.FAIL


def test_of_the_catalog_only_our_own_names_are_kept(play: Play) -> None:
    answer = ("200 OK", b'{"repositories":["ours/a","others/b","ours/c"]}')
    done = play(list_catalog("ours/a", "ours/", 9, "ours"), answer)
    assert done.lines == ["GET /v2/_catalog?n=9&last=ours"]
    answered = done.completion.answered
    assert (answered.repositories, answered.longest_page, answered.has_next) == (("ours/a", "ours/c"), 3, False)
    assert play(list_catalog("ours/a", "ours/"), ("404 Not Found", b"")).completion.kind is Kind.FAIL


def test_tags_of_all_pages(play: Play) -> None:
    first = ('200 OK\r\nLink: </v2/a/tags/list?n=2&last=b>; rel="next"', b'{"name":"a","tags":["a","b"]}')
    done = play(read(F.LIST_TAGS, "a"), first, ("200 OK", b'{"name":"a","tags":["c"]}'))
    assert done.lines == ["GET /v2/a/tags/list", "GET /v2/a/tags/list?n=2&last=b"]
    assert (done.completion.answered.tags, done.completion.answered.exchanges) == (("a", "b", "c"), 2)
    cut = play(read(F.LIST_TAGS, "a"), first, None)
    assert (cut.completion.kind, cut.completion.answered.tags) == (Kind.FAIL, ("a", "b"))
    elsewhere = play(read(F.LIST_TAGS, "a"), ("200 OK\r\nLink: <http://evil.example/>; rel=next", b'{"tags":[]}'))
    assert elsewhere.completion.kind is Kind.FAIL
    assert len(elsewhere.seen) == 1
    assert play(read(F.LIST_TAGS, "a"), ("200 OK", b"<html>")).completion.kind is Kind.FAIL


def test_too_many_requests(play: Play) -> None:
    done = play(read(F.DELETE_TAG, tag_key("a", "t")), "429 Too Many Requests\r\nRetry-After: 7")
    assert (done.completion.kind, done.completion.answered.retry_after_s) == (Kind.FAIL, 7.0)


def test_path_prefix(play: Play) -> None:
    target, _ = parse_target("http://registry.test:5000/reg/one")
    done = play(read(F.GET_MANIFEST, tag_key("a", "t")), "404 Not Found", target=target)
    assert done.lines == ["GET /reg/one/v2/a/manifests/t"]


def test_hostile_names_stay_within_their_place(play: Play) -> None:
    done = play(read(F.GET_MANIFEST, tag_key("a b?c#d", "t/../x\r\nY: z")), "404 Not Found")
    assert done.lines == ["GET /v2/a%20b%3Fc%23d/manifests/t%2F..%2Fx%0D%0AY:%20z"]
