"""What the shell offers after a part of a word: names of scenarios, workloads and sabotages, with what they mean.

A completion runs at every press of the key: it prints nothing, and where it knows nothing the shell offers files. What
it needs it imports when the key is pressed: commands name these functions, and should start without that.
"""

import json
import subprocess
import sys

from nscr_cli.errors import ScenarioError

Offers = list[tuple[str, str]]
_LONGEST_S = 5.0


def complete_scenario(incomplete: str) -> Offers:
    """The shipped scenarios, with their titles."""
    from nscr_cli.engine.scenario_file import load_scenario, scenario_names

    try:
        return [(name, load_scenario(name).title) for name in scenario_names() if name.startswith(incomplete)]
    except ScenarioError:
        return []


def complete_workload(incomplete: str) -> Offers:
    """The workloads of a scenario file."""
    from nscr_cli.workloads.catalogue import WORKLOADS

    return [(name, "") for name in sorted(WORKLOADS) if name.startswith(incomplete)]


def complete_sabotage(incomplete: str) -> Offers:
    """The bugs that can be built into the reference registry, as it tells them itself: nothing here imports it."""
    try:
        listed = subprocess.run(
            [sys.executable, "-P", "-m", "nscr", "--list-sabotages", "--json"],
            capture_output=True,
            check=True,
            timeout=_LONGEST_S,
        )
        sabotages = json.loads(listed.stdout)
        offers = [(str(each["name"]), str(each["description"])) for each in sabotages]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return []
    return [(name, description) for name, description in offers if name.startswith(incomplete)]
