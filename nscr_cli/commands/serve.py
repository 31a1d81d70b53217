"""`nscr serve`: starts the reference registry in this process.

The only place where this package names `nscr`, and only once the command runs: everything that judges stays free of
what it judges.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nscr_cli.commands.options import password_from_stdin
from nscr_cli.errors import EnvironmentFailed, UsageError
from nscr_cli.manual.completions import complete_sabotage

# Groups of options, as --help and docs/cli.md show them.
_ADDRESS = "Address"
_ACCESS = "Who may ask"
_CONTENT = "What it keeps"
_UPKEEP = "Collection and clean-up"
_WHEN = "When"
_OTHER = "Settings, log, sabotage"


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            metavar="HOST", rich_help_panel=_ADDRESS, help="Address to listen on. [NSCR_HOST; default 127.0.0.1]"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", rich_help_panel=_ADDRESS, help="Port; 0 takes any free one. [NSCR_PORT; default 7000]"
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_ADDRESS,
            help="Serve https with this chain of certificates (PEM). [NSCR_TLS_CERT]",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=_ADDRESS, help="Its private key (PEM). [NSCR_TLS_KEY]"),
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_ACCESS,
            help="Ask every request for these credentials. [NSCR_AUTH_USERNAME]",
        ),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET",
            rich_help_panel=_ACCESS,
            help="Seen by other users of this machine; better use --password-stdin.",
        ),
    ] = None,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin", rich_help_panel=_ACCESS, help="Read the password from stdin. [NSCR_AUTH_PASSWORD]"
        ),
    ] = False,
    auth: Annotated[
        bool | None,
        typer.Option(
            "--auth/--no-auth",
            rich_help_panel=_ACCESS,
            help="Ask for credentials; on where they are given. [NSCR_AUTH_ENABLED]",
        ),
    ] = None,
    htpasswd: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_ACCESS,
            help="Users and their bcrypt hashes (htpasswd -nB USER). [NSCR_AUTH_HTPASSWD]",
        ),
    ] = None,
    allow_anonymous: Annotated[
        bool,
        typer.Option("--allow-anonymous", rich_help_panel=_ACCESS, help="Serve without credentials beyond loopback."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_CONTENT,
            help="Data folder, made if need be. [NSCR_DATABASE_PATH; default ./nscr-data]",
        ),
    ] = None,
    max_upload_size_mb: Annotated[
        int | None,
        typer.Option(
            metavar="N", rich_help_panel=_CONTENT, help="Largest blob in MiB. [NSCR_MAX_UPLOAD_SIZE_MB; default 20480]"
        ),
    ] = None,
    allow_sparse: Annotated[
        bool,
        typer.Option(
            "--allow-sparse",
            rich_help_panel=_CONTENT,
            help="Accept an index whose children are missing. [NSCR_ALLOW_SPARSE]",
        ),
    ] = False,
    verify_reads: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            rich_help_panel=_CONTENT,
            help="Hash blobs once or always as they are read. [NSCR_VERIFY_READS; default once]",
        ),
    ] = None,
    gc: Annotated[
        bool | None,
        typer.Option(
            "--gc/--no-gc", rich_help_panel=_UPKEEP, help="Collect by schedule. [NSCR_GC_ENABLED; default off]"
        ),
    ] = None,
    gc_interval_hours: Annotated[
        float | None,
        typer.Option(
            metavar="N", rich_help_panel=_WHEN, help="Between collections. [NSCR_GC_INTERVAL_HOURS; default 24]"
        ),
    ] = None,
    lease_minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            rich_help_panel=_WHEN,
            help="What a push may count on without a manifest. [NSCR_LEASE_MINUTES; default 60]",
        ),
    ] = None,
    cleanup: Annotated[
        bool | None,
        typer.Option(
            "--cleanup/--no-cleanup",
            rich_help_panel=_UPKEEP,
            help="Remove stale uploads. [NSCR_CLEANUP_ENABLED; default on]",
        ),
    ] = None,
    cleanup_interval_minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N", rich_help_panel=_WHEN, help="Between clean-ups. [NSCR_CLEANUP_INTERVAL_MINUTES; default 60]"
        ),
    ] = None,
    cleanup_max_age_hours: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            rich_help_panel=_WHEN,
            help="Idle uploads are stale after this. [NSCR_CLEANUP_MAX_AGE_HOURS; default 24]",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", rich_help_panel=_OTHER, help="TOML file with settings.")
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            rich_help_panel=_OTHER,
            help="debug, info, warning or error. [NSCR_LOG_LEVEL; default warning]",
        ),
    ] = None,
    sabotage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_OTHER,
            autocompletion=complete_sabotage,
            help="Build in a known bug, on loopback and in an empty data folder only.",
        ),
    ] = None,
) -> None:
    """Start the reference registry and serve until SIGTERM or Ctrl-C."""
    from nscr.config import resolve
    from nscr.errors import ConfigurationError, StartError
    from nscr.server import run

    if password_stdin:
        password = password_from_stdin()
    flags: dict[str, object] = {
        "host": host,
        "port": port,
        "database_path": data,
        "auth_username": username,
        "auth_password": password,
        "auth_htpasswd": htpasswd,
        "auth_enabled": auth,
        "allow_anonymous": allow_anonymous or None,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "max_upload_size_mb": max_upload_size_mb,
        "allow_sparse": allow_sparse or None,
        "gc_enabled": gc,
        "gc_interval_hours": gc_interval_hours,
        "lease_minutes": lease_minutes,
        "cleanup_enabled": cleanup,
        "cleanup_interval_minutes": cleanup_interval_minutes,
        "cleanup_max_age_hours": cleanup_max_age_hours,
        "verify_reads": verify_reads,
        "log_level": log_level,
        "sabotages": tuple(sabotage) if sabotage else None,
    }
    try:
        settings, warnings = resolve(file=config, environment=os.environ, flags=flags)
        logging.basicConfig(
            level=settings.log_level.upper(),
            stream=sys.stderr,
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        for warning in warnings:
            logging.getLogger("nscr.config").warning("%s", warning)
        run(settings, announce=lambda line: print(line, flush=True))
    except StartError as error:
        kind = UsageError if isinstance(error, ConfigurationError) else EnvironmentFailed
        raise kind(str(error), hint=error.hint) from error
