"""What a dashboard says first: is the registry fine, what broke, since when, which key. Pure."""

import textwrap
from collections.abc import Callable, Sequence

from rich.text import Text

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.troubles import Trouble
from nscr_cli.monitors.watching import Picture
from nscr_cli.ui import printable

_WIDE = 110
_LINES_OF_A_TEXT = 2
_RESTART_TOLD_S = 600.0
Clock = Callable[[float], str]


def headword(picture: Picture) -> tuple[str, str]:
    """How the registry is, in a word or two, and their colour."""
    last = picture.beats[-1] if picture.beats else None
    if picture.is_refused:
        return "NOTHING TO WATCH", "red"
    if picture.answered_s is None or last is None:
        return ("NO ANSWER", "red") if picture.error is not None else ("WAITING", "yellow")
    if picture.is_silent:
        return "NOT ANSWERING", "red"
    status = printable(last.status or "no status", limit=20).upper()
    if not picture.troubles:
        return status, "green"
    if last.status == "degraded" and all(trouble.rule == "unhealthy" for trouble in picture.troubles):
        return status, "yellow"
    if picture.troubles[0].rule in ("unhealthy", "server-error") or last.status not in ("healthy", "up"):
        return status, "red"
    many = len(picture.troubles)
    return ("1 PROBLEM" if many == 1 else f"{many} PROBLEMS"), "red"


def standing(picture: Picture, clock: Clock) -> str:
    """What follows the head word: whether anything is wrong, when it answered, since when it runs."""
    last = picture.beats[-1] if picture.beats else None
    if picture.answered_s is None or last is None:
        return printable(picture.error or "no answer yet")
    ago_s = max(0.0, picture.elapsed_s - picture.answered_s)
    ago = show_duration(ago_s)
    if picture.is_silent:
        return f"last answer {clock(picture.answered_s)}, {ago} ago"
    parts = [] if picture.troubles else ["nothing is wrong"]
    if last.uptime_ms is not None:
        parts.append(f"up {show_duration(last.uptime_ms / 1000)}")
    took = show_milliseconds(last.slowest_ms)
    parts.append(f"answers in {took}" if ago_s <= 2 * picture.interval_s else f"answered {ago} ago in {took}")
    if picture.version is not None:
        parts.append(f"version {printable(picture.version, limit=20)}")
    return " · ".join(parts)


def verdict(picture: Picture, width: int, rows: int, clock: Clock) -> list[Text]:
    """The lines of the verdict, at most `rows` of them and at least one."""
    word, style = headword(picture)
    lines = [_line(Text(word, style=f"bold {style}").append(f"  {standing(picture, clock)}", style="not bold default"))]
    if picture.absence is not None:
        lines.append(_line(Text(f"{picture.absence}: probing /v2/ only", style="yellow")))
    lines += told_troubles(picture, width, rows - len(lines), clock)
    lines += [_line(text) for text in _asides(picture, clock)][: max(0, rows - len(lines))]
    return lines


def told_troubles(picture: Picture, width: int, rows: int, clock: Clock) -> list[Text]:
    """What is wrong, each with since when; the last line counts those that there is no room for."""
    blocks = [_told(trouble, picture.elapsed_s, width, clock) for trouble in picture.troubles]
    lines: list[Text] = []
    for told, block in enumerate(blocks):
        left = len(blocks) - told
        if len(lines) + len(block) > rows - (left > 1):
            if not lines and rows > 0:
                lines = block[:rows]
                left -= 1
            if left:
                lines = [*lines[: max(0, rows - 1)], _line(Text(f"  and {left} more", style="red"))][: max(0, rows)]
            break
        lines += block
    return lines


def _told(trouble: Trouble, now_s: float, width: int, clock: Clock) -> list[Text]:
    lasted = show_duration(max(0.0, now_s - trouble.since_s))
    when = f"! {trouble.rule} since {clock(trouble.since_s)} ({lasted})"
    text = printable(trouble.text, limit=400)
    if width >= _WIDE and len(when) + 2 + len(text) <= width:
        return [_line(Text(when, style="bold red").append(f"  {text}", style="not bold default"))]
    wrapped = _wrapped(text, width - 2)
    return [_line(Text(when, style="bold red")), *(_line(Text(f"  {line}")) for line in wrapped)]


def _wrapped(text: str, width: int) -> Sequence[str]:
    return textwrap.wrap(text, max(10, width), max_lines=_LINES_OF_A_TEXT, placeholder=" …")


def _asides(picture: Picture, clock: Clock) -> list[Text]:
    """What is no trouble and yet worth knowing: warnings, and a restart a while ago."""
    found = []
    warnings = picture.beats[-1].warnings if picture.beats else ()
    if warnings and not any(trouble.rule == "unhealthy" for trouble in picture.troubles):
        found.append(Text(f"the registry warns: {printable('; '.join(warnings))}", style="yellow"))
    if picture.restarted_s is not None and picture.elapsed_s - picture.restarted_s < _RESTART_TOLD_S:
        ago = show_duration(picture.elapsed_s - picture.restarted_s)
        found.append(Text(f"restarted before {clock(picture.restarted_s)}, {ago} ago", style="yellow"))
    return found


def _line(text: Text) -> Text:
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text
