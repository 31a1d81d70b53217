"""Kinds of operations in six families, so that a plot can be read: nobody tells nineteen colours apart. Data."""

import msgspec


class Family(msgspec.Struct, frozen=True):
    """Kinds of operations that are drawn alike: `f1` to `f6` in report.css."""

    style: str
    name: str
    kinds: tuple[str, ...]


FAMILIES = (
    Family(
        "f1",
        "blob writes",
        (
            "push-blob", "mount-blob", "start-upload", "patch-upload", "get-upload", "finish-upload", "cancel-upload",
        ),
    ),
    Family("f2", "blob reads", ("get-blob", "head-blob")),
    Family("f3", "manifest writes", ("put-manifest",)),
    Family("f4", "manifest reads", ("get-manifest", "head-manifest")),
    Family("f5", "deletes", ("delete-blob", "delete-tag", "delete-manifest")),
    Family("f6", "lists", ("list-tags", "list-page", "list-catalog", "list-referrers")),
)  # fmt: skip


def family_of(kind: str) -> Family:
    """The family of a kind of operation; of one that is not known, that of lists."""
    return next((family for family in FAMILIES if kind in family.kinds), FAMILIES[-1])
