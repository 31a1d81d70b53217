"""Which way a registry is reached."""

import pytest

from nscr_cli.client.proxying import parse_proxy
from nscr_cli.client.target import parse_target
from nscr_cli.client.trust import forwarding
from nscr_cli.errors import UsageError


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("", "http://registry.example", False),
        ("", "http://localhost:5000", True),
        ("", "http://127.8.9.1:5000", True),
        ("", "http://[::1]:5000", True),
        ("*", "http://registry.example", True),
        ("registry.example", "https://registry.example", True),
        ("Registry.Example.", "https://registry.example", True),
        ("example", "https://registry.example", True),
        (".example", "https://registry.example", True),
        ("*.example", "https://registry.example", True),
        ("ple", "https://registry.example", False),
        ("a.test, .example", "https://registry.example", True),
        ("registry.example:443", "https://registry.example", True),
        ("registry.example:444", "https://registry.example", False),
        ("10.0.0.0/8", "http://10.1.2.3:5000", True),
        ("10.0.0.0/8", "http://11.1.2.3:5000", False),
        ("10.1.2.3", "http://10.1.2.3:5000", True),
        ("[fd00::1]:5000", "http://[fd00::1]:5000", True),
        ("[fd00::1]:5001", "http://[fd00::1]:5000", False),
        ("fd00::/8", "http://[fd00::1]:5000", True),
        (",, ,", "http://registry.example", False),
    ],
)
def test_who_is_reached_directly(no_proxy: str, url: str, is_direct: bool) -> None:
    target, _ = parse_target(url, proxy=parse_proxy("http://proxy.example", no_proxy))
    assert (target.way is None) == is_direct


def test_the_address_of_a_proxy() -> None:
    proxy = parse_proxy("ann:p%40ss@proxy.example", "")
    assert (proxy.authority, proxy.user_info) == ("proxy.example:3128", "ann:p@ss")
    assert "p@ss" not in repr(proxy)
    assert proxy.headers == (("Proxy-Authorization", "Basic YW5uOnBAc3M="),)
    assert parse_proxy("http://[fd00::1]:8080", "").authority == "[fd00::1]:8080"


@pytest.mark.parametrize("text", ["", "socks5://a", "https://a", "http://a/b", "http://a:x", "http://a?b", "http://[a"])
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(UsageError, match="--proxy"):
        parse_proxy(text, "")


def test_only_http_is_forwarded_request_by_request() -> None:
    proxy = parse_proxy("http://a:b@proxy.example:8080", "")
    plain, _ = parse_target("http://registry.example:5000/x", proxy=proxy)
    assert forwarding(plain) == ("http://registry.example:5000", proxy.headers)
    for text, way in (("https://registry.example", proxy), ("http://registry.example", None)):
        assert forwarding(parse_target(text, proxy=way)[0]) == ("", ())
