"""Repository names, tags and references, by the grammars of spec.md "Pulling manifests".

The value types are text that has passed its parser. The limit of 255 bytes a name is the one that spec.md warns of
(host and name together); the host is not known here, so the name alone is held to it.
"""

import re
from typing import NewType

from nscr.oci.digest import Digest, parse_digest
from nscr.oci.errors import ErrorCode, InvalidInput

RepositoryName = NewType("RepositoryName", str)
Tag = NewType("Tag", str)
Reference = Tag | Digest

MAX_NAME_LENGTH = 255

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME_GRAMMAR = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_NAME = re.compile(NAME_GRAMMAR)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


def parse_name(text: str) -> RepositoryName:
    """Validate a repository name.

    Raises:
        InvalidInput: too long or outside the grammar.
    """
    if len(text) > MAX_NAME_LENGTH:
        raise InvalidInput(ErrorCode.NAME_INVALID, f"repository name is longer than {MAX_NAME_LENGTH} characters")
    if _NAME.fullmatch(text) is None:
        raise InvalidInput(ErrorCode.NAME_INVALID, f"{text!r} is not a repository name")
    return RepositoryName(text)


def parse_tag(text: str) -> Tag:
    """Validate a tag.

    Raises:
        InvalidInput: with MANIFEST_INVALID, for the specification has no code for a tag.
    """
    if _TAG.fullmatch(text) is None:
        raise InvalidInput(ErrorCode.MANIFEST_INVALID, f"{text[:200]!r} is not a tag")
    return Tag(text)


def is_digest_reference(reference: str) -> bool:
    """A tag holds no colon, a digest always does: the two never overlap."""
    return ":" in reference


def parse_reference(text: str) -> Reference:
    return parse_digest(text) if is_digest_reference(text) else parse_tag(text)
