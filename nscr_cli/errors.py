"""The errors that nscr_cli raises on purpose. Whose fault it is comes first:

NscrError                      never raised itself
├── UsageError          (2)    the caller's: flags, scenario files, configuration
│   ├── ScenarioError          a scenario that is unknown or does not hold together
│   ├── ConsentError           a host that nobody consented to torture
│   └── RunFolderError         a run folder that is missing, damaged, or of a newer format
└── EnvironmentFailed   (5)    the target's or this machine's
    ├── TargetUnreachable      it never answered
    ├── TargetRefused          it answered, and would not let us in
    ├── AnswerUnusable         it answered, and not as its documentation says
    ├── RepositoryUnknown      it answered that it has no such repository
    └── ReportsUnwritable      this machine cannot keep the evidence

Each carries a hint (what to do next) and the exit code. Commands print `message` and `hint`, never a traceback.
"""

from nscr_cli.exits import Exit


class NscrError(Exception):
    """Base of all errors that a user is meant to read.

    Args:
        message: what went wrong, with the offending value in it.
        hint: what to do next; one line.
    """

    exit_code: Exit = Exit.INTERNAL

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(NscrError):
    """The command line or a file that the caller wrote is wrong."""

    exit_code = Exit.USAGE


class ScenarioError(UsageError):
    """A scenario is unknown, or its file is not valid."""


class ConsentError(UsageError):
    """The target is not loopback and nobody said that it may be tortured."""


class RunFolderError(UsageError):
    """A run folder cannot be read: not there, damaged, or written by a newer nscr."""


class EnvironmentFailed(NscrError):
    """The target or this machine is at fault."""

    exit_code = Exit.ENVIRONMENT


class TargetUnreachable(EnvironmentFailed):
    """The registry never answered."""


class TargetRefused(EnvironmentFailed):
    """The registry answered and refused us: wrong credentials, or not a registry."""


class AnswerUnusable(EnvironmentFailed):
    """The registry answered with a status or a document that its API does not have."""


class RepositoryUnknown(EnvironmentFailed):
    """The registry has no repository of the name that was asked for."""


class ReportsUnwritable(EnvironmentFailed):
    """The reports folder cannot be written."""
