"""How a watch ends, whatever its view: the exit code, and what is said of registries with nothing to watch."""

import signal

from nscr_cli.exits import Exit
from nscr_cli.monitors.watch_session import Ending
from nscr_cli.ui import printable, progress_console

_SIGNAL_EXIT = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


def exit_code(alerts: int, ending: Ending, *, is_single: bool) -> Exit:
    """Alerts come first; then what there was nothing to watch of, which is told here unless it is all there is.

    Raises:
        NscrError: there was nothing to watch of the only registry.
    """
    if ending.errors and is_single:
        raise ending.errors[0]
    for error in ending.errors:
        say(f"{error.message}; {error.hint}")
    if alerts:
        return Exit.INVALID
    if ending.errors:
        return ending.errors[0].exit_code
    return _SIGNAL_EXIT[ending.ended_by] if ending.ended_by is not None else Exit.VALID


def say(what: str) -> None:
    """Tell something on standard error."""
    progress_console().print(f"nscr: {printable(what, limit=2000)}", markup=False, soft_wrap=True)
