"""A line of numbers as text: bars in one row, or a chart of several. Pure."""

from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_FULL = _LEVELS[-1]
_GAP = "·"
_WIDEST = 12


def sparkline(values: Sequence[float | None], width: int, *, bottom: float = 0.0) -> str:
    """The newest `width` values as bars from `bottom` to their largest; None, an instant without a value, is a dot.

    From zero unless told otherwise: a rate that wavers a little must not look as if it fell to nothing.
    """
    shown = values[-width:] if width > 0 else ()
    top = max((value for value in shown if value is not None), default=bottom)
    return "".join(_GAP if value is None else _level(value, bottom, top) for value in shown)


def chart(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """The same from zero in `height` rows, the uppermost first."""
    shown = values[-width:] if width > 0 else ()
    top = max((value for value in shown if value is not None), default=0.0)
    columns = [_column(value, top, height) for value in shown]
    return ["".join(column[row] for column in columns) for row in range(height)]


def bar_width(count: int, width: int, expected: float | None = None) -> int:
    """Columns for each of so many bars, or of as many as are expected, so that a short run fills its line."""
    return max(1, min(_WIDEST, int(width // max(count, expected or 0, 1))))


def widened(bars: str, columns: int) -> str:
    """Each bar so many columns wide; where there is room, with a gap after it."""
    return "".join(bar * (columns - 1) + " " if columns > 2 else bar * columns for bar in bars)


def _column(value: float | None, top: float, height: int) -> str:
    """From its top to its bottom."""
    if value is None:
        return _GAP.rjust(height)
    eighths = max(1, round(value / top * height * len(_LEVELS))) if top > 0 else 1
    full, rest = divmod(eighths, len(_LEVELS))
    part = _LEVELS[rest - 1] if rest else ""
    return (part + _FULL * full).rjust(height)


def _level(value: float, bottom: float, top: float) -> str:
    if top <= bottom or value <= bottom:
        return _LEVELS[0]
    return _LEVELS[min(len(_LEVELS) - 1, int((value - bottom) / (top - bottom) * len(_LEVELS)))]
