"""The namespace: nothing outside of it can be named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.generators.namespace import Namespace


def test_it_names_repositories_below_itself() -> None:
    assert Namespace("nscr-torture/run-1").repository("repository-0") == "nscr-torture/run-1/repository-0"


@pytest.mark.parametrize("path", ["", "Upper", "a//b", "/a", "a/", "a/../b", "..", "a b", "a:b", "a@b", "x" * 201, "é"])
def test_it_refuses_what_is_no_name(path: str) -> None:
    with pytest.raises(ValueError, match="is not a repository name"):
        Namespace(path)


@pytest.mark.parametrize("name", ["", "..", "../other", "a/../../b", "/a", "A", "a:b"])
def test_no_name_leads_out_of_it(name: str) -> None:
    with pytest.raises(ValueError, match="is not a repository name"):
        Namespace("ours").repository(name)


@pytest.mark.parametrize("key", ["ours", "ours-too/a", "other/ours/a", "ours:tag", "ours@sha256:00", ""])
def test_it_owns_nothing_beside_itself(key: str) -> None:
    assert not Namespace("ours").owns(key)


def test_flat_names_share_a_beginning_that_nobody_else_has() -> None:
    namespace = Namespace("user/run-1", "-")
    assert namespace.repository("repository-0") == "user/run-1-repository-0"
    assert namespace.owns("user/run-1-repository-0:tag")
    assert not [key for key in ("user/run-1", "user/run-1/a", "user/run-10-a", "user/run-") if namespace.owns(key)]


@given(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.sampled_from(["", ":tag", "@sha256:00"]))
def test_it_owns_what_it_names(name: str, reference: str) -> None:
    namespace = Namespace("ours")
    assert namespace.owns(namespace.repository(name) + reference)
