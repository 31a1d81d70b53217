"""How far a gate is: a picture for a terminal, a line for a log. Pure."""

import msgspec
from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nscr_cli.durations import show_duration
from nscr_cli.gate.crew import Crew
from nscr_cli.gate.subjects import Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.monitors.dashboards import show_bytes

_BAR = 24


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a gate.

    Attributes:
        doing: the present step, in words.
        done, open: its tasks, as far as they are known: more may come up.
    """

    doing: str
    elapsed_s: float
    done: int
    open: int
    tags: int
    manifests: int
    blobs: int
    bytes_hashed: int
    problems: int


def progress_of(doing: str, crew: Crew, survey: Survey, *, elapsed_s: float) -> Progress:
    """As it is now."""
    return Progress(
        doing=doing,
        elapsed_s=elapsed_s,
        done=crew.done,
        open=crew.open,
        tags=survey.count(Thing.TAG),
        manifests=survey.count(Thing.MANIFEST),
        blobs=survey.count(Thing.BLOB),
        bytes_hashed=survey.bytes_hashed,
        problems=len(survey.problems),
    )


def progress_line(progress: Progress) -> str:
    """For a log."""
    return f"{show_duration(progress.elapsed_s)} {progress.doing}: {_counts(progress)}"


def render_progress(progress: Progress) -> RenderableType:
    """For a terminal; two lines, however narrow it is."""
    head = Table.grid(padding=(0, 1))
    total = max(1, progress.done + progress.open)
    bar = ProgressBar(total=total, completed=progress.done, width=_BAR)
    head.add_row(Text(progress.doing, "bold", no_wrap=True), bar, Text(show_duration(progress.elapsed_s), "dim"))
    counts = Text(_counts(progress), no_wrap=True, overflow="ellipsis")
    if progress.problems:
        counts.stylize("red", len(counts) - len(_problems(progress)))
    both = Table.grid()
    both.add_row(head)
    both.add_row(counts)
    return both


def _counts(progress: Progress) -> str:
    looked_at = f"{progress.tags:,} tags, {progress.manifests:,} manifests, {progress.blobs:,} blobs"
    return f"{looked_at}, {show_bytes(progress.bytes_hashed)} hashed, {progress.open:,} to go{_problems(progress)}"


def _problems(progress: Progress) -> str:
    return f", {progress.problems:,} wrong" if progress.problems else ""
