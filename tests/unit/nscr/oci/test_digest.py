import hashlib

import pytest

from nscr.oci.digest import Algorithm, algorithm_of, digest_of, finish, hex_of, new_hash, parse_digest
from nscr.oci.errors import ErrorCode, InvalidInput


@pytest.mark.parametrize("algorithm", Algorithm)
def test_digest_of_agrees_with_hashlib(algorithm: Algorithm) -> None:
    digest = digest_of(b"content", algorithm)
    assert digest == f"{algorithm.value}:{hashlib.new(algorithm.value, b'content').hexdigest()}"
    assert parse_digest(digest) == digest
    assert algorithm_of(digest) is algorithm
    assert digest == f"{algorithm.value}:{hex_of(digest)}"


@pytest.mark.parametrize("algorithm", Algorithm)
def test_incremental_hash_gives_the_digest_of_the_whole(algorithm: Algorithm) -> None:
    state = new_hash(algorithm)
    for piece in (b"con", b"", b"tent"):
        state.update(piece)
    assert finish(algorithm, state) == digest_of(b"content", algorithm)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha512:" + "a" * 64,
        "md5:" + "a" * 32,
        "SHA256:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha256:../../" + "a" * 58,
        "٣" * 70,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_digest(text)
    assert caught.value.code is ErrorCode.DIGEST_INVALID
