"""Colours that can be read on a light terminal as on a dark one. No state is told by its colour alone: it has a sign.

All are of medium brightness, so that neither white nor black behind them swallows them; a terminal of sixteen colours
gets the nearest, one without colours the signs.
"""

GOOD = "color(28)"
BAD = "bold color(160)"
WARNING = "color(166)"
ACCENT = "color(31)"
SECOND = "color(133)"
QUIET = "color(244)"

GOOD_SIGN = "✓"
BAD_SIGN = "✗"
WARNING_SIGN = "!"
ON_SIGN = "●"
OFF_SIGN = "○"
