"""Digests: `algorithm:hex`, as image-spec descriptor.md#digests defines them.

A `Digest` is text that has passed `parse_digest`; nothing else may be cast to it, so a digest can be put into a
path or a query without another look. sha256 and sha512 are the registered algorithms.
"""

import hashlib
import re
from enum import StrEnum
from typing import NewType, Protocol

from nscr.oci.errors import ErrorCode, InvalidInput

Digest = NewType("Digest", str)


class Algorithm(StrEnum):
    SHA256 = "sha256"
    SHA512 = "sha512"


class Hash(Protocol):
    """What is used of a hashlib object."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


_HEX_LENGTH = {Algorithm.SHA256: 64, Algorithm.SHA512: 128}
_GRAMMAR = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)")
_HEX = re.compile(r"[a-f0-9]+")


def parse_digest(text: str) -> Digest:
    """Validate a digest of a registered algorithm.

    Raises:
        InvalidInput: not a digest, an algorithm that is not registered, or a wrong length.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise InvalidInput(ErrorCode.DIGEST_INVALID, f"{text[:200]!r} is not a digest (algorithm:hex)")
    algorithm, encoded = match.groups()
    if len(encoded) != _HEX_LENGTH[parse_algorithm(algorithm)] or _HEX.fullmatch(encoded) is None:
        raise InvalidInput(ErrorCode.DIGEST_INVALID, f"{text[:200]!r} does not hold the hex of a {algorithm} digest")
    return Digest(text)


def parse_algorithm(text: str) -> Algorithm:
    """A registered algorithm by its name.

    Raises:
        InvalidInput: no such algorithm.
    """
    if text not in _HEX_LENGTH:
        raise InvalidInput(ErrorCode.DIGEST_INVALID, f"digest algorithm {text[:40]!r} is not sha256 or sha512")
    return Algorithm(text)


def algorithm_of(digest: Digest) -> Algorithm:
    return Algorithm(digest.partition(":")[0])


def hex_of(digest: Digest) -> str:
    return digest.partition(":")[2]


def new_hash(algorithm: Algorithm) -> Hash:
    """An incremental hash; `finish` turns it into a digest."""
    return hashlib.new(algorithm.value)


def finish(algorithm: Algorithm, state: Hash) -> Digest:
    return Digest(f"{algorithm.value}:{state.hexdigest()}")


def digest_of(data: bytes, algorithm: Algorithm = Algorithm.SHA256) -> Digest:
    state = new_hash(algorithm)
    state.update(data)
    return finish(algorithm, state)
