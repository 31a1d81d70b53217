"""The files of a run: columns as documented, strings guarded, whole or not at all, the same when judged again."""

import csv
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nscr_cli.errors import ReportsUnwritable
from nscr_cli.history.history import History
from nscr_cli.history.ops import Entry
from nscr_cli.reporting import csv_files
from nscr_cli.reporting.csv_files import guarded, write_csv, write_run
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.index import append_run
from nscr_cli.reporting.run_report import RunReport

DOCUMENT = Path(__file__).parents[4] / "reports" / "README.md"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path, report: RunReport, entries: list[Entry]) -> Path:
    write_run(tmp_path, report, History(entries))
    return tmp_path


def test_one_row_an_operation(folder: Path) -> None:
    operations = rows(folder / "operations.csv")
    assert [row["index"] for row in operations] == ["0", "2", "4", "6", "8"]
    push, _, read, refused, unknown = operations
    assert (push["f"], push["style"], push["phase"], push["size"]) == ("push-blob", "post-put", "seed", "10")
    assert (read["intended_ns"], read["start_ns"], read["end_ns"]) == ("15000000", "20000000", "28000000")
    assert read["latency_ms"] == "13"
    assert (refused["kind"], refused["status"], refused["error"]) == ("fail", "404", "404 MANIFEST_UNKNOWN")
    assert (unknown["kind"], unknown["end_ns"], unknown["latency_ms"]) == ("info", "", "")
    assert unknown["error"] == "'-1 reset \ufffd[31m"


def test_latency_percentiles_and_counts(folder: Path) -> None:
    latency = {(row["f"], row["style"]): row for row in rows(folder / "latency.csv")}
    assert set(latency) == {("push-blob", "post-put"), ("push-blob", "single-post"), ("get-manifest", "")}
    read = latency["get-manifest", ""]
    assert [read[name] for name in ("count", "ok", "fail", "info", "p50_ms", "p99_9_ms")] == [
        "3", "1", "1", "1", "13", "13",
    ]  # fmt: skip


def test_one_row_a_poll_with_its_figures(folder: Path) -> None:
    state, health = rows(folder / "samples.csv")
    assert (state["quiet"], state["latency_ms"], state["http_status"]) == ("yes", "2", "200")
    assert (state["status"], state["blobs"], state["repositories"]) == ("healthy", "45", "")
    assert (health["quiet"], health["http_status"], health["error"]) == ("no", "", "time-out")


def test_one_row_a_finding(folder: Path) -> None:
    (violation,) = rows(folder / "violations.csv")
    assert (violation["rule"], violation["operations"]) == ("lost-write", "0 2")
    assert violation["explanation"] == "'=cmd|'/c calc'!A1 \ufffd[2J\ufffd was read"


def test_summary(folder: Path) -> None:
    summary = {row["name"]: row["value"] for row in rows(folder / "summary.csv")}
    assert summary["format"] == "1"
    assert (summary["verdict"], summary["exit_code"], summary["partial"]) == ("INVALID", "1", "no")
    assert (summary["operations"], summary["ok"], summary["fail"], summary["info"]) == ("5", "3", "1", "1")
    assert (summary["tags.verdict"], summary["tags.acknowledged"]) == ("INVALID", "3")


def test_verdict_document(folder: Path, report: RunReport) -> None:
    text = (folder / "verdict.json").read_text(encoding="ascii")
    assert text == verdict_document(report)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    document = json.loads(text)
    assert (document["format"], document["verdict"], document["exit_code"]) == (1, "INVALID", 1)
    (found,) = document["checkers"][0]["findings"]
    assert (found["rule"], found["operations"]) == ("lost-write", [0, 2])
    assert document["replay"] == "nscr torture mixed --seed 42 --workers 8 --duration 20s"


