"""A thresholds file: strict TOML in, settings out; every error names the place and what was probably meant.

Keys are the flags' names. A flag that is given goes before the file, the file before the default.
"""

import difflib
import tomllib
from pathlib import Path

import msgspec

from nscr_cli.durations import parse_duration
from nscr_cli.errors import UsageError


class DemandsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file says; None where it says nothing."""

    deep: bool | None = None
    sample: float | str | None = None
    max_unreferenced: int | None = None
    max_orphaned: int | None = None
    max_session_age: str | int | float | None = None
    require_healthy: bool | None = None
    sparse_indexes: bool | None = None


def load_demands(path: Path) -> DemandsFile:
    """The settings in a file.

    Raises:
        UsageError: it cannot be read, is not TOML, or does not hold together.
    """
    try:
        return parse_demands(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {path}: {reason}", hint="name a readable TOML file") from error


def parse_demands(text: str, source: str) -> DemandsFile:
    """The settings that a TOML text holds; `source` names it in errors.

    Raises:
        UsageError: not TOML, or it does not hold together.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: not TOML: {error}", hint="see https://toml.io for the syntax") from error
    known = sorted(DemandsFile.__struct_fields__)
    for name in document:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            listed = f"keys: {', '.join(known)}"
            hint = f"did you mean `{close[0]}`? {listed}" if close else listed
            raise UsageError(f"{source}: unknown key `{name}`", hint=hint)
    try:
        settings = msgspec.convert(document, DemandsFile)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {error}", hint="`$` in the path is the file itself") from error
    for key in ("max_unreferenced", "max_orphaned"):
        value = getattr(settings, key)
        if value is not None and value < 0:
            raise UsageError(f"{source}: `{key}` is {value}", hint="it must be: a number, 0 or more")
    return settings


def percent_of(text: str) -> float:
    """The per cent that a text names: `5`, `5%`, `0.5%`.

    Raises:
        UsageError: no number, nothing, or more than all.
    """
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 < percent <= 100:
        raise UsageError(f"{text!r} is no share of the blobs", hint="write 5% or 0.5%: more than 0, at most 100")
    return percent


def seconds_of(age: str | float) -> float:
    """The seconds of a `max_session_age`, which a file may give as a number.

    Raises:
        UsageError: not a duration.
    """
    return parse_duration(str(age))
