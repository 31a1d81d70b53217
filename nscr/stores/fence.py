"""What stands between a failed fsync and the next write.

After an fsync failed, the kernel may have dropped the dirty pages and will report success the next time: nothing that
was written before can be vouched for any more. So nothing is retried. Every write is refused until a restart, which
reads what really is on the disk; reading goes on.
"""

from nscr.errors import WritesRefused


class Fence:
    """Open until tripped; all stores of a data folder share one."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def trip(self, reason: str) -> None:
        """Refuse every write from now on; the first reason stays."""
        self.reason = self.reason or reason

    def check(self) -> None:
        """Raises:
        WritesRefused: an fsync has failed.
        """
        if self.reason is not None:
            raise WritesRefused(self.reason)
