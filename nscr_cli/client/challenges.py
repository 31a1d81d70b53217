"""What a registry asks for when it refuses, and what a token server answers. Pure.

Follows RFC 6750 and the token authentication of distribution (docs/spec/auth/token.md, scope.md). What is asked for is
the registry's to say: its scope is taken word for word. Ours is only to know which requests are alike, so that a token
is asked for once for all of them.
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from nscr_cli.client.target import Target, is_loopback
from nscr_cli.foreign_json import Unreadable, read_json

DEFAULT_LIFE_S = 60.0  # token.md: "if omitted, this defaults to 60 seconds"

_BEARER = re.compile(r"(?:^|,)\s*bearer\s+(.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))', re.IGNORECASE)
_REPOSITORY = re.compile(r"/v2/(.+?)/(?:blobs|manifests|tags|referrers)/")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """Where to get which token.

    Attributes:
        scopes: what it is to allow, each as the registry wrote it.
    """

    realm: str
    service: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """What to GET, with the query that the realm already has."""
        pairs = [("service", self.service)] if self.service is not None else []
        asked = urlencode([*pairs, *(("scope", scope) for scope in self.scopes)])
        joint = "&" if urlsplit(self.realm).query else "?"
        return f"{self.realm}{joint}{asked}" if asked else self.realm


class Token(msgspec.Struct, frozen=True):
    """A token, never shown, and the seconds that it lives from when it was asked for."""

    text: str
    life_s: float

    def __repr__(self) -> str:
        return f"Token(life_s={self.life_s})"


class _Document(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


def challenge_of(values: Iterable[str]) -> Challenge | None:
    """The Bearer challenge among the values of WWW-Authenticate; None where there is none with a realm."""
    for value in values:
        found = _BEARER.search(value)
        if found is None:
            continue
        told = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
            for name, quoted, plain in _PARAMETER.findall(found.group(1))
        }
        if told.get("realm"):
            scopes = tuple(told.get("scope", "").split())
            return Challenge(realm=told["realm"], service=told.get("service"), scopes=scopes)
    return None


def access_of(method: str, target: str) -> str:
    """Names what a request needs: two requests with one name are let in by one token."""
    path, _, query = target.partition("?")
    action = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(method, "push")
    found = _REPOSITORY.search(path)
    where = found.group(1) if found else path
    source = parse_qs(query).get("from", [""])[0] if "mount=" in query else ""
    return f"{action} {where} {quote(source)}"


def token_of(body: bytes) -> Token | None:
    """The token in a token server's answer; None where there is none that a header could carry."""
    try:
        document = read_json(body, _Document)
    except Unreadable:
        return None
    text = document.token or document.access_token or ""
    if not _TOKEN.fullmatch(text):
        return None
    return Token(text, document.expires_in or DEFAULT_LIFE_S)


def is_trusted(realm: Target, registry: Target) -> bool:
    """May the password go to the realm? Over TLS, or where the user sends it in clear already.

    The registry chooses the realm; it must not make us say in clear what its user sends encrypted, nor send it over an
    unencrypted network that the user did not name.
    """
    if realm.scheme == "https":
        return True
    is_same_host = realm.host.lower() == registry.host.lower()
    return registry.scheme == "http" and (is_same_host or (is_loopback(realm.host) and registry.is_loopback))
