"""How much load is enough: so many operations, and not so many seconds.

A busy machine takes longer for them, and has as much evidence in the end; a quick one does not ask the same ten times
over. NSCR_TEST_OPERATIONS says how many (`make seeds`: 4000).
"""

import os

OPERATIONS = int(os.environ.get("NSCR_TEST_OPERATIONS", "800"))
_LONGEST = "100s"
# By a slow line each takes long; and of a mixture of everything, some of what the floors ask for is rare.
_SHARES = {"long-push": 0.375, "mixed": 1.5}
# Operations arrive by a schedule there, and grow more until the time is over.
_BY_TIME = {"overload": "5s"}


def load_of(scenario: str = "mixed", *, times: float = 1) -> tuple[str, ...]:
    """The options of `nscr torture` for so many times as much as every floor of a scenario wants."""
    if scenario in _BY_TIME:
        return "--duration", _BY_TIME[scenario]
    return "--ops", str(round(times * _SHARES.get(scenario, 1) * OPERATIONS)), "--duration", _LONGEST
