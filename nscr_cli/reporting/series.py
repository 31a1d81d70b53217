"""A time series that grows while something is watched: a CSV to which each row is appended and flushed at once.

A file of the same columns is continued, so that a watch that was started again adds to its own past; a file of other
columns belongs to somebody and is never touched.
"""

import csv
import io
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from nscr_cli.errors import ReportsUnwritable, UsageError
from nscr_cli.reporting.csv_files import Row, guarded


class Series:
    """An open time series.

    Raises:
        UsageError: the file holds something else.
        ReportsUnwritable: the file cannot be written.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        header = ",".join(columns) + "\n"
        self._path = path
        try:
            start = _start_of_row(path, header.encode())
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._write(header if start is None else start)
        except ReportsUnwritable:
            self._file.close()
            raise

    def append(self, row: Row) -> None:
        """Write one row; it is in the file when this returns."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([guarded(cell) for cell in row])
        self._write(line.getvalue())

    def _write(self, text: str) -> None:
        try:
            self._file.write(text.encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _unwritable(self, error: OSError) -> ReportsUnwritable:
        return ReportsUnwritable(
            f"{self._path}: {error.strerror or error}", hint="name a file that can be written with --csv"
        )


def _start_of_row(path: Path, header: bytes) -> str | None:
    """What must come before the next row: nothing, or the end of a torn one; None where the header must come first."""
    if not path.exists() or not path.stat().st_size:
        return None
    with path.open("rb") as file:
        if file.readline(len(header)) != header:
            raise UsageError(
                f"{path} is not a time series of this version of nscr", hint="name a new file; this one was not touched"
            )
        file.seek(-1, os.SEEK_END)
        return "" if file.read() == b"\n" else "\n"
