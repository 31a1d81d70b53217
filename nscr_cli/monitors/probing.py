"""A registry without the monitoring API: what tells that there is none, and what a probe of `/v2/` shows. Pure.

A registry that answers every path with a page, as those with a web interface do, has no monitoring API either: only a
JSON object counts as an attempt at one. `/v2/` answers 200 where the registry works and lets us in
(spec.md#determining-support).
"""

from collections.abc import Iterator, Mapping

import msgspec

from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.monitors.rules import Answer, Condition, unusable

V2 = "/v2/"
CATALOG_PAGE = 1000


class Catalog(msgspec.Struct, frozen=True):
    """How many repositories `/v2/_catalog` lists; at least so many, where it was not read to its end."""

    repositories: int
    is_whole: bool = True


def why_absent(answers: Mapping[str, Answer]) -> str | None:
    """Why the answers are none of the monitoring API, in words; None where they may be, or where nobody answered."""
    seen = [answer for answer in answers.values() if answer.status is not None]
    if not seen or any(_may_be_monitoring(answer) for answer in seen):
        return None
    refused = [answer.status for answer in seen if answer.status in (401, 403)]
    return f"the monitoring API refuses us (HTTP {refused[0]})" if refused else "no monitoring API"


def probe_conditions(answers: Mapping[str, Answer]) -> Iterator[Condition]:
    """What is wrong with the answer to a probe; that there is none at all, the other rules tell."""
    probe = answers.get(V2)
    if probe is not None and probe.status is not None:
        yield from unusable(probe, is_usable=probe.status == 200)


def catalog_path(last: str | None = None) -> str:
    """One page of the catalog: the first, or what comes after a name."""
    after = f"&last={last}" if last is not None else ""
    return f"/v2/_catalog?n={CATALOG_PAGE}{after}"


def names_in(body: bytes) -> list[str] | None:
    """The repositories of a page of the catalog; None where it is none."""
    try:
        return read_json(body, _Page).repositories or []
    except Unreadable:
        return None


class _Page(msgspec.Struct):
    repositories: list[str] | None


def _may_be_monitoring(answer: Answer) -> bool:
    if answer.status is None or answer.status == 429 or answer.status >= 500:
        return True
    return answer.status == 200 and _is_json_object(answer.body)


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(read_json(body), dict)
    except Unreadable:
        return False
