"""Addresses of registries as people write them."""

import ipaddress
from pathlib import Path

import pytest

from nscr_cli.client.target import Credentials, is_loopback, parse_target
from nscr_cli.client.trust import dialer_for
from nscr_cli.errors import UsageError
from nscr_cli.wire.dialing import TcpDialer, TlsDialer


@pytest.mark.parametrize(
    ("text", "url", "authority"),
    [
        ("http://localhost:5000", "http://localhost:5000", "localhost:5000"),
        ("localhost:5000", "http://localhost:5000", "localhost:5000"),
        ("127.0.0.1:5000/", "http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000", "[::1]:5000"),
        ("http://[::1]:5000", "http://[::1]:5000", "[::1]:5000"),
        ("registry.example", "https://registry.example", "registry.example"),
        ("registry.example:5000", "https://registry.example:5000", "registry.example:5000"),
        ("https://registry.example:443/a/b/", "https://registry.example/a/b", "registry.example"),
        ("http://registry.example:80", "http://registry.example", "registry.example"),
        (" HTTP://Registry.Example ", "http://registry.example", "registry.example"),
    ],
)
def test_addresses(text: str, url: str, authority: str) -> None:
    target, credentials = parse_target(text)
    assert (target.url, target.authority, credentials) == (url, authority, None)
    assert parse_target(target.url)[0] == target


def test_credentials_move_out_of_the_address() -> None:
    target, credentials = parse_target("https://ann:p%40ss:w@registry.example/x")
    assert credentials == Credentials("ann", "p@ss:w")
    assert target.url == "https://registry.example/x"
    assert "p@ss" not in repr(credentials)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://a",
        "http://a:0",
        "http://a:70000",
        "http://a:x",
        "http://a?b",
        "http://a#b",
        "http://[::1",
        "a b",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert repr(text) in caught.value.message


def test_a_bad_address_does_not_show_its_password() -> None:
    with pytest.raises(UsageError) as caught:
        parse_target("http://ann:s3cret@host:x")
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("LOCALHOST", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True),
        ("localhost.example", False), ("10.0.0.1", False), ("::", False), ("127.1", False), ("", False),
    ],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_loopback_agrees_with_the_standard_library() -> None:
    for text in ("127.0.0.1", "126.255.255.255", "128.0.0.0", "::1", "::2"):
        assert is_loopback(text) == ipaddress.ip_address(text).is_loopback


def test_the_scheme_chooses_the_dialer(tmp_path: Path) -> None:
    assert isinstance(dialer_for(parse_target("http://a")[0]), TcpDialer)
    assert isinstance(dialer_for(parse_target("https://a", is_verified=False)[0]), TlsDialer)
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "missing.pem"):
        with pytest.raises(UsageError, match="certificates"):
            dialer_for(parse_target("https://a", ca_cert=path)[0])
