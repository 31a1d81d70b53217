"""report.html in the folder of a run: what page.py makes of its report and of one way through its journal."""

from pathlib import Path

import msgspec

from nscr_cli.history.skimming import skim
from nscr_cli.history.written import writes_for
from nscr_cli.reporting.html.folding import Folding
from nscr_cli.reporting.html.page import MOST_OPERATIONS, Evidence, page
from nscr_cli.reporting.known_bugs import read_catalogue
from nscr_cli.reporting.run_report import RunReport
from nscr_cli.reporting.whole_files import whole_file

PAGE_NAME = "report.html"


def write_page(folder: Path, report: RunReport) -> Path:
    """Write report.html; where it is.

    Raises:
        RunFolderError: the journal is gone or damaged.
        ReportsUnwritable: see `whole_file`.
    """
    path = folder / PAGE_NAME
    text = page(report, evidence_of(folder, report), read_catalogue())
    with whole_file(path) as file:
        file.write(text)
    return path


def evidence_of(folder: Path, report: RunReport) -> Evidence:
    """What the journal of a run says beside its verdict.

    Raises:
        RunFolderError: see `read_journal`.
    """
    whole = frozenset(index for one in report.shown for index in one.operations[:MOST_OPERATIONS])
    timed = frozenset(index for one in report.findings for index in one.operations)
    folding = Folding(whole)
    skimmed = skim(folder, folding, whole=whole, timed=timed)
    operations = {
        index: msgspec.structs.replace(one, faults=folding.struck_by(index))
        for index, one in skimmed.operations.items()
    }
    return Evidence(
        series=folding.series(),
        operations=operations,
        ends=skimmed.ends,
        writes=writes_for(folder, list(operations.values())) if operations else [],
    )
