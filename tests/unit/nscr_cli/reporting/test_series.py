"""A growing time series: rows are there at once, a past is continued, somebody else's file is not touched."""

from pathlib import Path

import pytest

from nscr_cli.errors import ReportsUnwritable, UsageError
from nscr_cli.reporting.series import Series


def test_rows_are_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    with Series(path, ("utc", "blobs")) as series:
        assert path.read_text() == "utc,blobs\n"
        series.append(("now", 1))
        assert path.read_text() == "utc,blobs\nnow,1\n"
        series.append(("=later", None))
    assert path.read_text() == "utc,blobs\nnow,1\n'=later,\n"


def test_the_past_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    for value in (1, 2):
        with Series(path, ("n",)) as series:
            series.append((value,))
    assert path.read_text() == "n\n1\n2\n"


def test_a_torn_row_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("n\n1\n2")
    with Series(path, ("n",)) as series:
        series.append((3,))
    assert path.read_text() == "n\n1\n2\n3\n"


@pytest.mark.parametrize("content", ["precious", "n,m\n1,2\n", "x" * 10000, "\xff\x00"])
def test_what_is_not_ours_is_not_touched(tmp_path: Path, content: str) -> None:
    path = tmp_path / "w.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match="not a time series"):
        Series(path, ("n",))
    assert path.read_text() == content


def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.touch()
    with Series(path, ("n",)):
        assert path.read_text() == "n\n"


def test_unwritable_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "w.csv"):
        with pytest.raises(ReportsUnwritable):
            Series(path, ("n",))


def test_a_full_disk_is_told() -> None:
    with Series(Path("/dev/null"), ("n",)) as series:
        series.append((1,))
    with pytest.raises(ReportsUnwritable, match="No space left"):
        Series(Path("/dev/full"), ("n",))
