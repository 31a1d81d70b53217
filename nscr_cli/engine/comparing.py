"""Run folders as the sides of a comparison: their verdicts as written down, or judged first; their speeds."""

from collections.abc import Sequence
from pathlib import Path

from nscr_cli.engine.judging import read_run
from nscr_cli.engine.recorded_verdict import judged_report, recorded_report
from nscr_cli.reporting.comparability import Side
from nscr_cli.reporting.comparison import Comparison, compare
from nscr_cli.reporting.measures import measures


def compared_runs(new: Sequence[Path], old: Sequence[Path]) -> Comparison:
    """The runs of the new side against those of the old one.

    Raises:
        RunFolderError: one of them is no run folder, or damaged.
    """
    return compare([_side(folder) for folder in new], [_side(folder) for folder in old])


def _side(folder: Path) -> Side:
    report = recorded_report(folder)
    if report is not None:
        _, history = read_run(folder)
        return Side(folder=str(folder), report=report, measures=measures(report.plan, history))
    report, recorded = judged_report(folder)
    return Side(folder=str(folder), report=report, measures=measures(report.plan, recorded))
