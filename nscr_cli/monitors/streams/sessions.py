"""`nscr watch sessions`: open uploads: opened, going on, closed; with alerts on those that stand still. Pure.

The API does not tell whether an upload that is gone was finished, cancelled or cleaned up.
"""

from nscr_cli.client.monitoring.documents import Session
from nscr_cli.durations import show_duration
from nscr_cli.monitors.dashboards import show_bytes
from nscr_cli.monitors.rules import SESSIONS, Answer
from nscr_cli.monitors.streams.report import Cell, Gathered, Happening, Report
from nscr_cli.ui import printable

MOST_LISTED = 1000


class SessionsFollower:
    """Asks for the list of open uploads, and remembers those of the last answer."""

    name = "sessions"
    columns: tuple[str, ...] = (
        "open_uploads",
        "chunks",
        "bytes_received",
        "oldest_upload_s",
        "longest_idle_s",
        "opened",
        "closed",
    )

    def __init__(self, *, stuck_after_s: float) -> None:
        self._gathered = Gathered(stuck_after_s)
        self._known: dict[str, Session] | None = None

    def wanted(self) -> tuple[str, ...]:
        """See Follower."""
        return () if self._gathered.answers else (SESSIONS,)

    def take(self, answer: Answer) -> None:
        """See Follower."""
        self._gathered.answers.append(answer)

    def finish(self, at_s: float) -> Report:
        """See Follower."""
        (answer,) = self._gathered.answers
        current, notices = self._gathered.judged(at_s, {SESSIONS: answer})
        if current.sessions is None:
            return self._gathered.report(at_s, dict.fromkeys(self.columns), notices=notices)
        now_ms = current.sessions.timestamp
        uploads = sorted(current.sessions.active_sessions, key=lambda session: session.start_time)
        happenings = self._changes(uploads, now_ms)
        received = [upload.bytes_received for upload in uploads if upload.bytes_received is not None]
        figures: dict[str, Cell] = {
            "open_uploads": current.sessions.total_active_sessions,
            "chunks": sum(upload.blob_count for upload in uploads),
            "bytes_received": sum(received) if len(received) == len(uploads) else None,
            "oldest_upload_s": max((_age_s(upload, now_ms) for upload in uploads), default=None),
            "longest_idle_s": max((_idle_s(upload, now_ms) for upload in uploads), default=None),
            "opened": sum(each.event == "opened" for each in happenings),
            "closed": sum(each.event == "closed" for each in happenings),
        }
        texts = [f"uploads {current.sessions.total_active_sessions:,}"]
        if uploads:
            oldest, idle = max(_age_s(each, now_ms) for each in uploads), max(_idle_s(each, now_ms) for each in uploads)
            texts += [
                f"chunks {figures['chunks']:,}",
                *([f"received {show_bytes(sum(received))}"] if len(received) == len(uploads) else []),
                f"oldest {show_duration(oldest)}",
                f"idle {show_duration(idle)}",
            ]
        lists = {"uploads": [_facts(upload, now_ms) for upload in uploads[:MOST_LISTED]]}
        return self._gathered.report(at_s, figures, texts=texts, lists=lists, happenings=happenings, notices=notices)

    def _changes(self, uploads: list[Session], now_ms: int) -> list[Happening]:
        before, self._known = self._known, {upload.id: upload for upload in uploads}
        if before is None:
            return []
        opened = [_happening("opened", upload, now_ms) for upload in uploads if upload.id not in before]
        gone = [upload for name, upload in before.items() if name not in self._known]
        return [*opened, *(_happening("closed", upload, now_ms) for upload in gone)]


def _happening(event: str, upload: Session, now_ms: int) -> Happening:
    where = f" {upload.repository}" if upload.repository else ""
    after = f" after {show_duration(_age_s(upload, now_ms))}" if event == "closed" else ""
    received = f", {show_bytes(upload.bytes_received)}" if upload.bytes_received is not None else ""
    text = printable(f"{upload.id}{where}{after}: {upload.blob_count:,} chunks{received}")
    return Happening(event=event, text=text, facts=_facts(upload, now_ms))


def _facts(upload: Session, now_ms: int) -> dict[str, Cell]:
    return {
        "id": upload.id,
        "repository": upload.repository,
        "age_s": _age_s(upload, now_ms),
        "idle_s": _idle_s(upload, now_ms),
        "chunks": upload.blob_count,
        "bytes_received": upload.bytes_received,
    }


def _age_s(upload: Session, now_ms: int) -> float:
    return max(0, now_ms - upload.start_time) / 1000


def _idle_s(upload: Session, now_ms: int) -> float:
    return max(0, now_ms - upload.last_activity) / 1000
