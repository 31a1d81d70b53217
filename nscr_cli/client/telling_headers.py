"""Headers that are kept for whoever reads a finding, besides those that checkers judge. Pure.

Few and short, since a journal has millions of answers, and none that differ with every answer (Date). Secrets that show
by their form are taken out here, those that are known by value where the journal is written.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from nscr_cli.history.redaction import redacted

_LONGEST = 200
# Of a success: somebody else than the registry may have answered, perhaps with what was true once.
_OF_ANY = frozenset({"age", "cf-cache-status", "warning", "x-cache", "x-cache-status"})
_OF_FAILURES = _OF_ANY | {
    "allow",
    "cache-control",
    "docker-distribution-api-version",
    "docker-upload-uuid",
    "etag",
    "link",
    "oci-chunk-min-length",
    "oci-subject",
    "range",
    "server",
    "via",
    "www-authenticate",
    "x-ratelimit-remaining",
    "x-served-by",
}


def telling(headers: Mapping[str, str], *, is_success: bool) -> tuple[tuple[str, str], ...]:
    """Those of an answer that are kept.

    Args:
        headers: the first value of each, by its name in lower case.
    """
    names = headers.keys() & (_OF_ANY if is_success else _OF_FAILURES)
    return tuple(_kept(headers, names)) if names else ()


def _kept(headers: Mapping[str, str], names: set[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        yield name, _clean(headers[name])


@lru_cache(maxsize=1024)  # most of them are the same in every answer
def _clean(value: str) -> str:
    # Cut after redaction: half a secret has lost the form by which it shows.
    return redacted(value)[:_LONGEST]
