"""The connection options of all commands."""

import io

import pytest

from nscr_cli.client.target import Credentials
from nscr_cli.commands.options import Access
from nscr_cli.errors import UsageError

URL = "http://localhost:5000"


@pytest.mark.parametrize(
    ("url", "username", "password", "expected"),
    [
        (URL, None, None, None),
        (URL, "ann", "pw", Credentials("ann", "pw")),
        (URL, "ann", "", Credentials("ann", "")),
        ("http://bob:old@localhost:5000", None, None, Credentials("bob", "old")),
        ("http://bob:old@localhost:5000", None, "new", Credentials("bob", "new")),
        ("http://bob:old@localhost:5000", "ann", "new", Credentials("ann", "new")),
        ("http://bob:old@localhost:5000", "bob", None, Credentials("bob", "old")),
    ],
)
def test_credentials(url: str, username: str | None, password: str | None, expected: Credentials | None) -> None:
    target, credentials = Access(username=username, password=password).connection(url)
    assert (target.url, credentials) == (URL, expected)


def test_password_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret \nmore\n"))
    _, credentials = Access(username="ann", password_stdin=True).connection(URL)
    assert credentials == Credentials("ann", "s3cret ")


@pytest.mark.parametrize(("username", "password"), [("ann", None), (None, "pw"), ("", "pw"), ("a:b", "pw")])
def test_half_credentials(username: str | None, password: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        Access(username=username, password=password).connection(URL)
    assert "pw" not in caught.value.message


def test_tls() -> None:
    assert Access(insecure=True).connection("https://a")[0].is_verified is False
    assert Access().connection("https://a")[0].is_verified is True


def test_a_password_in_the_address_is_for_its_own_user() -> None:
    with pytest.raises(UsageError, match="no password for user 'ann'"):
        Access(username="ann").connection("http://bob:old@localhost:5000")


def test_of_several_one_that_brings_its_own_credentials_keeps_them() -> None:
    reached = Access(username="ann", password="secret").connections(["http://bob:own@a", "http://b"])
    assert [(target.host, credentials) for target, credentials in reached] == [
        ("a", Credentials("bob", "own")),
        ("b", Credentials("ann", "secret")),
    ]
    assert Access(username="ann", password="secret").connections(["http://bob:own@a"])[0][1] == Credentials(
        "ann", "secret"
    )


def test_of_several_each_gets_the_password_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    reached = Access(username="ann", password_stdin=True).connections(["http://a", "http://b"])
    assert [credentials for _, credentials in reached] == [Credentials("ann", "secret")] * 2


def test_a_registry_that_is_named_twice_is_told() -> None:
    with pytest.raises(UsageError, match="http://a is named twice"):
        Access(username="ann", password="secret").connections(["http://a", "http://u:p@a/"])


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Access(username="ann", password="s3cret"))
