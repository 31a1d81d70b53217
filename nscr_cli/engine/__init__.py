"""The engine: from a scenario to a judged run. The interpreter is its one impure loop."""
