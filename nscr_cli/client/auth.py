"""Credentials on requests, and refusals in words. Basic (RFC 7617) here, Bearer in tokens.py, nothing else."""

import base64
import re

from nscr_cli.client.target import Credentials, Target
from nscr_cli.errors import TargetRefused
from nscr_cli.wire.messages import Headers

_SCHEME = re.compile(r"\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)")


def authorization(credentials: Credentials | None) -> Headers:
    """The Authorization header, where there is anything to say in it."""
    if credentials is None:
        return ()
    pair = f"{credentials.username}:{credentials.password}".encode()
    return (("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"),)


def refusal(
    target: Target,
    credentials: Credentials | None,
    *,
    status: int,
    challenge: str | None,
    denial: str | None = None,
) -> TargetRefused:
    """What to tell a user whom a registry answered 401 or 403.

    Args:
        denial: why the token that it asked for could not be had.
    """
    found = _SCHEME.match(challenge or "")
    scheme = found.group(1) if found else "none"
    if denial is not None:
        return TargetRefused(
            f"{target.url} asks for a Bearer token, and none came: {denial}",
            hint="check --username and the password, and the realm that the registry names",
        )
    if status == 401 and scheme.lower() not in ("basic", "bearer", "none"):
        message = f"{target.url} asks for {scheme} authentication, and nscr speaks only Basic and Bearer"
        return TargetRefused(message, hint="use a registry, or an account of it, that takes user name and password")
    if credentials is None:
        return TargetRefused(
            f"{target.url} asks for credentials (status {status})",
            hint="give --username and --password-stdin, or set NSCR_USERNAME and NSCR_PASSWORD",
        )
    return TargetRefused(
        f"{target.url} refused the credentials of user {credentials.username!r} (status {status})",
        hint="check the user name and password, and what that user may do",
    )
