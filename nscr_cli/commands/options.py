"""The options that say which registry and who is asking; every command takes them alike.

Each has its environment twin. A password on the command line is visible to other users of the machine, so it can come
on standard input instead.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from nscr_cli.client.proxying import parse_proxy
from nscr_cli.client.target import Credentials, Target, parse_target
from nscr_cli.commands.option_groups import OptionGroup
from nscr_cli.errors import UsageError

# Groups of options, as --help and docs/cli.md show them.
REGISTRY = "Registry"
LOAD = "Load"
REPORTS = "Reports"

RegistryUrl = Annotated[
    str | None,
    typer.Option(
        "--registry-url",
        envvar="NSCR_REGISTRY_URL",
        metavar="URL",
        rich_help_panel=REGISTRY,
        help="The registry, e.g. http://localhost:5000; may carry a path prefix.",
    ),
]
RegistryUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--registry-url",
        envvar="NSCR_REGISTRY_URL",
        metavar="URL",
        rich_help_panel=REGISTRY,
        help="A registry, e.g. http://localhost:5000; may be given several times (in the environment, with blanks "
        "between). --username goes to all but those whose URL has one.",
    ),
]


class Access(OptionGroup, frozen=True):
    """Who is asking, and by which way."""

    username: Annotated[
        str | None,
        typer.Option(
            "--username",
            envvar="NSCR_USERNAME",
            metavar="NAME",
            rich_help_panel=REGISTRY,
            help="User (Basic authentication).",
        ),
    ] = None
    password: Annotated[
        str | None,
        typer.Option(
            "--password",
            envvar="NSCR_PASSWORD",
            metavar="SECRET",
            rich_help_panel=REGISTRY,
            help="Its password; better in the environment or with --password-stdin.",
        ),
    ] = None
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", rich_help_panel=REGISTRY, help="Read the password from standard input."),
    ] = False
    ca_cert: Annotated[
        Path | None,
        typer.Option(
            "--ca-cert",
            envvar="NSCR_CA_CERT",
            metavar="FILE",
            rich_help_panel=REGISTRY,
            help="PEM certificates to trust for TLS.",
        ),
    ] = None
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", envvar="NSCR_INSECURE", rich_help_panel=REGISTRY, help="Do not check the TLS certificate."
        ),
    ] = False
    proxy: Annotated[
        str | None,
        typer.Option(
            "--proxy",
            envvar="NSCR_PROXY",
            metavar="URL",
            rich_help_panel=REGISTRY,
            help="HTTP proxy for all but loopback and what NO_PROXY excepts, e.g. http://proxy:3128.",
        ),
    ] = None

    def __repr__(self) -> str:
        return f"Access(username={self.username!r})"

    def connection(self, registry_url: str) -> tuple[Target, Credentials | None]:
        """The registry and the credentials for it; explicit ones go before those within the URL.

        Raises:
            UsageError: no registry's address, no proxy's, or a password without a user.
        """
        no_proxy = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
        target, from_url = parse_target(
            registry_url,
            ca_cert=self.ca_cert,
            is_verified=not self.insecure,
            proxy=parse_proxy(self.proxy, no_proxy) if self.proxy else None,
        )
        password = password_from_stdin() if self.password_stdin else self.password
        return target, _credentials(self.username, password, from_url)

    def connections(self, registry_urls: Sequence[str]) -> list[tuple[Target, Credentials | None]]:
        """Several registries and the credentials for each: of several, one whose URL has its own keeps them.

        Raises:
            UsageError: see `connection`; or the same registry is named twice.
        """
        access = self
        if self.password_stdin:
            access = msgspec.structs.replace(self, password=password_from_stdin(), password_stdin=False)
        anonymous = msgspec.structs.replace(access, username=None, password=None)
        reached: dict[str, tuple[Target, Credentials | None]] = {}
        for url in registry_urls:
            has_own = len(registry_urls) > 1 and parse_target(url)[1] is not None
            target, credentials = (anonymous if has_own else access).connection(url)
            if target.url in reached:
                raise UsageError(f"{target.url} is named twice", hint="name each registry once")
            reached[target.url] = target, credentials
        return list(reached.values())


def _credentials(username: str | None, password: str | None, from_url: Credentials | None) -> Credentials | None:
    if username is None and password is None:
        return from_url
    if from_url is not None and username in (None, from_url.username):
        username = from_url.username
        password = password if password is not None else from_url.password
    if not username:
        raise UsageError("a password was given without a user name", hint="add --username, or set NSCR_USERNAME")
    if ":" in username:
        raise UsageError(f"the user name {username!r} holds a colon", hint="Basic authentication cannot carry it")
    if password is None:
        raise UsageError(
            f"no password for user {username!r}", hint="set NSCR_PASSWORD, or pipe it in with --password-stdin"
        )
    if not (is_text(username) and is_text(password)):
        raise UsageError("the user name or password is no UTF-8 text", hint="is it a file of another kind?")
    return Credentials(username, password)


def is_text(words: str) -> bool:
    """Whether it can be sent: what is no UTF-8 comes from a shell as lone surrogates."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def password_from_stdin() -> str:
    """The first line of standard input.

    Raises:
        UsageError: there is none.
    """
    try:
        line = sys.stdin.readline()
    except (OSError, ValueError) as error:  # a folder as standard input; no UTF-8
        raise UsageError(
            "the password on standard input cannot be read", hint="pipe it in as one line of text"
        ) from error
    if not line:
        raise UsageError("no password came on standard input", hint="pipe it in as one line of text")
    return line.rstrip("\r\n")
