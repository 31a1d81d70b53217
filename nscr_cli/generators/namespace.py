"""The only place where names of repositories are made.

A run writes below its namespace and nowhere else. Workloads get a `Namespace` and no other way to name a repository,
and the interpreter refuses what the namespace does not own, so nothing outside it can be written, moved or deleted.
Grammar: spec.md#pulling-manifests.
"""

import re

import msgspec

from nscr_cli.history.keys import repository_of

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII)
_LONGEST = 200


class Namespace(msgspec.Struct, frozen=True):
    """A path of a registry below which a run may write.

    Raises:
        ValueError: not a name that the specification allows, or too long to put repositories below.
    """

    path: str

    def __post_init__(self) -> None:
        if len(self.path) > _LONGEST or not _NAME.fullmatch(self.path):
            raise ValueError(f"{self.path!r} is not a repository name")

    def repository(self, name: str) -> str:
        """The full name of the repository `name` below this namespace."""
        full = f"{self.path}/{name}"
        if not _NAME.fullmatch(full):
            raise ValueError(f"{full!r} is not a repository name")
        return full

    def owns(self, key: str) -> bool:
        """Whether a key (history/keys.py) or repository lies below this namespace."""
        return repository_of(key).startswith(f"{self.path}/")
