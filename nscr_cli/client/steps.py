"""The exchanges of one operation, counted and named, and what was learnt on the way. Standard library only."""

from nscr_cli.history.ops import Answered


class Steps:
    """Counts exchanges; each is named `<operation id>.<n>` in X-Request-Id, where the operation has an id.

    Attributes:
        count: exchanges begun.
    """

    def __init__(self, operation_id: str | None) -> None:
        self._operation_id = operation_id
        self._sent_offsets: list[int] = []
        self._stored_offsets: list[int] = []
        self._out_of_order_status: int | None = None
        self.count = 0

    def next_id(self) -> str | None:
        """The name of the next exchange."""
        self.count += 1
        return f"{self._operation_id}.{self.count}" if self._operation_id is not None else None

    def stored(self, sent: int, stored: int) -> None:
        """After a PATCH: how much was sent so far, and how much the registry said it holds."""
        self._sent_offsets.append(sent)
        self._stored_offsets.append(stored)

    def out_of_order(self, status: int | None) -> None:
        """What a chunk out of order was answered."""
        self._out_of_order_status = status

    def answered(self) -> Answered:
        """What the steps so far contribute to the answer."""
        return Answered(
            exchanges=self.count,
            sent_offsets=tuple(self._sent_offsets),
            stored_offsets=tuple(self._stored_offsets),
            out_of_order_status=self._out_of_order_status,
        )
