"""docs/journal.md, made of the structs that write and read a journal; run as a script, this writes it."""

import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from nscr_cli.history import ops
from nscr_cli.history.journal import JOURNAL_FORMAT, Header

DOCUMENT = Path(__file__).parents[2] / "docs" / "journal.md"
STRUCTS = (Header, ops.Op, ops.Asked, ops.Answered, ops.Sample, ops.Event)
PLAIN = {
    "format": "version of this format",
    "nscr": "version of the nscr that wrote it",
    "run_id": "the run's unique name, as in plan.json",
    "kind": "`invoke`, or how it ended: `ok` it happened, `fail` it certainly did not, `info` nobody knows",
    "f": "what was asked for",
    "phase": "part of the run: `seed`, `main` or `final`",
    "start_ns": "when it was asked",
    "end_ns": "when it was answered, or given up",
    "name": "what happened; the names in use stand below",
    "detail": "more of it, by name",
    "time_ns": "when",
    "error": "why there was no answer",
}
HEAD = f"""# The journal, field by field

`journal.jsonl` in a run folder is all that a judge knows of a run beside `plan.json`. One JSON document a line, UTF-8,
each ended by a line feed, in the order in which they were written; only ever appended to. The first line is a header,
each further one an operation's entry, a sample or an event, by its `type`. Format {JOURNAL_FORMAT}; formats up to it
are read, newer ones are refused by name.

- An invocation is written before its request is dispatched. A completion names its operation by `process`, `f` and
  `key`: a process has one operation open at a time, and none any more after `info`. An operation without completion is
  `info`.
- A last line without line feed is the mark of a killed run, and is left out. Damage anywhere else is an error.
- Times are nanoseconds on the run's own clock, which begins at 0. Two events with one stamp have no order.
- A field that has its default is left out. Fields are added as checkers need them; an unknown one is ignored.
- No secrets: credentials, tokens, and queries of URLs are redacted before they are written.

What the fields mean to a verdict: [checkers.md](checkers.md).
"""


def document() -> str:
    """The whole file."""
    sections = [_section(struct) for struct in STRUCTS]
    arrays = [_array(struct) for struct in _structs_within(STRUCTS)]
    values = [_values(enumeration) for enumeration in _enumerations()]
    within = "## Within them\n\nWritten as arrays, in this order:\n\n" + "\n".join(arrays)
    return "\n".join([HEAD, *sections, within, "\n## Values\n", *values])


def _section(struct: type[msgspec.Struct]) -> str:
    tag = struct.__struct_config__.tag
    title = f"`{struct.__name__}`" + (f', `"type": "{tag}"`' if tag else "")
    summary, *rest = inspect.cleandoc(struct.__doc__ or "").split("\n\n")
    names = [part for part in rest if part.startswith("Names in use")]
    lines = [f"## {title}\n", f"{_plain(summary)}\n", "| field | type | default | meaning |", "|---|---|---|---|"]
    meanings = _meanings(struct)
    for field in msgspec.structs.fields(struct):
        meaning = meanings.get(field.name, PLAIN.get(field.name, ""))
        kind = _plain(str(field.type) if not isinstance(field.type, type) else field.type.__name__)
        lines.append(f"| `{field.name}` | {_type(kind)} | {_default(field)} | {meaning} |")
    return "\n".join([*lines, *(f"\n{_plain(part)}" for part in names), ""])


def _array(struct: type[msgspec.Struct]) -> str:
    fields = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(struct))
    return f"- `{struct.__name__}`: [{fields}]. {_plain(inspect.cleandoc(struct.__doc__ or '').split(chr(10) * 2)[0])}"


def _enumerations() -> list[type[StrEnum]]:
    return [value for value in vars(ops).values() if isinstance(value, type) and StrEnum in value.__bases__]


def _values(enumeration: type[StrEnum]) -> str:
    return f"`{enumeration.__name__}`: {', '.join(f'`{one.value}`' for one in enumeration)}.\n"


def _structs_within(structs: tuple[type[msgspec.Struct], ...]) -> Iterator[type[msgspec.Struct]]:
    text = " ".join(str(field.type) for struct in structs for field in msgspec.structs.fields(struct))
    for name, value in vars(ops).items():
        is_struct = isinstance(value, type) and issubclass(value, msgspec.Struct) and value not in structs
        if is_struct and re.search(rf"\b{name}\b", text):
            yield value


def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """From the docstring: `name: meaning` or `name, other: meaning`, with its continuation lines."""
    _, _, attributes = inspect.cleandoc(struct.__doc__ or "").partition("Attributes:\n")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \w)", attributes.split("\n\n")[0]):
        for names, meaning in re.findall(r"([\w, ]+?)(?: on [\w]+)?: ([^;]+(?:;(?! \w+: )[^;]*)*)", _plain(entry)):
            for name in names.split(","):
                meanings[name.strip()] = meaning.strip().rstrip(".").replace("|", "\\|")
    return meanings


def _plain(text: str) -> str:
    return " ".join(text.split())


def _type(text: str) -> str:
    short = re.sub(r"nscr_cli\.history\.ops\.|msgspec\._core\.|msgspec\.", "", text)
    return short.replace(" | None", " or null").replace("|", "or").replace("Raw", "JSON")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return f"`{value!r}`" if not isinstance(value, msgspec.Raw) else "left out"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
