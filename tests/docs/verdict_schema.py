"""docs/verdict.md and docs/verdict.schema.json, made of the types of verdict.json; as a script, this writes them."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from nscr_cli.reporting.run_report import REPORT_FORMAT
from nscr_cli.reporting.verdict_types import VerdictDocument

DOCUMENT = Path(__file__).parents[2] / "docs" / "verdict.md"
SCHEMA = DOCUMENT.with_name("verdict.schema.json")
HEAD = f"""# verdict.json, field by field

The verdict of a run for machines: a file in its folder, and what `nscr torture --json` and `nscr judge --json` print.
**Format {REPORT_FORMAT}.** Within a format fields may be added, so a reader leaves alone what it does not know; one
that is renamed, goes away or means something else makes a new format. The same plan and journal give the same bytes,
in ASCII: what a registry said cannot steer a terminal. Its JSON Schema (2020-12):
[verdict.schema.json](verdict.schema.json).

```console
$ nscr torture --json | jq -r '.verdict, .checkers[].findings[].rule'
```
"""
_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "Exit": "integer",
    "Speed": "`held`, `breached` or `not measured`",
}
_PLAIN = {
    "f": "what was asked for, e.g. `put-manifest`",
    "style": "of a blob push: how the bytes travelled; else empty",
    "count": "operations",
    "ok": "that happened",
    "fail": "that certainly did not happen",
    "info": "of which nobody knows",
    "latency": "of those that were ok, from their intended start to their end; null where none was",
    "min_ms": "fastest",
    "p50_ms": "median",
    "p90_ms": "90th percentile, by nearest rank",
    "p95_ms": "95th",
    "p99_ms": "99th",
    "p99_9_ms": "99.9th",
    "max_ms": "slowest",
    "plan": "of plan.json",
    "journal": "of journal.jsonl",
    "checker": "that found it",
    "clause": "the specification's clause, or the promise, that was broken",
}


def schema() -> dict[str, Any]:
    """The JSON Schema: what must be there, and that more may be."""
    made = msgspec.json.schema(VerdictDocument)
    for struct in _structs(VerdictDocument):
        definition = made["$defs"][struct.__name__]
        definition["description"] = _summary(struct)
        for name, meaning in _meanings(struct).items():
            definition["properties"][name]["description"] = meaning
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "verdict.json", **made}


def schema_text() -> str:
    """As it is written."""
    return json.dumps(schema(), indent=2) + "\n"


def document() -> str:
    """The whole of docs/verdict.md."""
    return "\n".join([HEAD, *(_section(struct) for struct in _structs(VerdictDocument))])


def _structs(root: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The document and what is within it, each once, in the order in which they are met."""
    seen: dict[type[msgspec.Struct], None] = {}
    waiting = [root]
    while waiting:
        struct = waiting.pop(0)
        if struct not in seen:
            seen[struct] = None
            waiting += [one for field in msgspec.structs.fields(struct) for one in _within(field.type)]
    return iter(seen)


def _within(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in getattr(kind, "__args__", ()):
        yield from _within(part)


def _section(struct: type[msgspec.Struct]) -> str:
    meanings = _meanings(struct)
    lines = [f"## {_name(struct)}\n", f"{_summary(struct)}\n", "| field | type | meaning |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {_type(one.type)} | {meanings[one.name]} |" for one in msgspec.structs.fields(struct)]
    return "\n".join([*lines, ""])


def _summary(struct: type[msgspec.Struct]) -> str:
    return " ".join(inspect.cleandoc(struct.__doc__ or "").partition("\n\nAttributes:\n")[0].split())


def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What each field means: from the docstring, or from the table above."""
    attributes = inspect.cleandoc(struct.__doc__ or "").partition("\n\nAttributes:\n")[2]
    told = {
        name: " ".join(meaning.split()).rstrip(".")
        for name, meaning in re.findall(r"^    (\w+): (.*(?:\n        .*)*)", attributes, re.MULTILINE)
    }
    return {one.name: told.get(one.name) or _PLAIN[one.name] for one in msgspec.structs.fields(struct)}


def _name(struct: type[msgspec.Struct]) -> str:
    return struct.__name__.removesuffix("Document") or struct.__name__


def _type(kind: Any) -> str:
    text = kind.__name__ if isinstance(kind, type) and not getattr(kind, "__args__", ()) else str(kind)
    text = re.sub(r"(?:\w+\.)+(\w+)", r"\1", text).replace("Document", "")
    text = re.sub(r"tuple\[(\w+), \.\.\.\]", r"array of \1", text)
    text = re.sub(r"dict\[(\w+), (\w+)\]", r"object of \2", text)
    text = re.sub(r"Literal\[(.*)\]", lambda found: found[1].replace("'", "`").replace(",", " or"), text)
    for python, plain in _TYPES.items():
        text = re.sub(rf"\b{python}\b", plain, text)
    return text.replace(" | None", " or null").replace("|", "or")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
