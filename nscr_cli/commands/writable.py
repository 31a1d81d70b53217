"""Whether a file can be written that is to be written when all is over: found before the first request."""

import os
from pathlib import Path

from nscr_cli.errors import UsageError

_HINT = "name a file in a folder that is there and that you may write to"


def check_writable(option: str, path: Path | None) -> None:
    """A file that is to be written at the end can be, as far as that shows now.

    Raises:
        UsageError: it cannot.
    """
    if path is None:
        return
    if not path.name or path.is_dir():
        raise UsageError(f"{option} {path}: it is a folder", hint=_HINT)
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}", hint=_HINT)
    # A file is written beside its name and then takes it; a link (/dev/stdout) or what is no file, as it is.
    written = path if path.exists() and (path.is_symlink() or not path.is_file()) else path.parent
    if not os.access(written, os.W_OK):
        raise UsageError(f"{option} {path}: {written} cannot be written to", hint=_HINT)
