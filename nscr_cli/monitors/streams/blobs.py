"""`nscr watch blobs`: which blobs came and went between two polls, by digest. Pure; pages are in blob_listing.py."""

from nscr_cli.monitors.dashboards import show_bytes
from nscr_cli.monitors.rules import Answer, Condition, unusable
from nscr_cli.monitors.streams.blob_listing import BLOBS, PAGE, BlobListing, Page
from nscr_cli.monitors.streams.report import Cell, Gathered, Happening, Report
from nscr_cli.ui import printable


class BlobsFollower:
    """Asks for pages of blobs until it has them all; bodies are let go as they are read."""

    name = "blobs"
    columns: tuple[str, ...] = ("blobs", "listed", "created", "created_bytes", "deleted", "complete")

    def __init__(self, listing: BlobListing | None = None) -> None:
        self._gathered = Gathered()
        self._listing = listing or BlobListing()
        self._pages: list[Page] = []
        self._last: Answer | None = None

    def wanted(self) -> tuple[str, ...]:
        """See Follower."""
        if not self._gathered.answers:
            self._listing.begin()
            self._pages = []
        page = self._listing.wanted()
        return () if page is None else (page,)

    def take(self, answer: Answer) -> None:
        """See Follower."""
        self._pages.append(self._listing.take(answer))
        self._last = Answer(
            endpoint=BLOBS,
            latency_ms=answer.latency_ms,
            status=answer.status,
            error=answer.error,
            is_unchanged=answer.is_unchanged,
            retry_after_s=answer.retry_after_s,
        )
        self._gathered.answers.append(self._last)

    def finish(self, at_s: float) -> Report:
        """See Follower."""
        listing = self._listing
        listing.finish()
        conditions: list[Condition] = []
        answers: dict[str, Answer] = {}
        is_read = listing.is_complete or listing.is_counted_only
        if self._last is not None:
            # One that answered its first page is not silent, whatever became of the last one.
            answers |= {BLOBS: self._last, f"{BLOBS}?limit={PAGE}": self._gathered.answers[0]}
            if any(answer.status is not None for answer in answers.values()):
                conditions += unusable(self._last, is_usable=is_read)
        if listing.is_contradicted:
            text = f"{BLOBS}: totalBlobs says {listing.total}, and more are listed"
            conditions.append(Condition(rule="contradiction", endpoint=BLOBS, subject="totalBlobs", text=text))
        _, notices = self._gathered.judged(at_s, answers, conditions)
        created = [blob for page in self._pages for blob in page.created]
        deleted = [digest for page in self._pages for digest in page.deleted]
        self._pages = []
        figures: dict[str, Cell] = {
            "blobs": listing.total,
            "listed": len(listing.known) if listing.is_complete else None,
            "created": len(created) if not listing.is_counted_only else None,
            "created_bytes": sum(blob.size for blob in created) if not listing.is_counted_only else None,
            "deleted": len(deleted) if not listing.is_counted_only else None,
            "complete": listing.is_complete,
        }
        happenings = [
            Happening(
                event="created",
                text=f"{printable(blob.digest)} {show_bytes(blob.size)}",
                facts={"digest": blob.digest, "size": blob.size, "created_ms": blob.created},
            )
            for blob in created
        ]
        happenings += [
            Happening(event="deleted", text=printable(digest), facts={"digest": digest}) for digest in deleted
        ]
        texts = [f"blobs {listing.total:,}" if listing.total is not None else "blobs unknown"]
        texts += [f"created {len(created):,}", f"deleted {len(deleted):,}"]
        if listing.is_counted_only:
            texts = [texts[0], "too many to be told apart"]
        elif not listing.is_complete:
            texts.append("not all pages answered")
        if not any(answer.status is not None for answer in self._gathered.answers):
            figures = dict.fromkeys(self.columns)
        return self._gathered.report(at_s, figures, texts=texts, happenings=happenings, notices=notices)
