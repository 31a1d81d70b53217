"""The bystander: one more client, which reads a little of a repository that nobody else touches. Pure.

How long it waits beside the load, and how long it did before, tells whether what is done to one repository is felt in
another (bug M1 of docs/bugs.toml).
"""

from nscr_cli.history.history import Operation
from nscr_cli.history.keys import repository_of
from nscr_cli.history.ops import Phase
from nscr_cli.history.plan import RunPlan

NAME = "bystander"


def is_bystanders(operation: Operation, plan: RunPlan) -> bool:
    """Whether the bystander asked it."""
    repository = repository_of(operation.key)
    return repository.endswith(NAME) and repository.startswith(plan.namespace)


def is_before(operation: Operation) -> bool:
    """Whether it was asked before the load."""
    return operation.phase is Phase.SEED
