"""A line of numbers as one line of text. Pure."""

from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def sparkline(values: Sequence[float | None], width: int, *, bottom: float = 0.0) -> str:
    """The newest `width` values as bars from `bottom` to their largest; None, an instant without a value, is a dot.

    From zero unless told otherwise: a rate that wavers a little must not look as if it fell to nothing.
    """
    shown = values[-width:] if width > 0 else ()
    top = max((value for value in shown if value is not None), default=bottom)
    return "".join(_GAP if value is None else _level(value, bottom, top) for value in shown)


def _level(value: float, bottom: float, top: float) -> str:
    if top <= bottom or value <= bottom:
        return _LEVELS[0]
    return _LEVELS[min(len(_LEVELS) - 1, int((value - bottom) / (top - bottom) * len(_LEVELS)))]
