"""The text of a new scenario file: valid as it stands, every value explained. Pure.

What most scenarios set is set; every other key of the schema follows as a comment, with its meaning and its default.
"""

import textwrap
from collections.abc import Iterator

from nscr_cli.engine.scenario_keys import Key, keys_of
from nscr_cli.history.plan import Scenario
from nscr_cli.workloads.catalogue import Workload

_HEAD = """\
title = "One line for lists"
description = \"\"\"
What the clients do, which bug class this hunts, which reports and clauses stand behind it.
\"\"\"

# Which errands the clients have, and who judges them.
workload = "{workload}"
# Concurrent clients; `--workers` overrides it.
workers = 8
# Seconds of load; `--duration` overrides it.
duration_s = 20.0
# What is promised about reads of a tag: "linearizable", "read-your-writes" or "eventual(5s)".
tag_model = "linearizable"
# Repositories, and tags in each of them, that the clients contend for: the fewer, the harder.
repositories = 3
tags = 4
# Smallest and largest layer, in bytes.
blob_sizes = [0, 65536]
"""
_WEIGHTS = """
# How often each errand is taken up, relative to the others; 0 or left out: never.
[weights]
"""
_TABLES = """
# Least that must have been judged, by checker and count (docs/checkers.md); below it the verdict is UNKNOWN.
# [evidence]
# "tags.writes-read-back" = 20

# Longest time by percentile and operation; breached, the exit code is 4 where it were 0.
# [thresholds]
# "p99.get-manifest" = "500ms"

# What goes wrong between the clients and the registry; as many of these tables as there are faults.
# [[faults]]
# name = "lost-reply"
# steps = ["put-manifest"]
# toxics = [{ kind = "drop-reply" }]
# share = 0.05
"""
_TABLE_KEYS = frozenset({"weights", "evidence", "thresholds", "faults"})
_WIDTH = 110


def scenario_template(name: str, workload: Workload) -> str:
    """TOML of a scenario of the workload of this name, with each of its errands at the same weight."""
    head = _HEAD.format(workload=name)
    others = "".join(line for key in _left_out(head) for line in _commented(key))
    weights = "".join(f"{action} = 10 # {workload.actions[action].summary}\n" for action in workload.actions)
    return f"{head}\n{others}{_WEIGHTS}{weights}{_TABLES}"


def _left_out(head: str) -> Iterator[Key]:
    lines = [line.partition(" =")[0] for line in head.splitlines()]
    return (key for key in keys_of(Scenario) if key.name not in lines and key.name not in _TABLE_KEYS)


def _commented(key: Key) -> Iterator[str]:
    for line in textwrap.wrap(f"{key.meaning[:1].upper()}{key.meaning[1:]}", _WIDTH):
        yield f"# {line}\n"
    yield f"# {key.name} = {key.default or f'... ({key.kind}; left out by default)'}\n"
