"""A file appears whole or not at all; no name is refused; what is a pipe or device is written to, never replaced."""

import os
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


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(path) as file:
        file.write("told")
    assert os.read(reader, 100) == b"told"
    os.close(reader)
    assert path.is_fifo()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
def test_a_device_that_takes_nothing_is_told_and_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "full"
    path.symlink_to("/dev/full")
    with pytest.raises(ReportsUnwritable, match="No space left"), whole_file(path) as file:
        file.write("told")
    assert path.is_symlink()


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("former")
    link = tmp_path / "link"
    link.symlink_to("target")
    with whole_file(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert (tmp_path / "target").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 2
