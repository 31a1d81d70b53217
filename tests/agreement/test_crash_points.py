"""A kill at every crash point, and that there is a crash point wherever one is needed.

What is killed and how it is judged stands in crash_run.py.
"""

import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nscr.stores
from nscr.crashpoints import POINTS, STEPS, arm, crash_around, observe
from nscr.errors import ConfigurationError

DURABLE_CALLS = {"fsync", "fdatasync", "rename", "replace", "unlink", "truncate", "ftruncate", "mkdir", "link", "rmdir"}
STORES = Path(nscr.stores.__path__[0])
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a kill needs no disk, only a file system


@pytest.fixture(scope="module")
def outcome() -> Any:
    folder = Path(tempfile.mkdtemp(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None))
    program = Path(__file__).with_name("crash_run.py")
    ended = subprocess.run(
        [sys.executable, str(program), str(folder)], capture_output=True, text=True, timeout=240, check=False
    )
    shutil.rmtree(folder)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.slow
def test_a_kill_at_every_point_leaves_the_old_or_the_new_and_a_store_that_works(outcome: Any) -> None:
    print(f"{outcome['kills']} kills at {len(outcome['passages'])} points")
    assert outcome["wrong"] == []
    assert outcome["kills"] >= len(POINTS)


@pytest.mark.slow
def test_every_named_point_is_passed(outcome: Any) -> None:
    assert set(outcome["passages"]) == set(POINTS)


def named_steps(tree: ast.AST) -> Iterator[str]:
    """The names that are given to a durable step, wherever that is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in STEPS:
            yield node.value


def is_durable(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(owner, ast.Attribute) and owner.attr == "_disk":
        # Calls of nscr.stores.disk, which is looked through itself.
        return False
    if name == "execute":
        return any(isinstance(text, ast.Constant) and text.value == "COMMIT" for text in call.args)
    if name == "replace":
        return not call.keywords
    return name in DURABLE_CALLS


def unguarded(node: ast.AST, *, guarded: bool = False) -> Iterator[int]:
    """Lines of durable calls that no `with crash_around(...)` encloses."""
    if isinstance(node, ast.With):
        guarded = guarded or any(
            isinstance(item.context_expr, ast.Call) and getattr(item.context_expr.func, "id", "") == "crash_around"
            for item in node.items
        )
    if isinstance(node, ast.Call) and is_durable(node) and not guarded:
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from unguarded(child, guarded=guarded)


def test_every_durable_call_of_the_stores_stands_between_two_points() -> None:
    found = [(path.name, line) for path in STORES.glob("*.py") for line in unguarded(ast.parse(path.read_text()))]
    assert found == []
    used = {name for path in STORES.glob("*.py") for name in named_steps(ast.parse(path.read_text()))}
    assert used == set(STEPS)


def test_what_looks_for_durable_calls_finds_them() -> None:
    source = "os.fsync(1)\nwith crash_around('x'):\n    a.rename(b)\nc.execute('COMMIT')\npath.unlink()\n"
    assert list(unguarded(ast.parse(source))) == [1, 4, 5]


def test_an_observer_is_told_both_sides_of_a_step() -> None:
    passed: list[str] = []
    observe(passed.append)
    try:
        with crash_around("blob.rename"):
            passed.append("the call")
    finally:
        observe(None)
    assert passed == ["blob.rename.before", "the call", "blob.rename.after"]


@pytest.mark.parametrize("text", ["", "blob.rename", "blob.rename.after:0", "blob.rename.after:-1"])
def test_what_names_no_passage(text: str) -> None:
    with pytest.raises(ConfigurationError):
        arm(text)
