"""Keys, content that follows from a seed, and redaction."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.generators.invocations import part_of
from nscr_cli.history.invocation import CHUNK, Content
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.redaction import redacted, without_query

NAMES = st.from_regex(r"[a-z0-9]+(/[a-z0-9]+){0,3}", fullmatch=True)


@given(NAMES, st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", fullmatch=True))
def test_a_tag_key_tells_repository_and_tag(repository: str, tag: str) -> None:
    key = tag_key(repository, tag)
    assert (repository_of(key), tag_of(key), digest_of(key)) == (repository, tag, None)


@given(NAMES, st.from_regex(r"sha(256|512):[0-9a-f]{64}", fullmatch=True))
def test_a_digest_key_tells_repository_and_digest(repository: str, digest: str) -> None:
    key = digest_key(repository, digest)
    assert (repository_of(key), tag_of(key), digest_of(key)) == (repository, None, digest)


def test_a_repository_alone_is_neither_tag_nor_digest() -> None:
    assert (repository_of("r/one"), tag_of("r/one"), digest_of("r/one")) == ("r/one", None, None)


@pytest.mark.parametrize(
    "size", [0, 1, 63, 64, 65, 1000, CHUNK - 1, CHUNK, CHUNK + 63, CHUNK + 64, CHUNK + 65, 3 * CHUNK]
)
def test_content_has_its_size_and_digest(size: int) -> None:
    content = Content.seeded("seed", size)
    data = b"".join(content.chunks())
    assert len(data) == content.size == size
    assert content.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert max((len(chunk) for chunk in content.chunks()), default=0) <= CHUNK


def test_content_is_named_by_the_algorithm_that_is_asked_for() -> None:
    content = Content.seeded("seed", 1000, algorithm="sha512")
    data = b"".join(content.chunks())
    assert data == b"".join(Content.seeded("seed", 1000).chunks())
    assert content.digest == f"sha512:{hashlib.sha512(data).hexdigest()}"
    assert part_of(content, 3, 9).digest == f"sha512:{hashlib.sha512(data[3:9]).hexdigest()}"


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000))
def test_a_part_of_content_is_a_slice_of_the_whole(size: int, start: int, end: int) -> None:
    content = Content.seeded("seed", size)
    assert b"".join(content.chunks(start, end)) == b"".join(content.chunks())[start:end]


def test_content_follows_from_its_seed_alone() -> None:
    assert Content.seeded("a", 100).digest == Content.seeded("a", 100).digest
    assert Content.seeded("a", 100).digest != Content.seeded("b", 100).digest
    assert Content.of_bytes(b"abc").digest == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("Bearer eyJhbGciOi.J9.x-y", "Bearer [redacted]"),
        ("https://user:pass@host/v2/", "https://host/v2/"),
        ("GET http://host/blob?X-Amz-Signature=abc&x=1 failed", "GET http://host/blob?[redacted] failed"),
        ("/v2/x/blobs/uploads/1?_state=abc", "/v2/x/blobs/uploads/1?_state=[redacted]"),
        ("my hunter2 is out", "my [redacted] is out"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_taken_out(text: str, expected: str) -> None:
    assert redacted(text, ["hunter2", ""]) == expected


def test_the_longest_secret_goes_first() -> None:
    assert redacted("abcdef", ["abc", "abcdef"]) == "[redacted]"


def test_a_location_loses_its_query() -> None:
    assert without_query("https://u:p@host/v2/x?_state=s#f") == "https://host/v2/x"
