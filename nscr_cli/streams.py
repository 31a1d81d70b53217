"""The standard streams as a shell may give them: closed, full, with nobody at the other end, or in a poor encoding.

Laws: no descriptor below 3 is ever a socket or a file of ours; progress that nobody can read stops nothing; results
that nobody can read are no success.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from nscr_cli.errors import EnvironmentFailed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Unread(BrokenPipeError):
    """Nobody reads standard output any more, as after `| head`.

    It has no errno: Typer would end the command with exit code 1, which says INVALID, for any EPIPE that it sees.
    """


class OutputUnwritable(EnvironmentFailed):
    """Standard output takes no more."""


class _Results(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise Unread("nobody reads standard output any more") from error
        except OSError as error:
            raise OutputUnwritable(
                f"standard output cannot be written: {error.strerror}", hint="is the disk full that it goes to?"
            ) from error


class _Progress(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(memoryview(data).cast("B"))


def prepare_streams() -> None:
    """Make the standard streams keep the laws. What an encoding lacks becomes a question mark."""
    _open_closed_descriptors()
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - as long as the process
    sys.stdout = _kept(sys.stdout, _Results, 1)
    sys.stderr = _kept(sys.stderr, _Progress, 2)


def drop_results() -> None:
    """Let nothing that is still buffered complain when the interpreter ends."""
    if sys.stdout.fileno() == 1:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)


def _open_closed_descriptors() -> None:
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest one that is free: this


def _kept(stream: TextIO | None, kind: type[io.FileIO], descriptor: int) -> TextIO:
    if stream is None:
        return _text(kind(descriptor, "w", closefd=False), "utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if not isinstance(raw, io.FileIO) or raw.fileno() != descriptor:
        stream.reconfigure(errors="replace")  # somebody has put another one in its place
        return stream
    stream.flush()
    return _text(kind(descriptor, "w", closefd=False), stream.encoding, is_buffered=raw is not stream.buffer)


def _text(raw: io.FileIO, encoding: str, *, is_buffered: bool = True) -> TextIO:
    # Not unbuffered even where that was asked for: Python then drops what a pipe does not take at once.
    by_line = not is_buffered or raw.isatty() or isinstance(raw, _Progress)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="replace", line_buffering=by_line)
