"""A line of numbers as one line of text. Pure."""

from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The newest `width` values as bars from 0 to their largest; None, an instant without a value, is a dot.

    From zero, not from the smallest: a steady line must look steady. A flat line of zeros stays at the bottom.
    """
    shown = values[-width:] if width > 0 else ()
    largest = max((value for value in shown if value is not None), default=0.0)
    return "".join(_GAP if value is None else _level(value, largest) for value in shown)


def _level(value: float, largest: float) -> str:
    if largest <= 0 or value <= 0:
        return _LEVELS[0]
    return _LEVELS[min(len(_LEVELS) - 1, int(value / largest * len(_LEVELS)))]
