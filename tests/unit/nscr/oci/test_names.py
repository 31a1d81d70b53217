import pytest

from nscr.oci.digest import digest_of
from nscr.oci.errors import ErrorCode, InvalidInput
from nscr.oci.names import MAX_NAME_LENGTH, is_digest_reference, parse_name, parse_reference, parse_tag


@pytest.mark.parametrize("name", ["a", "a/b", "a.b_c__d-e---f/0", "library/nginx", "a" * MAX_NAME_LENGTH])
def test_names_of_the_grammar(name: str) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "a/", "/a", "a//b", "a..b", "a___b", "-a", "a-", ".", "..", "a/../b", "a b", "a\n", "ä", "a" * 256],
)
def test_names_outside_the_grammar(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_name(name)
    assert caught.value.code is ErrorCode.NAME_INVALID


@pytest.mark.parametrize("tag", ["latest", "_", "1.0", "A-b_c.d", "x" * 128])
def test_tags_of_the_grammar(tag: str) -> None:
    assert parse_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a b", "a/b", "a:b", "x" * 129, "a\n"])
def test_tags_outside_the_grammar(tag: str) -> None:
    with pytest.raises(InvalidInput):
        parse_tag(tag)


def test_a_reference_is_a_digest_or_a_tag_by_its_colon() -> None:
    digest = digest_of(b"")
    assert parse_reference(digest) == digest
    assert is_digest_reference(digest)
    assert parse_reference("latest") == "latest"
    assert not is_digest_reference("latest")
    with pytest.raises(InvalidInput) as caught:
        parse_reference("sha256:abc")
    assert caught.value.code is ErrorCode.DIGEST_INVALID
