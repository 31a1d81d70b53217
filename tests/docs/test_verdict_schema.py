"""docs/verdict.md and its JSON Schema are what the types of verdict.json say; the schema can refuse."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.history.history import History
from nscr_cli.history.ops import Event
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.reporting.documents import verdict_document
from nscr_cli.reporting.run_report import run_report

COMMAND = "run `python tests/docs/verdict_schema.py`"


@pytest.fixture
def schema() -> ModuleType:
    """The script beside this file."""
    spec = importlib.util.spec_from_file_location("verdict_schema", Path(__file__).with_name("verdict_schema.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def written() -> dict[str, Any]:
    """A verdict.json with something in most fields."""
    scenario = Scenario(title="t", description="d", workload="tags", thresholds={"p99.get-blob": "5ms"})
    plan = RunPlan(
        run_id="r", scenario_name="tags", scenario=scenario, seed=1, workers=2, duration_s=1.0, registry_url=None,
        namespace="n", started_utc="2026-01-02T00:00:00Z", nscr="0.1.0",
    )  # fmt: skip
    finding = Finding(checker="tags", rule="lost-write", key="a:b", operations=(0,), clause="c", explanation="e")
    results = [
        Result(checker="tags", verdict=Verdict.INVALID, findings=(finding,), evidence={"reads": 3}),
        Result(checker="referrers", verdict=Verdict.UNKNOWN, is_skipped=True, skipped=("referrers: 404",)),
    ]
    document: dict[str, Any] = json.loads(
        verdict_document(run_report(plan, History([Event(name="finished", time_ns=1)]), results, leftovers=("a:b",)))
    )
    return document


def test_both_are_those_of_the_types(schema: ModuleType) -> None:
    assert schema.DOCUMENT.read_text(encoding="utf-8") == schema.document(), f"docs/verdict.md is stale: {COMMAND}"
    assert schema.SCHEMA.read_text(encoding="utf-8") == schema.schema_text(), f"the schema is stale: {COMMAND}"


def test_every_field_is_explained(schema: ModuleType) -> None:
    rows = [line.split(" | ") for line in schema.document().splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    assert [row for row in rows if len(row) != 3 or len(row[2].strip(" |")) < 4] == []


def test_what_is_written_is_valid_and_so_is_what_a_later_version_adds(
    schema: ModuleType, written: dict[str, Any]
) -> None:
    jsonschema_rs.meta.validate(schema.schema())
    validator = jsonschema_rs.validator_for(schema.schema())
    validator.validate(written)
    validator.validate({**written, "added": 1})


@pytest.mark.parametrize(
    "changed",
    [{"verdict": "FINE"}, {"seed": "1"}, {"exit_code": 9}, {"checkers": [{}]}, {"latency": 3}, {"registry_url": 1}],
)
def test_what_is_not_a_verdict_is_refused(schema: ModuleType, written: dict[str, Any], changed: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(schema.schema())
    assert not validator.is_valid({**written, **changed})
    assert not validator.is_valid({name: value for name, value in written.items() if name not in changed})
