"""Runs to report on: a plan, and histories made of a few operations."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, PushStyle, Sample
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.reporting.run_report import RunReport, run_report

MS = 1_000_000


def _plan(**changed: Any) -> RunPlan:
    facts: dict[str, Any] = {
        "run_id": "r1",
        "scenario_name": "mixed",
        "scenario": Scenario(title="t", description="d", workload="mixed"),
        "seed": 42,
        "workers": 8,
        "duration_s": 20.0,
        "registry_url": None,
        "namespace": "nscr-torture/r1",
        "started_utc": "2026-11-23T13:00:00Z",
        "nscr": "0.1.0",
    }
    return RunPlan(**(facts | changed))


def _operation(index: int, *, kind: Kind = Kind.OK, start_ms: float = 0, took_ms: float = 1, **more: Any) -> list[Op]:
    key, f = more.get("key", "nscr-torture/r1/app:t1"), more.get("f", F.GET_MANIFEST)
    start = int(start_ms * MS)
    shared: dict[str, Any] = {
        "process": index,
        "f": f,
        "key": key,
        "phase": more.get("phase", Phase.MAIN),
        "intended_ns": int(more.get("intended_ms", start_ms) * MS),
    }
    asked = Asked(style=more.get("style"), size=more.get("size"))
    invoked = Op(index=index, kind=Kind.INVOKE, time_ns=start, asked=asked, **shared)
    answered = Answered(status=more.get("status", 200))
    ended = Op(
        index=index + 1,
        kind=kind,
        time_ns=start + int(took_ms * MS),
        answered=answered,
        error=more.get("error"),
        **shared,
    )
    return [invoked, ended]


@pytest.fixture
def plan() -> Callable[..., RunPlan]:
    """Makes a plan."""
    return _plan


@pytest.fixture
def operation() -> Callable[..., list[Op]]:
    """Makes an invocation and its completion."""
    return _operation


@pytest.fixture
def finding() -> Finding:
    """A finding that quotes a hostile registry."""
    return Finding(
        checker="tags",
        rule="lost-write",
        key="nscr-torture/r1/app:t1",
        operations=(0, 2),
        clause="spec.md#pushing-manifests",
        explanation="=cmd|'/c calc'!A1 \x1b[2J\u202e was read",
    )


@pytest.fixture
def entries() -> list[Entry]:
    """A whole run: pushes in two styles, a refusal, an info, polls, a missing capability, the end."""
    state = msgspec.Raw(b'{"summary":{"totalBlobs":45},"health":{"status":"healthy"}}')
    return [
        *_operation(0, start_ms=0, took_ms=2, f=F.PUSH_BLOB, style=PushStyle.POST_PUT, phase=Phase.SEED, size=10),
        *_operation(2, start_ms=10, took_ms=4, f=F.PUSH_BLOB, style=PushStyle.SINGLE_POST),
        *_operation(4, start_ms=20, took_ms=8, intended_ms=15),
        *_operation(6, start_ms=30, took_ms=1, kind=Kind.FAIL, status=404, error="404 MANIFEST_UNKNOWN"),
        *_operation(8, start_ms=40, took_ms=1, kind=Kind.INFO, error="-1 reset \x1b[31m"),
        Sample(endpoint="/api/registry/state", start_ns=MS, end_ns=3 * MS, status=200, body=state, quiet=True),
        Sample(endpoint="/api/registry/health", start_ns=MS, end_ns=2 * MS, error="time-out"),
        Event(name="capability", time_ns=0, detail={"name": "delete-tag", "supported": "no", "reason": "405"}),
        Event(name="finished", time_ns=50 * MS),
    ]


@pytest.fixture
def report(entries: Iterable[Entry], finding: Finding) -> RunReport:
    """The report of that run, with one finding."""
    results = [
        Result(checker="tags", verdict=Verdict.INVALID, findings=(finding,), evidence={"acknowledged": 3, "read": 2}),
        Result(checker="blobs", verdict=Verdict.UNKNOWN, reasons=("only 1 read",), skipped=("mount: 405",)),
    ]
    return run_report(_plan(), History(entries), results, leftovers=("nscr-torture/r1/app:t1",), is_shipped=True)
