"""What is wrong with the flags of `nscr gate` together, found before the first request: a walk may take hours."""

import os
from pathlib import Path

from nscr_cli.commands.gate_options import Format
from nscr_cli.errors import UsageError
from nscr_cli.gate.demands import Demands

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


def check_together(
    *,
    torture: list[str] | None,
    only_for_torture: dict[str, str | None],
    seed: int | None,
    demands: Demands,
    as_json: bool,
    format_: Format,
) -> None:
    """No flag is without effect, and none contradicts another.

    Args:
        only_for_torture: flags that say something about a torture, with what they say.

    Raises:
        UsageError: one is or does.
    """
    for option, said in only_for_torture.items():
        if said is not None and not torture:
            raise UsageError(f"{option} without --torture", hint="add --torture SCENARIO, or leave it out")
    if seed is not None and demands.sample_percent is None:
        raise UsageError("--seed without --sample", hint="add --sample N%, whose blobs it chooses, or leave it out")
    if as_json and format_ not in (Format.AUTO, Format.JSON):
        raise UsageError(f"--json and --format {format_}", hint="choose one of them")
