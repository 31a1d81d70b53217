"""The text of a new scenario file: valid as it stands, every value explained. Pure."""

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
# What is promised about reads of a tag: "linearizable" or "read-your-writes".
tag_model = "linearizable"
# Repositories, and tags in each of them, that the clients contend for: the fewer, the harder.
repositories = 3
tags = 4
# Smallest and largest layer, in bytes.
blob_sizes = [0, 65536]

# How often each errand is taken up, relative to the others; 0 or left out: never.
[weights]
"""


def scenario_template(name: str, workload: Workload) -> str:
    """TOML of a scenario of the workload of this name, with each of its errands at the same weight."""
    weights = [f"{action} = 10 # {workload.actions[action].summary}" for action in workload.actions]
    return _HEAD.format(workload=name) + "\n".join(weights) + "\n"
