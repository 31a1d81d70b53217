"""docs/watching.md says what the code does: rules, columns, metrics, exit codes, views and their intervals."""

import ast
import re
from pathlib import Path

import pytest
import typer.main

from nscr_cli.app import app
from nscr_cli.exits import Exit
from nscr_cli.monitors import alert_commands, asking, backoff, round_trip
from nscr_cli.monitors.metrics import METRICS
from nscr_cli.monitors.round_trip import Step
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.streams import blob_listing, state
from nscr_cli.monitors.streams.blobs import BlobsFollower
from nscr_cli.monitors.streams.health import HealthFollower
from nscr_cli.monitors.streams.lines import COMMON_COLUMNS, NOTICE_COLUMNS, STREAM_FORMAT, notice_document
from nscr_cli.monitors.streams.sessions import SessionsFollower
from nscr_cli.monitors.streams.state import StateFollower

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "watching.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables of a section, without their heads."""
    section = TEXT.split(f"\n## {heading}")[1].split("\n## ")[0]
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", section, flags=re.MULTILINE):
        lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
        found += [[cell.strip().strip("`") for cell in line] for line in lines[2:]]
    return found


def rules_in_code() -> set[str]:
    """Every text that is given as `rule=` anywhere in the monitors, or stands for it as a constant."""
    found = set()
    for path in (ROOT / "nscr_cli" / "monitors").rglob("*.py"):
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "rule":
                if isinstance(node.value, ast.Constant):
                    found.add(node.value.value)
                elif isinstance(node.value, ast.Name) and node.value.id in constants:
                    found.add(constants[node.value.id])
    return found | {f"probe-{step}" for step in Step}


def test_every_rule_is_described_and_no_other():
    assert {row[0] for row in rows("Alerts")} == rules_in_code()


def test_metrics():
    shown = [(name, type_, label, what) for name, type_, label, what in rows("Metrics")]
    made = [(metric.name, str(metric.type), metric.label or "", metric.help) for metric in METRICS]
    assert shown == made, "\n".join(
        f"| `{name}` | {type_} | {f'`{label}`' if label else ''} | {what} |" for name, type_, label, what in made
    )


def test_columns():
    table = rows("Rows")
    assert [row[0] for row in table if len(row) == 2] == [*COMMON_COLUMNS, *NOTICE_COLUMNS]
    views = (StateFollower, HealthFollower, SessionsFollower, BlobsFollower)
    assert [tuple(row[:2]) for row in table if len(row) == 3] == [
        (view.name, column) for view in views for column in view.columns
    ]


def test_exit_codes():
    assert [int(row[0]) for row in rows("Exit codes")] == [
        Exit.VALID, Exit.INVALID, Exit.USAGE, Exit.ENVIRONMENT, Exit.INTERRUPTED, Exit.UNREAD, Exit.TERMINATED,
    ]  # fmt: skip


def test_views_and_their_intervals():
    views = typer.main.get_command(app).commands["watch"].commands  # type: ignore[attr-defined]
    shown = {row[0]: row[2] for row in rows("The views")}
    defaults = {
        name: next(parameter.default for parameter in view.params if parameter.name == "interval")
        for name, view in views.items()
    }
    assert shown == defaults


def test_every_variable_of_a_command_is_named():
    notice = Notice(at_s=0, rule="r", text="t")
    for name in notice_document(notice, "utc", "http://r"):
        assert f"`NSCR_ALERT_{name.upper()}`" in TEXT


@pytest.mark.parametrize(
    "sentence",
    [
        f"has {alert_commands.BOUND_S:g} seconds",
        f"details of up to {state.DETAILS_A_ROUND} repositories",
        f"pages of {blob_listing.PAGE:,}".replace(",", " "),
        f"up to {backoff.MOST_INTERVALS} intervals",
        f"up to {backoff.LONGEST_OBEYED_S / 60:g} minutes",
        f"within {round_trip.VISIBLE_WITHIN_S:g} seconds",
        f"`format` ({STREAM_FORMAT})",
    ],
)
def test_figures_in_sentences(sentence: str):
    assert sentence in " ".join(TEXT.split())


def test_bounds_that_words_stand_for():
    assert blob_listing.MOST_BLOBS == 1_000_000
    assert "of pages 96 MB at most. Of more than a million" in " ".join(TEXT.split())
    assert (backoff.LONGEST_S, alert_commands.MOST_AT_ONCE) == (60, 4)
    assert "at most a minute" in TEXT
    assert "of all alerts four" in " ".join(TEXT.split())
    assert asking.MOST_KEPT_IN_ALL == 96 * 1024 * 1024
