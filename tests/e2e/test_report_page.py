"""Pages of runs in a real browser: nothing overflows, nothing is asked of anybody, every plot has a name."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nscr_cli.engine.recorded_verdict import renewed_report
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.reporting.html.run_page import write_page
from tests.benchmarks.synthetic_run import write_synthetic_run
from tests.e2e.chromium import PROGRAM, Chromium, started
from tests.unit.nscr_cli.reporting.html.made_runs import hostile_run, written_run

GOLDEN = Path(__file__).parents[1] / "golden" / "findings"
WIDTHS = (380, 800, 1400)

# Elements that reach beyond the right edge of the page, but for those within what scrolls by itself.
OVERFLOWING = """
[...document.body.querySelectorAll('*')].filter(one =>
    !one.closest('.wide, pre, svg') && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(one => one.tagName + '.' + one.className).slice(0, 5)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs that are VALID; INVALID, of a registry without monitoring API; hostile; cut short; of nothing."""
    root = tmp_path_factory.mktemp("pages")
    write_synthetic_run(root / "valid", 2000, tags=40, clients=8)
    shutil.copytree(GOLDEN / "two-patches-corrupt", root / "invalid")
    shutil.copytree(root / "valid", root / "cut-short")
    journal = root / "cut-short" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:200_000])
    made = {name: write_page(root / name, renewed_report(root / name)) for name in ("valid", "invalid", "cut-short")}
    for name in ("hostile", "empty"):
        (root / name).mkdir()
    made["hostile"] = write_page(root / "hostile", hostile_run(root / "hostile"))
    plan = RunPlan(
        run_id="r1",
        scenario_name="mixed",
        scenario=Scenario(title="t", description="d", workload="mixed"),
        seed=1,
        workers=1,
        duration_s=1.0,
        registry_url=None,
        namespace="n/r1",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0.1.0",
    )
    made["empty"] = write_page(root / "empty", written_run(root / "empty", plan, [], []))
    return made


@pytest.mark.slow
@pytest.mark.needs(PROGRAM)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["valid", "invalid", "hostile", "cut-short", "empty"])
def test_a_page_is_whole_at_every_width(browser: Chromium, pages: dict[str, Path], kind: str, width: int) -> None:
    browser.open(pages[kind], width=width)
    # A scroll bar at the right takes some of the width.
    assert width - 20 < browser.evaluate("document.documentElement.clientWidth") <= width
    assert browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert browser.evaluate(OVERFLOWING) == []
    assert browser.evaluate("document.querySelectorAll('script, img').length") == 0
    assert browser.evaluate("document.querySelectorAll('h1').length") == 1
    assert browser.told("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded") == []
    asked = [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")]
    assert asked == [pages[kind].as_uri()]


@pytest.mark.slow
@pytest.mark.needs(PROGRAM)
@pytest.mark.parametrize(("kind", "fewest"), [("valid", 12), ("invalid", 3), ("hostile", 5)])
def test_every_plot_has_a_name_that_is_read_out(
    browser: Chromium, pages: dict[str, Path], kind: str, fewest: int
) -> None:
    browser.open(pages[kind], width=800)
    titles = browser.evaluate("[...document.querySelectorAll('svg[role=img] > title')].map(one => one.textContent)")
    assert len(titles) >= fewest
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in nodes if node.get("role", {}).get("value") == "image" and not node["ignored"]]
    assert sorted(node["name"]["value"] for node in images) == sorted(titles)
    assert all(len(title) > 10 for title in titles)
    assert all(len(node["description"]["value"]) > 10 for node in images)
    drawn = browser.evaluate("document.querySelectorAll('svg:not([aria-hidden] *):not(svg svg)').length")
    hidden = browser.evaluate("document.querySelectorAll('svg[aria-hidden]').length")
    assert drawn - hidden == len(titles)


@pytest.mark.slow
def test_a_page_does_not_grow_with_its_run(nscr_program: str, tmp_path: Path, pages: dict[str, Path]) -> None:
    folder = tmp_path / "long"
    write_synthetic_run(folder, 20_000, tags=40, clients=8)
    report = renewed_report(folder)
    print(f"{pages['valid'].stat().st_size:,} bytes of 2 000 operations")
    assert write_page(folder, report).stat().st_size < 1.5 * pages["valid"].stat().st_size
    done = subprocess.run([nscr_program, "report", str(folder), "--json"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["judged"], told["verdict"], told["findings"]) == (False, "VALID", 0)
    assert told["report"] == str(folder / "report.html")
    assert told["bytes"] == (folder / "report.html").stat().st_size < 5_000_000
    assert done.stderr == ""


def test_a_run_without_a_verdict_is_judged_first_and_that_is_said(nscr_program: str, tmp_path: Path) -> None:
    for file in ("plan.json", "journal.jsonl"):
        shutil.copy(GOLDEN / "long-page" / file, tmp_path)
    first, second = (
        subprocess.run([nscr_program, "report", str(tmp_path)], capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert "it is judged first" in first.stderr
    assert second.stderr == ""  # the verdict was written down
    assert first.stdout == second.stdout == f"{tmp_path}/report.html\n"
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"type":"event","name":"resources","time_ns":1}\n')
    again = subprocess.run([nscr_program, "report", str(tmp_path)], capture_output=True, text=True, check=True)
    assert "it is judged first" in again.stderr  # it is another journal now


@pytest.mark.slow
@pytest.mark.needs(PROGRAM)
def test_print_loses_no_evidence_and_no_ink(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["invalid"], width=800, scheme="dark")
    dark = "getComputedStyle(document.body).backgroundColor"
    hidden = (
        "[...document.querySelectorAll('.evidence pre')]"
        ".filter(one => !one.checkVisibility({contentVisibilityAuto: true})).length"
    )
    assert browser.evaluate(dark) == "rgb(20, 23, 27)"
    assert browser.evaluate(hidden) > 0
    browser.ask(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    try:
        assert browser.evaluate(dark) == "rgb(255, 255, 255)"
        assert browser.evaluate(hidden) == 0
    finally:
        browser.ask("Emulation.setEmulatedMedia", media="", features=[])
