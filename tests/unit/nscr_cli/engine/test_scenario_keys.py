"""The keys of a table are told with type, default and meaning."""

from enum import StrEnum

import msgspec
import pytest

from nscr_cli.engine.scenario_keys import Key, keys_of, summary_of, tables_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct):
    """A part.

    Attributes:
        size: how large.
    """

    size: int


class Whole(msgspec.Struct):
    """All of it,
    in one table.

    Attributes:
        name: what it is called, which may take
            a second line.
        least, most: bounds: both count.
        colour: how it looks.
    """

    name: str
    least: float = 0.5
    most: float | None = None
    colour: tuple[Colour, ...] = (Colour.RED,)
    span: tuple[int, int] = (1, 2)
    parts: tuple[Part, ...] = ()
    first: Part | None = None
    words: dict[str, str] = {}


def test_keys_are_told():
    assert keys_of(Whole) == (
        Key("name", "string", None, "what it is called, which may take a second line."),
        Key("least", "number", "0.5", "bounds: both count."),
        Key("most", "number", "", "bounds: both count."),
        Key("colour", "array of one of `red`, `blue`", '["red"]', "how it looks."),
        Key("span", "[integer, integer]", "[1, 2]", ""),
        Key("parts", "array of tables", "[]", ""),
        Key("first", "table", "", ""),
        Key("words", "table of strings", "{}", ""),
    )
    assert summary_of(Whole) == "All of it, in one table."


def test_tables_within_are_found():
    assert list(tables_of(Whole)) == [("[[parts]]", Part), ("[first]", Part)]


def test_a_type_that_has_no_words_is_refused():
    class Odd(msgspec.Struct):
        raw: bytes

    with pytest.raises(TypeError, match="no words"):
        keys_of(Odd)
