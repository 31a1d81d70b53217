"""What a report says of a registry that stalled for a second: p95 shows it in the open model, else the maximum alone.

A closed loop of workers asks a stalled registry nothing, so that of thousands of operations a handful are slow.
"""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STALL_S = 1.0
RUN_S = 10
WORKERS = "200"
RATE = "80"


def run_with_a_stall(folder: Path, *flags: str) -> dict[str, float]:
    """Latencies as the report of a run has them, in the middle of which the registry stood still.

    Median and p95 are those of reads of tags, the maximum is that of all operations: whichever was open then.
    """
    nscr = str(Path(sys.executable).with_name("nscr"))
    process = subprocess.Popen(
        [nscr, "torture", "tags", "--duration", f"{RUN_S}s", "--seed", "7", "--reports", str(folder), *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not any(b'"phase":"main"' in journal.read_bytes() for journal in folder.glob("*/*/journal.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    (registry,) = (int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    time.sleep(RUN_S / 2)
    os.kill(registry, signal.SIGSTOP)
    time.sleep(STALL_S)
    os.kill(registry, signal.SIGCONT)
    process.wait(timeout=120)
    (report,) = folder.glob("*/*/latency.csv")
    with report.open() as file:
        rows = list(csv.DictReader(file))
    (read,) = (row for row in rows if row["f"] == "get-manifest")
    slowest = max(float(row["max_ms"]) for row in rows if row["max_ms"])
    return {"p50": float(read["p50_ms"]), "p95": float(read["p95_ms"]), "max": slowest}


@pytest.mark.slow
def test_a_stall_shows_in_p95_of_the_open_model(tmp_path: Path) -> None:
    opened = run_with_a_stall(tmp_path / "open", "--rate", RATE, "--workers", WORKERS)
    closed = run_with_a_stall(tmp_path / "closed", "--workers", "2")
    for model, latency in (("open", opened), ("closed", closed)):
        shown = ", ".join(f"{name} {milliseconds:,.0f} ms" for name, milliseconds in latency.items())
        print(f"\nstall of {STALL_S:g} s, {model} model: {shown}")
    assert opened["p95"] >= 200
    assert opened["max"] >= 900
    assert closed["max"] >= 900
    assert closed["p95"] < opened["p95"] / 2
