"""The golden histories once more: what is told of them while they go on, the checkers find in the end."""

from pathlib import Path

import pytest

from tests.golden.test_golden import CHECKERS, FILES, Golden
from tests.unit.nscr_cli.monitors.online_agreement import told, unconfirmed

JUDGES = [checker for name, checker in CHECKERS.items() if name not in ("faults", "progress", "resources")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_is_told_that_the_checkers_do_not_find(path: Path) -> None:
    golden = Golden(path)
    seen = told(golden.entries, golden.plan, JUDGES)
    assert unconfirmed(seen, golden.entries, golden.plan, JUDGES) == []


def test_much_of_what_the_goldens_hold_is_told() -> None:
    rules = set()
    for path in FILES:
        golden = Golden(path)
        rules |= {(one.checker, one.rule) for one in told(golden.entries, golden.plan, JUDGES)}
    assert rules >= {
        ("blobs", "corrupt-content"),
        ("blobs", "lost-blob"),
        ("blobs", "lost-manifest"),
        ("blobs", "wrong-range"),
        ("liveness", "target-died"),
        ("monitoring", "contradiction"),
        ("protocol", "server-error"),
        ("protocol", "wrong-digest-header"),
        ("protocol", "wrong-status"),
        ("tags", "lost-or-stale"),
    }, rules
