"""How fast a history is judged, and in how much memory: a million operations at once, ten million in parts, one tag.

The journals are made by simulation (synthetic_run.py), and judged in a process of its own, to know what that took.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from nscr_cli.checkers.register import RegisterResult, judge_register
from nscr_cli.checkers.register_calls import RegisterCall, What
from nscr_cli.checkers.register_clash import prove

SYNTHETIC = Path(__file__).with_name("synthetic_run.py")
JUDGE = """
import json, resource, sys, time
from pathlib import Path
from nscr_cli.engine.judging import judge_run
from nscr_cli.reporting.run_report import run_report
start = time.process_time()
plan, history, results = judge_run(Path(sys.argv[1]))
judged_s = time.process_time() - start
judged_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = run_report(plan, history, results)
print(json.dumps({
    "judged_s": judged_s,
    "judged_mib": judged_kib / 1024,
    "reported_s": time.process_time() - start - judged_s,
    "reported_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "operations": report.ok + report.fail + report.info,
    "outcomes": {result.checker: result.outcome for result in results},
    "reasons": [reason for result in results for reason in result.reasons],
}))
"""
GIB_OF_A_LONG_JOURNAL = 9


def judged(folder: Path, operations: int, *, repositories: int) -> dict[str, object]:
    """What another process says of the journal of so many operations, and what it took."""
    made = [sys.executable, str(SYNTHETIC), str(folder), str(operations), str(repositories)]
    subprocess.run(made, check=True)
    size = (folder / "journal.jsonl").stat().st_size
    output = subprocess.run([sys.executable, "-c", JUDGE, str(folder)], check=True, capture_output=True).stdout
    figures: dict[str, object] = json.loads(output)
    shutil.rmtree(folder)
    print(f"\n{operations:,} operations, a journal of {size / 1e9:.1f} GB: {json.dumps(figures, indent=1)}")
    return figures


def test_a_million_operations_on_a_thousand_tags(tmp_path: Path) -> None:
    figures = judged(tmp_path / "run", 1_000_000, repositories=8)
    assert set(figures["outcomes"].values()) <= {"VALID", "SKIPPED"}, figures
    assert figures["judged_s"] <= 15
    assert figures["judged_mib"] <= 1024


@pytest.mark.timeout(3600)
def test_ten_million_operations_are_never_all_in_memory(tmp_path: Path) -> None:
    needed = 2 * GIB_OF_A_LONG_JOURNAL << 30
    if shutil.disk_usage(tmp_path).free < 1.2 * needed:
        pytest.skip(f"wants {needed >> 30} GiB of free disk")
    figures = judged(tmp_path / "run", 10_000_000, repositories=64)
    assert figures["operations"] > 10_000_000
    assert not {"INVALID"} & set(figures["outcomes"].values()), figures
    assert figures["outcomes"]["tags"] == figures["outcomes"]["blobs"] == "VALID"
    assert figures["judged_mib"] <= 1024


def one_tag(seed: int, *, deletes: float, endless: float, count: int = 20_000, clients: int = 32) -> list[RegisterCall]:
    """A valid history of one register: half of the calls without end took effect."""
    random = Random(seed)
    free = [0] * clients
    points = []
    for number in range(count):
        client = min(range(clients), key=free.__getitem__)
        start = free[client] + random.randint(1, 5)
        end = start + random.randint(1, 60)
        points.append((random.randint(start, end), start, end, number))
        free[client] = end + 1
    held: str | None = None
    calls = []
    for _, start, end, number in sorted(points):
        draw = random.random()
        stop = None if random.random() < endless else end
        happens = stop is not None or random.random() < 0.5
        if draw < 0.35:
            calls.append(RegisterCall(What.WRITE, start, stop, f"v{number}"))
            held = f"v{number}" if happens else held
        elif draw < 0.35 + deletes / 2:
            calls.append(RegisterCall(What.DELETE, start, stop))
            held = None if happens else held
        elif draw < 0.35 + deletes and held is not None:
            calls.append(RegisterCall(What.DELETE_IF, start, stop, held))
            held = None if happens else held
        else:
            calls.append(RegisterCall(What.READ, start, end, held))
    return calls


def with_a_stale_read(calls: list[RegisterCall]) -> list[RegisterCall]:
    last = max(call.end or call.start for call in calls)
    early = next(call.value for call in calls[500:] if call.what is What.WRITE and call.end is not None)
    return [*calls, RegisterCall(What.READ, last + 1, last + 2, early)]


def with_a_lost_write(calls: list[RegisterCall]) -> list[RegisterCall]:
    last = max(call.end or call.start for call in calls)
    return [
        *calls,
        RegisterCall(What.WRITE, last + 1, last + 2, "lost"),
        RegisterCall(What.READ, last + 3, last + 4, None),
        RegisterCall(What.READ, last + 5, last + 6, "lost"),
    ]


def honest(calls: list[RegisterCall]) -> list[RegisterCall]:
    return calls


@pytest.mark.parametrize(("deletes", "endless", "most_s"), [(0.0, 0.0, 0.5), (0.05, 0.02, 5.0)])
@pytest.mark.parametrize("change", [honest, with_a_stale_read, with_a_lost_write])
def test_one_tag_and_32_clients(
    change: Callable[[list[RegisterCall]], list[RegisterCall]], deletes: float, endless: float, most_s: float
) -> None:
    calls = change(one_tag(1, deletes=deletes, endless=endless))
    start = time.process_time()
    result: RegisterResult = judge_register(calls, max_steps=5_000_000)
    decided_s = time.process_time() - start
    if result.stuck is not None:
        prove(result.stuck, calls)
    proved_s = time.process_time() - start
    kind = f"{deletes:.0%} deletes, {endless:.0%} without end, {change.__name__}"
    print(f"\n{len(calls):,} calls, {kind}: decided in {decided_s:.2f} s, with its proof {proved_s:.2f} s")
    assert result.is_decided
    assert (result.stuck is None) == (change is honest)
    assert decided_s <= most_s
    assert proved_s <= 5
