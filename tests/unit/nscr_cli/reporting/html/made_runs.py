"""Run folders made for pages: of any entries, and of a registry that says nothing but what would break a page."""

from pathlib import Path
from typing import Any

import msgspec

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.engine.judging import write_plan
from nscr_cli.history.faults import DropReply, Fault, Step
from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_FORMAT, JOURNAL_NAME, Header, JournalWriter
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, Sample
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.reporting.run_report import RunReport, run_report

HOSTILE = "</script></style></title><img src=x onerror=alert(1)>\x1b[2J\u202egpj.exe\u2066&quot;{{ 7*7 }}" + "W" * 3000
_MS = 1_000_000
_KEY = f"nscr-torture/r1/a:{HOSTILE}"


def written_run(folder: Path, plan: RunPlan, entries: list[Entry], results: list[Result]) -> RunReport:
    """Write plan and journal; the report with these results."""
    write_plan(folder, plan)
    with (folder / JOURNAL_NAME).open("wb") as file:
        writer = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0.1.0", run_id=plan.run_id))
        for entry in entries:
            writer.append(entry)
    return run_report(plan, History(entries), results)


def hostile_run(folder: Path) -> RunReport:
    """A run with a finding, a fault, gauges and a death, in which every string is hostile and long."""
    finding = Finding(
        checker="tags", rule=HOSTILE, key=_KEY, operations=(0, 2), clause=HOSTILE, explanation=HOSTILE
    )  # fmt: skip
    results = [
        Result(checker="tags", verdict=Verdict.INVALID, findings=(finding,)),
        Result(checker="blobs", verdict=Verdict.UNKNOWN, reasons=(HOSTILE,), skipped=(HOSTILE,), evidence={HOSTILE: 1}),
    ]
    fault = Fault(name=HOSTILE, steps=(Step.PUT_MANIFEST,), toxics=(DropReply(),), share=1)
    plan = RunPlan(
        run_id="r1",
        scenario_name=HOSTILE,
        scenario=Scenario(title=HOSTILE, description=HOSTILE, workload="mixed", faults=(fault,)),
        seed=42,
        workers=8,
        duration_s=20.0,
        registry_url=f"http://127.0.0.1/{HOSTILE}",
        namespace="nscr-torture/r1",
        started_utc="2026-11-23T13:00:00Z",
        nscr="0.1.0",
    )
    return written_run(folder, plan, [*_said(), *_put(0, 3), *_put(2, 4)], results)


def _put(index: int, process: int) -> list[Entry]:
    shared: dict[str, Any] = {
        "process": process,
        "phase": Phase.MAIN,
        "intended_ns": 0,
        "f": F.PUT_MANIFEST,
        "key": _KEY,
    }
    answered = Answered(
        status=500, error_code=HOSTILE, location=HOSTILE, headers=(("x-said", HOSTILE),), media_type=HOSTILE
    )
    return [
        Op(
            index=index,
            kind=Kind.INVOKE,
            time_ns=(index + 1) * _MS,
            asked=Asked(digest=HOSTILE, media_type=HOSTILE),
            **shared,
        ),
        Op(index=index + 1, kind=Kind.FAIL, time_ns=(index + 9) * _MS, answered=answered, error=HOSTILE, **shared),
    ]


def _said() -> list[Entry]:
    state = msgspec.json.encode(
        {
            "registryVersion": HOSTILE,
            "summary": {"totalBlobs": 7, "estimatedSpaceToFree": 9999},
            "activeSessions": {"count": 2},
        }
    )
    return [
        Event(name="environment", time_ns=0, detail={"python": HOSTILE}),
        Event(name="phase", time_ns=0, detail={"phase": HOSTILE}),
        Event(name="fault", time_ns=_MS, detail={"fault": HOSTILE, "request": "r1-0.1", "in_flight": HOSTILE}),
        Sample(endpoint="/api/registry/state", start_ns=_MS, end_ns=2 * _MS, status=200, body=msgspec.Raw(state)),
        Event(name="capability", time_ns=9, detail={"name": "delete-tag", "supported": "no", "reason": HOSTILE}),
        Event(name="target-died", time_ns=9 * _MS, detail={"detail": HOSTILE}),
    ]
