"""The only place where names of repositories are made.

A run writes below its namespace and nowhere else. Workloads get a `Namespace` and no other way to name a repository,
and the interpreter refuses what the namespace does not own, so nothing outside it can be written, moved or deleted.
Grammar: spec.md#pulling-manifests.
"""

import re

import msgspec

from nscr_cli.history.plan import RunPlan

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII)
_LONGEST = 200


class Namespace(msgspec.Struct, frozen=True):
    """A path of a registry below which a run may write.

    Attributes:
        joint: what stands between it and the names below it: `/`, or `-` for a registry of flat names.

    Raises:
        ValueError: not a name that the specification allows, or too long to put repositories below.
    """

    path: str
    joint: str = "/"

    def __post_init__(self) -> None:
        if len(self.path) > _LONGEST or not _NAME.fullmatch(self.path):
            raise ValueError(f"{self.path!r} is not a repository name")

    @property
    def prefix(self) -> str:
        """What the name of every repository below it begins with."""
        return f"{self.path}{self.joint}"

    def repository(self, name: str) -> str:
        """The full name of the repository `name` below this namespace."""
        full = f"{self.prefix}{name}"
        if not _NAME.fullmatch(full):
            raise ValueError(f"{full!r} is not a repository name")
        return full

    def owns(self, key: str) -> bool:
        """Whether a key (history/keys.py) or repository lies below this namespace."""
        # The prefix holds neither `:` nor `@`: what begins with it has a repository that does.
        return key.startswith(self.prefix)


def namespace_of(plan: RunPlan) -> Namespace:
    """Where a run may write."""
    return Namespace(plan.namespace, "-" if plan.is_flat else "/")
