"""A watched registry in a log: one line a round, and one for whatever begins or ends. Pure."""

from collections.abc import Callable

from nscr_cli.durations import show_milliseconds
from nscr_cli.monitors.dashboards import show_bytes, show_count
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.watching import Beat
from nscr_cli.ui import printable


def watch_line(beat: Beat, clock: Callable[[float], str], url: str | None = None) -> str:
    """One round; of the registry `url`, where several are watched."""
    head = f"{clock(beat.at_s)} {printable(url)}" if url is not None else clock(beat.at_s)
    if not beat.is_answered:
        return f"{head} no answer: {printable(beat.error or 'no reason known')}"
    if beat.is_probe:
        repositories = f" repositories {show_count(beat.repositories)}" if beat.repositories is not None else ""
        answered = f"/v2/ answered in {show_milliseconds(beat.slowest_ms)}"
        return f"{head} {printable(beat.status or '', limit=20)}{repositories} {answered} (no monitoring API)"
    named = (
        ("repositories", beat.repositories),
        ("manifests", beat.manifests),
        ("blobs", beat.blobs),
        ("uploads", beat.open_uploads),
        ("unreferenced", beat.unreferenced_blobs),
        ("orphaned", beat.orphaned_manifests),
    )
    figures = " ".join(f"{name} {show_count(value)}" for name, value in named)
    return (
        f"{head} {printable(beat.status or 'unknown', limit=20)} {figures} "
        f"to-free {show_bytes(beat.space_to_free)} answered in {show_milliseconds(beat.slowest_ms)}"
    )


def notice_line(notice: Notice, clock: Callable[[float], str], url: str | None = None) -> str:
    """An alert, a recovery or a notice; of the registry `url`, where several are watched."""
    head = f"{clock(notice.at_s)} {printable(url)}" if url is not None else clock(notice.at_s)
    return f"{head} {_word(notice)} {notice.rule}: {printable(notice.text)}"


def notice_style(notice: Notice) -> str:
    """The colour of such a line."""
    return {"ALERT": "red", "RECOVERED": "green", "NOTICE": "yellow"}[_word(notice)]


def _word(notice: Notice) -> str:
    if notice.recovered:
        return "RECOVERED"
    return "ALERT" if notice.is_failure else "NOTICE"
