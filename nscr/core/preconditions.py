"""Conditions of a request on what is there now (RFC 9110 section 13), by entity tag.

An entity tag is a digest in quotes: the same bytes under another name never pass for one another. If-Match compares
strongly, so a weak tag never satisfies it; If-None-Match compares weakly. What a condition is asked of is the caller's
business: one digest for a read, each named tag for a manifest push.
"""

import re
from dataclasses import dataclass

from nscr.oci.errors import ErrorCode, InvalidInput

_ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_ENTITY_TAG}(?:[ \t]*,[ \t,]*{_ENTITY_TAG})*[ \t,]*")


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The value of one header: `*` (any), or tags without their quotes."""

    is_any: bool
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


def parse_entity_tags(header: str, text: str) -> EntityTags:
    """Read an If-Match or If-None-Match.

    Raises:
        InvalidInput: neither `*` nor a list of quoted tags. To ignore it would turn a conditional write into a plain
            one.
    """
    if text.strip() == "*":
        return EntityTags(is_any=True)
    if _LIST.fullmatch(text) is None:
        raise InvalidInput(ErrorCode.UNSUPPORTED, f'{header}: {text[:200]!r} is not * or a list of quoted "digests"')
    tags = re.findall(_ENTITY_TAG, text)
    return EntityTags(
        is_any=False,
        strong=frozenset(tag[1:-1] for tag in tags if not tag.startswith("W/")),
        weak=frozenset(tag[3:-1] for tag in tags if tag.startswith("W/")),
    )


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What a request asks to be so before anything is done."""

    if_match: EntityTags | None = None
    if_none_match: EntityTags | None = None

    def is_matched_by(self, current: str | None) -> bool:
        """Whether If-Match holds for what is there now; nothing there matches nothing."""
        if self.if_match is None:
            return True
        return current is not None and (self.if_match.is_any or current in self.if_match.strong)

    def is_news_to(self, current: str | None) -> bool:
        """Whether If-None-Match holds: the client does not have what is there now."""
        if self.if_none_match is None or current is None:
            return True
        return not (self.if_none_match.is_any or current in self.if_none_match.strong | self.if_none_match.weak)

    def admit(self, current: str | None) -> bool:
        """Whether a write may go on."""
        return self.is_matched_by(current) and self.is_news_to(current)


UNCONDITIONAL = Preconditions()


def parse_preconditions(if_match: str | None, if_none_match: str | None) -> Preconditions:
    """Read both headers, each of which may be absent. Raises as `parse_entity_tags`."""
    return Preconditions(
        None if if_match is None else parse_entity_tags("If-Match", if_match),
        None if if_none_match is None else parse_entity_tags("If-None-Match", if_none_match),
    )
