"""How long `nscr report` takes for a run of a million operations, in how much memory, and how large its page is.

The journal is made by simulation (synthetic_run.py). Its verdict is written beside it, with one finding whose requests
need what was pushed long before: the journal is gone through again for that.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.engine.judging import read_plan
from nscr_cli.engine.recorded_verdict import fingerprint
from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_NAME, read_journal
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.reporting.documents import VERDICT_NAME, verdict_document
from nscr_cli.reporting.run_report import run_report

NSCR = str(Path(sys.executable).with_name("nscr"))
SYNTHETIC = Path(__file__).with_name("synthetic_run.py")
OPERATIONS = 1_000_000


def _some_read_by_digest(folder: Path) -> int:
    """The index of a read of a manifest, far into the run."""
    return next(
        entry.index
        for entry in read_journal(folder / JOURNAL_NAME)
        if isinstance(entry, Op)
        and entry.index > OPERATIONS
        and entry.kind is Kind.INVOKE
        and entry.f is F.GET_MANIFEST
        and digest_of(entry.key) is not None
    )


def _write_verdict(folder: Path, findings: tuple[Finding, ...]) -> None:
    verdict = Verdict.INVALID if findings else Verdict.VALID
    results = [Result(checker="blobs", verdict=verdict, findings=findings, evidence={"read-back": 1000})]
    report = run_report(read_plan(folder), History([]), results, judged=fingerprint(folder))
    (folder / VERDICT_NAME).write_text(verdict_document(report))


def _reported(folder: Path, what: str) -> tuple[float, float, int]:
    """Seconds of processor time and MiB of memory that the whole process took, and the bytes of its page."""
    process = subprocess.Popen([NSCR, "report", str(folder), "--json"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    figures = json.loads(process.stdout.read())
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert figures["judged"] is False
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Operations a second over the time of the run" in page
    processor_s, mebibytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    print(f"\n{what}: {processor_s:.1f} s of processor time, {mebibytes:.0f} MiB, {figures['bytes']:,} bytes")
    return processor_s, mebibytes, figures["bytes"]


def test_a_million_operations_are_reported_in_twenty_seconds(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    # In a process of its own: a child begins as large as its parent, and that would be measured.
    subprocess.run([sys.executable, str(SYNTHETIC), str(folder), str(OPERATIONS)], check=True)
    _write_verdict(folder, ())
    processor_s, mebibytes, size = _reported(folder, f"{OPERATIONS:,} operations, VALID")
    assert processor_s <= 20
    assert mebibytes <= 128
    assert size <= 5_000_000
    finding = Finding(
        checker="blobs",
        rule="lost-manifest",
        key="k",
        operations=(_some_read_by_digest(folder),),
        clause="spec.md#pulling-manifests",
        explanation="as if it had been lost",
    )
    _write_verdict(folder, (finding,))
    processor_s, mebibytes, size = _reported(folder, f"{OPERATIONS:,} operations, INVALID")
    assert "lay_blob" in (folder / "report.html").read_text(encoding="utf-8")
    assert processor_s <= 20
    assert mebibytes <= 128
    assert size <= 5_000_000
