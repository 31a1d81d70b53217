"""A file appears whole or not at all, and what is no file's name is refused."""

from pathlib import Path

import pytest

from nscr_cli.errors import ReportsUnwritable
from nscr_cli.reporting.whole_files import whole_file


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_what_is_no_name_of_a_file(name: str) -> None:
    with pytest.raises(ReportsUnwritable, match="it is a folder"), whole_file(Path(name)):
        pass


def test_a_block_that_fails_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("former")
    with pytest.raises(UnicodeEncodeError), whole_file(path) as file:
        file.write("half\udcff")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["former"]
