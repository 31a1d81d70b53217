"""The documents of the monitoring API: the examples of docs/external-api.md as they stand, and what is none of them."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from nscr_cli.client.monitoring import Blobs, CollectionStats, Health, RepositoryDetails, Sessions, State

DOCUMENT = Path(__file__).parents[4] / "docs" / "external-api.md"
KINDS = {
    "/api/registry/state": State,
    "/api/registry/repositories/{name}": RepositoryDetails,
    "/api/registry/blobs": Blobs,
    "/api/registry/sessions": Sessions,
    "/api/registry/health": Health,
    "/api/garbage-collect/stats": CollectionStats,
}


def examples() -> dict[str, dict[str, object]]:
    """The documented example of each endpoint."""
    found = re.findall(r"\*\*Endpoint:\*\* `GET (\S+)`.*?```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return {path: json.loads(example) for path, example in found}


def test_every_documented_endpoint_has_a_document() -> None:
    assert examples().keys() == KINDS.keys()


@pytest.mark.parametrize("path", KINDS)
def test_the_documented_example_is_read_whatever_else_is_said(path: str) -> None:
    example = examples()[path]
    document = msgspec.convert(example | {"more": [1]}, KINDS[path])
    told = msgspec.to_builtins(document)
    assert {name: told[name] for name in example if not isinstance(example[name], list | dict)} == {
        name: value for name, value in example.items() if not isinstance(value, list | dict)
    }


def fields(document: object) -> Iterator[tuple[dict[str, object], str]]:
    """Every named field within a document, and the object that it stands in; the health checks have free names."""
    if isinstance(document, list):
        for element in document:
            yield from fields(element)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name not in {"duration", "repositoryListing", "statisticsAccess", "databaseConnectivity"}:
                yield document, name
            yield from fields(value)


@pytest.mark.parametrize("path", KINDS)
def test_every_documented_field_is_required_and_typed(path: str) -> None:
    count = len(list(fields(examples()[path])))
    assert count >= 5
    for number in range(count):
        example = examples()[path]
        for change in (lambda holder, name: holder.pop(name), lambda holder, name: holder.update({name: 0.5})):
            broken = copy.deepcopy(example)
            change(*list(fields(broken))[number])
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(broken, KINDS[path])
