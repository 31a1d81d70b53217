"""The data folder of one server: made, locked, and marked where the registry over it is sabotaged or made to crash.

    DATA/nscr.lock     flock, held while a server runs; its text is the holder's pid, for the message only
    DATA/sabotaged     a sabotaged registry wrote here: its content proves nothing
    DATA/crashpoint    a registry was killed here on purpose; honest, and it may be again

The kernel drops the lock with the process, so a kill leaves nothing to clean up.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nscr.errors import ConfigurationError, EnvironmentFault

LOCK_NAME = "nscr.lock"
SABOTAGE_MARKER = "sabotaged"
CRASH_MARKER = "crashpoint"


@contextmanager
def held_data_folder(path: Path) -> Iterator[None]:
    """Hold the folder against other servers, making it if need be.

    Raises:
        EnvironmentFault: it cannot be made or written, or another server holds it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EnvironmentFault(
            f"data folder {path} is not writable: {error.strerror}", hint="choose another folder with --data"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise EnvironmentFault(
                f"data folder {path} is in use by another nscr serve (pid {holder})",
                hint="stop that one, or choose another folder with --data",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def admit_sabotage(path: Path, sabotages: tuple[str, ...]) -> None:
    """Keep sabotaged and honest content apart; called with the folder held.

    Raises:
        ConfigurationError: a sabotage over an honest folder, or the other way round.
    """
    marker = path / SABOTAGE_MARKER
    if not sabotages:
        if marker.exists():
            raise ConfigurationError(
                f"{path} was written by a sabotaged registry", hint="choose another folder with --data"
            )
        return
    is_fresh = {entry.name for entry in path.iterdir()} <= {LOCK_NAME}
    if not is_fresh and not marker.exists():
        raise ConfigurationError(
            f"{path} holds the content of an honest registry", hint="give --sabotage an empty folder with --data"
        )
    marker.write_text("".join(f"{name}\n" for name in sabotages), encoding="utf-8")


def admit_crash(path: Path) -> None:
    """Let a registry be killed here; called with the folder held.

    Raises:
        ConfigurationError: the folder holds content that nobody wants to risk.
    """
    is_fresh = {entry.name for entry in path.iterdir()} <= {LOCK_NAME}
    if not is_fresh and not (path / CRASH_MARKER).exists():
        raise ConfigurationError(
            f"{path} holds the content of a registry that is not meant to crash",
            hint="give NSCR_CRASHPOINT an empty folder with --data",
        )
    (path / CRASH_MARKER).touch()
