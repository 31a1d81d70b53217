"""The orders that lists of names may have: spec.md#listing-tags takes byte order, and order without regard to case.

What comes after what is certain only where both orders say so.
"""

from collections.abc import Sequence


def is_unsorted(names: Sequence[str]) -> bool:
    """In neither of the two orders."""
    caseless = [name.casefold() for name in names]
    return list(names) != sorted(names) and caseless != sorted(caseless)


def has_duplicates(names: Sequence[str]) -> bool:
    """A name is there twice."""
    return len(set(names)) < len(names)


def is_after(name: str, last: str | None) -> bool:
    """It comes after `last` in either order; everything comes after None."""
    return last is None or (name > last and name.casefold() > last.casefold())


def is_not_after(name: str, last: str | None) -> bool:
    """It is `last`, or comes before it in either order."""
    return last is not None and (name == last or is_after(last, name))
