"""Files that appear whole or not at all: written beside their name, then renamed.

What is there and is no file (a pipe, /dev/full, a link: /dev/stdout) is written to as it is: a rename would put a
file in its place, which as root takes a device away from the whole machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from nscr_cli.errors import ReportsUnwritable

HINT = "free some space, or name another folder with --reports"


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A file to write text (UTF-8) into; it takes its name when the block ends well.

    Raises:
        ReportsUnwritable: the disk is full or the folder is not writable; a former file of that name is still whole.
    """
    if not path.name:  # no name at all, which is the folder that we are in
        raise ReportsUnwritable(f"{path}: it is a folder", hint="name a file")
    part = path.with_name(f".{path.name}.part")
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            with path.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ReportsUnwritable(f"{path}: {error.strerror or error}", hint=HINT) from error
