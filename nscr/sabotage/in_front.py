"""A seam of which something else does a few methods: a sabotage names what it changes and repeats nothing else."""

from typing import TypeVar, cast

Seam = TypeVar("Seam")


class _InFront:
    def __init__(self, seam: object, changed: object, names: frozenset[str]) -> None:
        self._seam = seam
        self._changed = changed
        self._names = names

    def __getattr__(self, name: str) -> object:
        return getattr(self._changed if name in self._names else self._seam, name)


def in_front_of(seam: Seam, changed: object) -> Seam:
    """The seam, but for the public methods of `changed`, which take the place of those of the same name.

    Raises:
        TypeError: the seam has no such method, so that it would never be called.
    """
    names = frozenset(name for name in dir(changed) if not name.startswith("_"))
    unknown = sorted(name for name in names if not hasattr(seam, name))
    if unknown:
        raise TypeError(f"{type(changed).__name__} changes what {type(seam).__name__} lacks: {', '.join(unknown)}")
    return cast(Seam, _InFront(seam, changed, names))