def test_writing_again_gives_the_same_bytes_and_leaves_nothing_else(
    folder: Path, report: RunReport, entries: list[Entry]
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_run(folder, report, History(entries))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {
        "summary.csv", "operations.csv", "latency.csv", "samples.csv", "violations.csv", "verdict.json", "findings.md",
        "junit.xml", "summary.md",
    }  # fmt: skip


def test_every_column_is_documented(folder: Path, report: RunReport, tmp_path: Path) -> None:
    append_run(tmp_path, report)
    document = DOCUMENT.read_text(encoding="utf-8")
    for path in folder.glob("*.csv"):
        section = document.partition(f"## {path.name}\n")[2].partition("\n## ")[0]
        documented = re.findall(r"^\| `([\w.]+)` ", section, re.MULTILINE)
        with path.open(encoding="utf-8", newline="") as file:
            names = next(csv.reader(file))
        if path.name == "summary.csv":
            names = [row["name"] for row in rows(path) if "." not in row["name"]]
        assert documented == names, path.name


def test_a_failing_writer_leaves_the_former_file_whole(tmp_path: Path) -> None:
    def failing() -> Iterator[csv_files.Row]:
        yield ("new",)
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.csv"
    write_csv(path, ("name",), [("old",)])
    with pytest.raises(ReportsUnwritable, match="No space left on device") as caught:
        write_csv(path, ("name",), failing())
    assert str(path) in caught.value.message
    assert path.read_text() == "name\nold\n"
    assert [left.name for left in tmp_path.iterdir()] == ["a.csv"]


WORDS = st.builds(str.__add__, st.sampled_from("a9=-"), st.text('a ,"\n\r=', max_size=3))
CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(0, 1e9), st.text(max_size=8), WORDS, WORDS)


@settings(max_examples=300, deadline=None)
@example([['a"b'], ["a,b", "=c"], ["a\nb", "\u202ea"]])
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=4))
def test_rows_that_need_no_quotes_are_written_as_those_that_may(
    tmp_path_factory: pytest.TempPathFactory, made: list[list[csv_files.Cell]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.csv"  # a folder each would take longer than the rows
    write_csv(path, ("name",), made)
    expected = io.StringIO()
    writer = csv.writer(expected, lineterminator="\n")
    writer.writerows([["name"], *([guarded(cell) for cell in row] for row in made)])
    assert path.read_bytes().decode() == expected.getvalue()


def test_a_missing_folder_is_told(tmp_path: Path, report: RunReport, entries: list[Entry]) -> None:
    with pytest.raises(ReportsUnwritable):
        write_run(tmp_path / "missing", report, History(entries))
    with pytest.raises(ReportsUnwritable):
        append_run(tmp_path / "missing", report)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (-5, "-5"),
        (2**63, str(2**63)),
        (0.1234567, "0.123457"),
        (13.0, "13"),
        ("latest", "latest"),
        ("=1+1", "'=1+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  +1", "'  +1"),
        ("＝1", "'＝1"),
        ("a\tb\r\n\x00", "a\ufffdb\ufffd\ufffd\ufffd"),
    ],
)
def test_guarded(cell: csv_files.Cell, text: str) -> None:
    assert guarded(cell) == text


@given(st.text())
def test_no_text_becomes_a_formula_or_steers_a_terminal(text: str) -> None:
    cell = guarded(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", cell)


def test_index_has_one_row_a_run(tmp_path: Path, report: RunReport) -> None:
    append_run(tmp_path, report)
    append_run(tmp_path, report)
    first, second = rows(tmp_path / "index.csv")
    assert first == second
    assert (first["format"], first["verdict"], first["rules"], first["seed"]) == ("1", "INVALID", "lost-write", "42")
    assert [left.name for left in tmp_path.iterdir()] == ["index.csv"]


def test_index_of_many_runs_at_once(tmp_path: Path, report: RunReport) -> None:
    reports = [
        msgspec.structs.replace(report, plan=msgspec.structs.replace(report.plan, run_id=f"run-{number}"))
        for number in range(16)
    ]
    threads = [threading.Thread(target=append_run, args=(tmp_path, each)) for each in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["run_id"] for row in rows(tmp_path / "index.csv")) == sorted(f"run-{n}" for n in range(16))


def test_a_torn_row_does_not_swallow_the_next(tmp_path: Path, report: RunReport) -> None:
    append_run(tmp_path, report)
    with (tmp_path / "index.csv").open("a") as file:
        file.write("1,torn")
    append_run(tmp_path, report)
    whole, torn, after = rows(tmp_path / "index.csv")
    assert torn["run_id"] == "torn"
    assert after == whole


def test_an_index_of_other_columns_is_kept_aside(tmp_path: Path, report: RunReport) -> None:
    (tmp_path / "index.csv").write_text("format,other\n0,x\n")
    (tmp_path / "index-1.csv").write_text("older")
    append_run(tmp_path, report)
    assert (tmp_path / "index-2.csv").read_text() == "format,other\n0,x\n"
    assert (tmp_path / "index-1.csv").read_text() == "older"
    assert len(rows(tmp_path / "index.csv")) == 1
