"""The examples that documents show in Python print what they are said to print."""

import doctest
from pathlib import Path

import pytest

DOCUMENTS = [
    path for path in sorted((Path(__file__).parents[2] / "docs").rglob("*.md")) if "\n>>> " in path.read_text()
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_examples_in_documents(document: Path):
    result = doctest.testfile(str(document), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
