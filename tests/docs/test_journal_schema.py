"""docs/journal.md is what the structs say that write and read a journal."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def schema() -> ModuleType:
    """The script beside this file."""
    spec = importlib.util.spec_from_file_location("journal_schema", Path(__file__).with_name("journal_schema.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_is_that_of_the_structs(schema: ModuleType) -> None:
    stale = "docs/journal.md is not up to date: run `python tests/docs/journal_schema.py`"
    assert schema.DOCUMENT.read_text(encoding="utf-8") == schema.document(), stale


def test_every_field_is_explained(schema: ModuleType) -> None:
    rows = [line.split(" | ") for line in schema.document().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row[0] for row in rows if len(row) != 4 or len(row[3].strip(" |")) < 4] == []
