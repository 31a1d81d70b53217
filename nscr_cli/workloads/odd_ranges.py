"""Ranges of a blob as clients ask for them, sound and not; each says which bytes are the right answer."""

from collections.abc import Callable
from random import Random

from nscr_cli.generators import invocations
from nscr_cli.history.invocation import Content, Invocation

_MALFORMED = ("bytes=9-2", "bytes=a-b", "bytes=-", "bytes", "items=0-5", "bytes=0x1-0x2")
_MOST_LISTED = 4096  # bytes of one of several parts: they are kept to be told apart


def _plain(repository: str, content: Content, chance: Random) -> Invocation:
    if not content.size:
        return _unsatisfiable(repository, content, chance)
    first = chance.randrange(content.size)
    last = min(content.size - 1, first + chance.choice((0, 1, chance.randrange(content.size))))
    return invocations.get_ranges(repository, content, f"bytes={first}-{last}", [(first, last)])


def _suffix(repository: str, content: Content, chance: Random) -> Invocation:
    length = chance.choice((1, max(1, content.size - 1), content.size + 1, chance.randint(1, content.size + 1)))
    spans = [(max(0, content.size - length), content.size - 1)] if content.size else []
    return invocations.get_ranges(repository, content, f"bytes=-{length}", spans)


def _open(repository: str, content: Content, chance: Random) -> Invocation:
    if not content.size:
        return _unsatisfiable(repository, content, chance)
    first = chance.choice((0, content.size - 1, chance.randrange(content.size)))
    return invocations.get_ranges(repository, content, f"bytes={first}-", [(first, content.size - 1)])


def _clamped(repository: str, content: Content, chance: Random) -> Invocation:
    """An end beyond the end of the blob."""
    if not content.size:
        return _unsatisfiable(repository, content, chance)
    first = chance.randrange(content.size)
    last = content.size + chance.choice((0, 1, 2**31, 2**40))
    return invocations.get_ranges(repository, content, f"bytes={first}-{last}", [(first, content.size - 1)])


def _unsatisfiable(repository: str, content: Content, chance: Random) -> Invocation:
    """It begins where the blob ends, or later; or is the last zero bytes."""
    first = content.size + chance.choice((0, 0, 1, 2**31))
    text = chance.choice((f"bytes={first}-{first + chance.randint(0, 9)}", f"bytes={first}-", "bytes=-0"))
    return invocations.get_ranges(repository, content, text)


def _several(repository: str, content: Content, chance: Random) -> Invocation:
    """Two or three parts, ascending and apart from each other; sometimes one more that is not there."""
    if content.size < 8:
        return _plain(repository, content, chance)
    ends = sorted(chance.sample(range(content.size), chance.choice((4, 6))))
    spans = [(first, min(last, first + _MOST_LISTED - 1)) for first, last in zip(ends[::2], ends[1::2], strict=True)]
    specs = [f"{first}-{last}" for first, last in spans]
    if chance.random() < 0.25:
        specs.append(f"{content.size}-{content.size + 5}")
    return invocations.get_ranges(repository, content, f"bytes={','.join(specs)}", spans, is_single=False)


def _malformed(repository: str, content: Content, chance: Random) -> Invocation:
    return invocations.get_ranges(repository, content, chance.choice(_MALFORMED))


KINDS: tuple[Callable[[str, Content, Random], Invocation], ...] = (
    _plain,  # twice: what most clients ask for
    _plain,
    _suffix,
    _open,
    _clamped,
    _unsatisfiable,
    _several,
    _malformed,
)
