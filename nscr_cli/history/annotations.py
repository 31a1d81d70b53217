"""Annotations of a manifest as one short word, by which those that were written and those that are listed compare."""

import hashlib
from collections.abc import Mapping

import msgspec

NONE = ""
_LENGTH = 16


def annotations_word(annotations: Mapping[str, str] | None) -> str:
    """The same for the same annotations, in whatever order; NONE for none."""
    if not annotations:
        return NONE
    return hashlib.sha256(msgspec.json.encode(annotations, order="sorted")).hexdigest()[:_LENGTH]
