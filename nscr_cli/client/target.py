"""Where a registry is and how it is trusted: the URL that a user names, taken apart. Pure.

A URL may carry a path prefix and `user:password@`; the latter becomes credentials and is never shown again. Without a
scheme, loopback means http and anything else https, as container engines have it.
"""

import ipaddress
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from nscr_cli.client.proxying import Proxy
from nscr_cli.errors import UsageError

_PORTS = {"http": 80, "https": 443}


class Credentials(msgspec.Struct, frozen=True):
    """A user and the password, which is never shown."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A registry's address.

    Attributes:
        prefix: path below which the registry lives, without a slash at the end; mostly empty.
        ca_cert: file of certificates to trust instead of the system's.
        is_verified: the TLS certificate is checked.
        proxy: what its user wants it to be reached through; `way` tells whether it is.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""
    ca_cert: Path | None = None
    is_verified: bool = True
    proxy: Proxy | None = None

    @property
    def authority(self) -> str:
        """Host header: the port is left out where the scheme implies it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address without credentials."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    @property
    def is_loopback(self) -> bool:
        """The registry runs on this machine's loopback interface."""
        return is_loopback(self.host)

    @property
    def way(self) -> Proxy | None:
        """The proxy that it is reached through; None where it is reached directly, as this machine always is."""
        if self.proxy is None or self.is_loopback or self.proxy.excepts(self.host, self.port):
            return None
        return self.proxy


def is_loopback(host: str) -> bool:
    """Whether a host name or address certainly means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_target(
    text: str, *, ca_cert: Path | None = None, is_verified: bool = True, proxy: Proxy | None = None
) -> tuple[Target, Credentials | None]:
    """The registry that a text names, and the credentials within it.

    Raises:
        UsageError: not the address of a registry.
    """
    url = _split(text.strip())
    host = url.hostname or ""
    if not host or any(char.isspace() or not char.isprintable() for char in host):
        raise _not_an_address(text, "no host in it")
    try:
        host.encode("idna").decode("idna")
    except UnicodeError as error:
        raise _not_an_address(text, "no computer can have that name") from error
    try:
        port = url.port
    except ValueError as error:
        raise _not_an_address(text, "the port is not a number from 1 to 65535") from error
    if port == 0:
        raise _not_an_address(text, "the port is not a number from 1 to 65535")
    if url.query or url.fragment:
        raise _not_an_address(text, "a registry's address has no query and no fragment")
    scheme = url.scheme or ("http" if is_loopback(host) else "https")
    if scheme not in _PORTS:
        raise _not_an_address(text, f"the scheme {scheme!r} is neither http nor https")
    target = Target(
        scheme=scheme,
        host=host,
        port=port or _PORTS[scheme],
        prefix=url.path.rstrip("/"),
        ca_cert=ca_cert,
        is_verified=is_verified,
        proxy=proxy,
    )
    if url.username is None:
        return target, None
    return target, Credentials(unquote(url.username), unquote(url.password or ""))


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text if "://" in text else f"//{text}")
    except ValueError as error:
        raise _not_an_address(text, str(error)) from error


def _not_an_address(text: str, why: str) -> UsageError:
    shown = text.rpartition("@")[2]
    return UsageError(
        f"{shown!r} is not the address of a registry: {why}",
        hint="write http://localhost:5000, https://registry.example/prefix, or HOST:PORT",
    )
