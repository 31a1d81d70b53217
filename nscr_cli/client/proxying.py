"""The way through an HTTP proxy: one rule for both clients, the wire's and httpx's. Pure.

The proxy is the one that the user names. What is this machine, and what NO_PROXY excepts, is reached directly: its
entries are `*`, hosts, domains (with all below them) and networks such as 10.0.0.0/8, each with `:port` if only that
port is meant. http goes as a request in absolute form (RFC 9112, 3.2.2), https through a tunnel (RFC 9110, 9.3.6).
"""

import base64
import ipaddress
from urllib.parse import unquote, urlsplit

import msgspec

from nscr_cli.errors import UsageError

_PORT = 3128


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP proxy, and who is reached past it.

    Attributes:
        user_info: `name:password` for it, never shown; None where it asks for none.
        exceptions: entries of NO_PROXY.
    """

    host: str
    port: int
    user_info: str | None = None
    exceptions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, port={self.port})"

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What says to the proxy who is asking."""
        if self.user_info is None:
            return ()
        return (("Proxy-Authorization", f"Basic {base64.b64encode(self.user_info.encode()).decode('ascii')}"),)

    def excepts(self, host: str, port: int) -> bool:
        """Whether a host is reached directly."""
        return any(_matches(entry, host.lower().rstrip("."), port) for entry in self.exceptions)


def parse_proxy(text: str, no_proxy: str) -> Proxy:
    """The proxy that a URL names; port 3128 where it names none.

    Args:
        no_proxy: the value of NO_PROXY: entries between commas or spaces.

    Raises:
        UsageError: not the address of an HTTP proxy.
    """
    shown = text.rpartition("@")[2]
    hint = "write http://proxy.example:3128, with user:password@ before the host where it asks for them"
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        host, port = url.hostname, url.port
    except ValueError as error:
        raise UsageError(f"--proxy {shown!r} is not the address of a proxy: {error}", hint=hint) from error
    if url.scheme != "http" or not host or url.path.strip("/") or url.query or url.fragment:
        raise UsageError(f"--proxy {shown!r} is not the address of an HTTP proxy", hint=hint)
    user_info = None if url.username is None else f"{unquote(url.username)}:{unquote(url.password or '')}"
    return Proxy(
        host=host, port=port or _PORT, user_info=user_info, exceptions=tuple(no_proxy.replace(",", " ").split())
    )


def _matches(entry: str, host: str, port: int) -> bool:
    entry = entry.lower()
    name, colon, only = entry.rpartition(":")
    if colon and only.isdigit() and ("]" in name or ":" not in name):
        if int(only) != port:
            return False
        entry = name
    if entry == "*":
        return True
    entry = entry.strip("[]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        domain = entry.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
