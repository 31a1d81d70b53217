"""Where a registry says that something lies that was just written: spec.md asks for a Location that can be pulled.

Judged by its path alone. A registry may send its readers anywhere, by any path; only a path that has the form of the
specification's endpoints names something, and it must not name something else.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from nscr_cli.history.history import Operation
from nscr_cli.history.keys import repository_of, tag_of
from nscr_cli.history.ops import F

MISSING = "without Location"

_ENDPOINT = re.compile(r"/v2/(.+)/(blobs|manifests)/([^/]+)$")


def is_plainly_located(one: Operation) -> bool:
    """A look at the usual Location that is enough to see that nothing is wrong with it."""
    location, digest = one.answered.location, one.asked.digest
    if location is None or digest is None or not location.endswith(digest):
        return False
    names = "/manifests/" if one.f is F.PUT_MANIFEST else "/blobs/"
    return location[: -len(digest)].endswith(f"/v2/{repository_of(one.key)}{names}")


def misleading(one: Operation, *, is_ours: bool) -> Iterable[str]:
    """What is wrong with the Location of an acknowledged write, in words.

    Args:
        is_ours: no proxy between us and the registry renames its repositories.
    """
    location = one.answered.location
    if location is None:
        yield MISSING
        return
    found = _ENDPOINT.search(unquote(location))
    if found is None:
        return
    repository, kind, named = found.groups()
    if kind != ("manifests" if one.f is F.PUT_MANIFEST else "blobs"):
        yield f"with a Location among the {kind}"
    elif ":" in named:
        digest = one.asked.digest or ""
        if named.partition(":")[0] == digest.partition(":")[0] and named != digest:
            yield "with the Location of another digest"
    elif kind == "manifests" and named != tag_of(one.key):
        yield "with the Location of another tag"
    if is_ours and repository != repository_of(one.key):
        yield "with a Location in another repository"
