"""JSON that others wrote."""

from typing import Any

import msgspec
import pytest

from nscr_cli.client.documents import error_form_of, references_of, referrers_of, repositories_of, tags_of
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.history.ops import ErrorForm
from nscr_cli.monitors.sampler import one_line

DEEP = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


class Named(msgspec.Struct):
    name: str


def test_a_document_in_its_shape() -> None:
    assert read_json(b'{"name":"a","more":1}', Named) == Named("a")
    assert read_json("[1]") == [1]


@pytest.mark.parametrize(
    ("body", "kind"), [(b"{", Any), (b'{"name":1}', Named), (b'{"name":"\xff"}', Named), (DEEP, Named)]
)
def test_it_fails_in_one_way(body: bytes, kind: Any) -> None:
    with pytest.raises(Unreadable):
        read_json(body, kind)


def test_what_is_nested_too_deeply_is_none_of_the_documents_of_a_registry() -> None:
    assert references_of(DEEP) is None
    assert tags_of(DEEP) is None
    assert repositories_of(DEEP) is None
    assert referrers_of(DEEP) is None
    assert error_form_of(DEEP) is ErrorForm.NOT_JSON


@pytest.mark.parametrize("levels", [10, 500, 800, 990, 5000])
def test_what_enters_a_journal_can_be_read_from_it(levels: int) -> None:
    body = b"[" * levels + b"]" * levels
    try:
        kept = one_line(body)
    except Unreadable:
        assert levels > 100
        return
    line = msgspec.json.encode({"entry": [{"body": kept}]})
    assert msgspec.json.decode(line)["entry"][0]["body"] is not None
