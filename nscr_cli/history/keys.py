"""Keys: the text that names what an operation is about.

`repository:tag` a tag, `repository@digest` a blob or manifest, `repository` the repository itself. Unambiguous because
the specification's names hold neither `:` nor `@` (spec.md#pulling-manifests).
"""


def tag_key(repository: str, tag: str) -> str:
    """The key of a tag."""
    return f"{repository}:{tag}"


def digest_key(repository: str, digest: str) -> str:
    """The key of a blob or manifest within a repository."""
    return f"{repository}@{digest}"


def repository_of(key: str) -> str:
    """The repository that a key lies in."""
    return key.partition("@")[0].partition(":")[0]


def tag_of(key: str) -> str | None:
    """The tag that a key names, if it names one."""
    return None if "@" in key else key.partition(":")[2] or None


def digest_of(key: str) -> str | None:
    """The digest that a key names, if it names one."""
    return key.partition("@")[2] or None
