"""All runs of a reports folder: what is told of each, what may go, and that nothing else ever does."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.engine.judging import write_plan
from nscr_cli.engine.run_folder import make_run_folder
from nscr_cli.errors import UsageError
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.html.index_page import index_page, write_index_page
from nscr_cli.reporting.index import append_run
from nscr_cli.reporting.pruning import Wish, chosen, remove
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.shelf import NOT_JUDGED, Shelf, Shelved, is_run_folder, read_shelf

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\"'&"

Make = Callable[..., Path]


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


@pytest.fixture
def run(reports: Path, report: RunReport, plan: Callable[..., RunPlan], finding: Finding) -> Make:
    """Makes a run folder as a run leaves it."""

    def make(
        day: int, verdict: str | None = "VALID", *, scenario: str = "mixed", is_listed: bool = True, leftovers: int = 0
    ) -> Path:
        own = plan(
            scenario_name=scenario, run_id=f"{scenario} {day}", started_utc=f"2026-11-{day:02d}T10:00:00Z", seed=day
        )
        folder = make_run_folder(reports, own)
        (folder / "journal.jsonl").write_text("{}\n")
        if verdict is None:
            return folder
        result = Result(checker="tags", verdict=Verdict[verdict], findings=(finding,) if verdict == "INVALID" else ())
        told = msgspec.structs.replace(
            report, plan=own, verdict=Verdict[verdict], results=(result,), partial=False,
            leftovers=tuple(map(str, range(leftovers))),
        )  # fmt: skip
        (folder / "verdict.json").write_text(verdict_document(told))
        (folder / "report.html").write_text("x")
        if leftovers:
            (folder / "leftovers.txt").write_text("key\n" * leftovers)
        if is_listed:
            append_run(reports, told)
        return folder

    return make


def _names(runs: tuple[Shelved, ...]) -> list[str]:
    return [run.run_id for run in runs]


def _pruned(reports: Path, newest: int, older_than_s: float | None = None) -> list[str]:
    return _names(chosen(read_shelf(reports).runs, Wish(newest=newest, older_than_s=older_than_s), NOW).going)


def _everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_rows_and_folders_belong_together_and_what_is_missing_is_told(reports: Path, run: Make) -> None:
    run(1)
    gone = run(2, "INVALID")
    run(3, is_listed=False)
    run(4, None)
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    with (reports / "index.csv").open("a") as file:
        file.write("torn row\n")
    shelf = read_shelf(reports)
    assert [(one.run_id, one.verdict, one.folder is not None, one.is_listed) for one in shelf.runs] == [
        ("mixed 1", "VALID", True, True),
        ("mixed 2", "INVALID", False, True),
        ("mixed 3", "VALID", True, False),
        ("mixed 4", NOT_JUDGED, True, False),
    ]
    assert shelf.unreadable == 1
    assert shelf.runs[1].rules == "lost-write"
    assert shelf.runs[0].rate == pytest.approx(shelf.runs[2].rate, abs=0.01)
    page = index_page(shelf)
    assert "The folders of 1 runs are gone" in page
    assert "2 runs are not in index.csv" in page
    assert "1 rows of index.csv could not be read" in page
    assert page.count("folder deleted") == 1
    assert re.findall(r'<a href="(mixed/[^"]+)">', page) == [
        f"mixed/202611{day:02d}T100000Z-{day}/report.html" for day in (3, 1)
    ]


def test_no_reports_is_no_error_and_no_folder_is(tmp_path: Path, reports: Path) -> None:
    assert "There are no runs here yet" in index_page(read_shelf(reports))
    with pytest.raises(UsageError, match="is not a folder"):
        read_shelf(tmp_path / "nowhere")


def test_the_page_says_which_scenario_is_broken_now_and_draws_what_is_alike(reports: Path, run: Make) -> None:
    for day in range(1, 6):
        run(day, "INVALID" if day < 5 else "VALID", scenario="tags")
    run(6, "INVALID")
    page = write_index_page(reports, read_shelf(reports)).read_text()
    assert "The last run of 1 of 2 scenarios was INVALID: mixed." in page
    assert page.count('class="cell invalid"') == 5
    assert page.count("<polyline") == 2  # rate and p99 of the one scenario that has two runs
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!#|mixed/|tags/)', page) == []


def test_runs_under_another_load_are_no_trend() -> None:
    runs = [
        Shelved(
            run_id=str(n), scenario="a", started_utc=f"2026-11-0{n}", verdict="VALID", workers=workers, rate=float(n)
        )
        for n, workers in ((1, "8"), (2, "16"), (3, "8"), (4, "8"))
    ]
    assert "3 runs under the load of the newest" in index_page(Shelf(runs=tuple(runs), unreadable=0))


def test_hostile_names_are_text() -> None:
    values = dict.fromkeys(
        ("run_id", "scenario", "started_utc", "verdict", "seed", "workers", "registry_url", "sabotages", "rules"),
        HOSTILE,
    )
    runs = tuple(Shelved(**values, findings=1, rate=n, folder='a"b:c/x', has_page=True) for n in (1.0, 0.0))
    page = index_page(Shelf(runs=runs, unreadable=0))
    assert "<img" not in page
    assert "\x1b" not in page
    assert 'href="a%22b%3Ac/x/report.html"' in page


def test_the_newest_of_each_scenario_stay(reports: Path, run: Make) -> None:
    for day in range(1, 6):
        run(day)
        run(day, scenario="tags")
    assert sorted(_pruned(reports, 3)) == ["mixed 1", "mixed 2", "tags 1", "tags 2"]
    assert _pruned(reports, 10) == []
    day_s = 86400.0
    assert sorted(_pruned(reports, 0, 27.5 * day_s)) == ["mixed 1", "mixed 2", "tags 1", "tags 2"]
    assert _pruned(reports, 4, 27.5 * day_s) == ["mixed 1", "tags 1"]


def test_evidence_and_what_is_not_over_stay(reports: Path, run: Make) -> None:
    run(1, "INVALID")
    run(2, None)
    run(3, leftovers=2)
    run(4)
    run(5, "UNKNOWN")
    choice = chosen(read_shelf(reports).runs, Wish(newest=0, older_than_s=None), NOW)
    assert sorted(_names(choice.going)) == ["mixed 4", "mixed 5"]
    assert {one.run_id: why.split(",")[0].split(" and ")[0] for one, why in choice.kept} == {
        "mixed 1": "it is INVALID",
        "mixed 2": "it has no verdict",
        "mixed 3": "2 of its keys are still in the registry: nscr torture --clean it first",
    }


def test_what_was_cleaned_later_may_go(reports: Path, run: Make) -> None:
    cleaned, partly = run(1, leftovers=2), run(2, leftovers=2)
    assert _pruned(reports, 0) == []
    (cleaned / "leftovers.txt").unlink()
    (partly / "leftovers.txt").write_text("key\n")
    assert [one.leftovers for one in read_shelf(reports).runs] == [0, 1]
    assert _pruned(reports, 0) == ["mixed 1"]


@pytest.fixture
def strangers(reports: Path, tmp_path: Path, run: Make) -> Iterator[Path]:
    """A reports folder with everything in it that looks like a run and is none; a run elsewhere that links lead to."""
    mine = tmp_path / "elsewhere" / "mixed" / "20261101T100000Z-1"
    real = run(1)
    mine.parent.mkdir(parents=True)
    real.rename(mine)
    (reports / "linked").symlink_to(mine.parent)
    scenario = reports / "mixed"
    (scenario / "20261102T100000Z-2").symlink_to(mine)
    for name in ("notes", "20261103T100000Z", "20261104T100000Z-x", "..20261105T100000Z-5", "-rf"):
        (scenario / name).mkdir()
        (scenario / name / "plan.json").write_bytes((mine / "plan.json").read_bytes())
        (scenario / name / "journal.jsonl").write_text("")
    for name, plan in (("20261106T100000Z-6", "{}"), ("20261107T100000Z-7", "")):
        (scenario / name).mkdir()
        (scenario / name / "plan.json").write_text(plan)
        (scenario / name / "journal.jsonl").write_text("")
    linked_plan = scenario / "20261108T100000Z-8"
    linked_plan.mkdir()
    (linked_plan / "plan.json").symlink_to(mine / "plan.json")
    (linked_plan / "journal.jsonl").write_text("")
    no_journal = scenario / "20261109T100000Z-9"
    no_journal.mkdir()
    (no_journal / "plan.json").write_bytes((mine / "plan.json").read_bytes())
    (reports / "20261110T100000Z-10").write_text("a file")
    yield mine
    assert is_run_folder(mine)


def test_what_is_no_run_folder_is_never_chosen(reports: Path, strangers: Path) -> None:
    assert [one.folder for one in read_shelf(reports).runs] == [None]  # the row of the run that was moved away
    assert _pruned(reports, 0) == []


def test_what_is_no_run_folder_is_never_removed_even_if_somebody_says_so(reports: Path, strangers: Path) -> None:
    before = _everything(reports.parent)
    names = [f"mixed/{path.name}" for path in (reports / "mixed").iterdir()]
    for name in [*names, "linked/20261101T100000Z-1", "..", "mixed", "mixed/..", "../elsewhere", ""]:
        stranger = Shelved(run_id="x", scenario="x", started_utc="x", verdict="VALID", folder=name)
        with pytest.raises(UsageError, match="is not a run folder"):
            remove(reports, stranger)
    assert _everything(reports.parent) == before


def test_links_in_a_run_folder_go_and_what_they_lead_to_stays(reports: Path, tmp_path: Path, run: Make) -> None:
    folder = run(1)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (folder / "to-folder").symlink_to(precious)
    (folder / "to-file").symlink_to(precious / "file")
    os.mkfifo(folder / "pipe")
    remove(reports, read_shelf(reports).runs[0])
    assert not folder.exists()
    assert _everything(precious) == {"file"}
    assert _names(read_shelf(reports).runs) == ["mixed 1"]  # its row is the history


def test_a_copy_of_a_run_is_a_folder_of_its_own(reports: Path, run: Make) -> None:
    folder = run(1)
    copy = folder.with_name(f"{folder.name}-2")
    copy.mkdir()
    write_plan(copy, msgspec.json.decode((folder / "plan.json").read_bytes(), type=RunPlan))
    (copy / "journal.jsonl").write_text("")
    assert [one.folder for one in read_shelf(reports).runs] == [f"mixed/{folder.name}", f"mixed/{copy.name}"]
