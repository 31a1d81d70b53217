"""The keys of a scenario file, as its strict schema knows them: meaning, type and default, told by the structs.

The meaning is what stands under `Attributes:` in a struct's docstring.
"""

import inspect
import json
import re
from collections.abc import Iterator

import msgspec
from msgspec import inspect as shapes

_ENTRY = re.compile(r"(?P<names>\w+(?:, \w+)*): (?P<meaning>.*)")


class Key(msgspec.Struct, frozen=True):
    """One key of a table.

    Attributes:
        kind: its TOML type, in words.
        default: as TOML, empty where that is to leave it out, or None where the key must be there.
        meaning: empty where the docstring says nothing about it.
    """

    name: str
    kind: str
    default: str | None
    meaning: str


def keys_of(struct: type[msgspec.Struct]) -> tuple[Key, ...]:
    """Every key that a table of this shape may have, in order."""
    meanings = _meanings(struct)
    shape = shapes.type_info(struct)
    if not isinstance(shape, shapes.StructType):
        raise TypeError(f"{struct.__name__} is no table")
    return tuple(
        Key(name=one.encode_name, kind=_words(one.type), default=_default(one), meaning=meanings.get(one.name, ""))
        for one in shape.fields
    )


def tables_of(struct: type[msgspec.Struct]) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Its keys that hold a table of one shape, or an array of such, as they stand in a file, with the shape."""
    for one in shapes.type_info(struct).fields:  # type: ignore[attr-defined]
        match one.type:
            case shapes.VarTupleType(item_type=shapes.StructType(cls=table)):
                yield f"[[{one.encode_name}]]", table
            case (
                shapes.StructType(cls=table) | shapes.UnionType(types=(shapes.StructType(cls=table), shapes.NoneType()))
            ):
                yield f"[{one.encode_name}]", table


def summary_of(struct: type[msgspec.Struct]) -> str:
    """The first paragraph of its docstring."""
    return " ".join(inspect.getdoc(struct).split("\n\n")[0].split())  # type: ignore[union-attr]


def as_toml(value: object) -> str:
    """A value on one line; a table as an inline table."""
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        named = (f"{_bare_or_quoted(name)} = {as_toml(one)}" for name, one in plain.items() if one is not None)
        return f"{{ {', '.join(named)} }}" if plain else "{}"
    if isinstance(plain, list | tuple):
        return f"[{', '.join(map(as_toml, plain))}]"
    return json.dumps(plain)


def _bare_or_quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)


def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {name: meaning for names, meaning in _entries(inspect.getdoc(struct) or "") for name in names}


def _entries(documented: str) -> Iterator[tuple[list[str], str]]:
    """Names and meaning of each entry under `Attributes:`; a line indented deeper goes on with the one above."""
    _, _, listed = documented.partition("Attributes:\n")
    joined = re.sub(r"\n {5,}", " ", listed)
    for line in joined.splitlines():
        entry = _ENTRY.fullmatch(line.strip())
        if entry is not None:
            yield entry["names"].split(", "), entry["meaning"]


def _default(field: shapes.Field) -> str | None:
    if field.required:
        return None
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    # TOML has no null: such a key is left out.
    return "" if value is None else json.dumps(msgspec.to_builtins(value))


def _words(kind: shapes.Type) -> str:
    match kind:
        case shapes.StrType():
            return "string"
        case shapes.BoolType():
            return "true or false"
        case shapes.IntType():
            return "integer"
        case shapes.FloatType():
            return "number"
        case shapes.EnumType():
            return "one of " + ", ".join(f"`{member.value}`" for member in kind.cls)
        case shapes.LiteralType():
            return "one of " + ", ".join(f"`{value}`" for value in kind.values)
        case shapes.DictType():
            return f"table of {_plural(kind.value_type)}"
        case shapes.TupleType():
            return f"[{', '.join(_words(item) for item in kind.item_types)}]"
        case shapes.VarTupleType() | shapes.ListType():
            return f"array of {_plural(kind.item_type)}"
        case shapes.StructType():
            return "table"
        case shapes.UnionType():
            options = [one for one in kind.types if not isinstance(one, shapes.NoneType)]
            are_tables = all(isinstance(one, shapes.StructType) for one in options)
            return "table" if are_tables and len(options) > 1 else " or ".join(map(_words, options))
        case _:
            raise TypeError(f"no words for {kind}")


def _plural(kind: shapes.Type) -> str:
    words = _words(kind)
    return words if words.startswith("one of ") else re.sub(r"^\w+", lambda word: f"{word[0]}s", words)
