"""Hostile text in Markdown: as code, in which neither HTML, links, mentions nor marks mean anything. Pure.

CommonMark's code spans and fences end only at a run of as many backticks as they began with; tables of GitHub's kind
are cut at every pipe that has no backslash, in code as well.
"""

import re
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from nscr_cli.ui import printable

_LONGEST = 400


def code(text: str, *, limit: int = _LONGEST) -> str:
    """A text in one line, as a code span; of nothing, a dash."""
    line = printable(" ".join(text.split()), limit=limit)
    if not line:
        return "–"
    fence = "`" * (_longest_run(line) + 1)
    # Spaces at both ends are stripped again, and keep a backtick at the edge apart from the fence.
    return f"{fence} {line} {fence}" if line.startswith("`") or line.endswith("`") else f"{fence}{line}{fence}"


def code_cell(text: str, *, limit: int = _LONGEST) -> str:
    """The same within a table."""
    return code(text, limit=limit).replace("|", "\\|")


def fenced(text: str, language: str = "text") -> str:
    """Lines as a block of code."""
    lines = "\n".join(printable(line, limit=_LONGEST * 10) for line in text.split("\n"))
    fence = "`" * max(3, _longest_run(lines) + 1)
    return f"{fence}{language}\n{lines}\n{fence}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of GitHub's kind; numbers to the right, cells as they are."""
    kept = [list(row) for row in rows]
    numeric = [bool(kept) and all(_is_figure(row[place]) for row in kept) for place in range(len(headers))]
    align = ["right" if one else "left" for one in numeric]
    return tabulate(kept, headers=list(headers), tablefmt="pipe", disable_numparse=True, colalign=align)


def _is_figure(cell: str) -> bool:
    return cell in ("", "–") or cell[:1].isdigit() or cell[:1] in "+-<"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
