"""The reference of the settings as Markdown: made of the fields of `ServerConfig`, so that none is left out.

`python -m nscr --settings-reference` prints it; docs/settings.md is that text.
"""

from dataclasses import dataclass, fields

from nscr.config import PARSERS, ServerConfig

_INTRODUCTION = """\
# Settings of `nscr serve`

Made by `python -m nscr --settings-reference` from the fields of the configuration; edit those.

A TOML file (`--config FILE`, keys as below) is outdone by the environment, and that by flags. An unknown key is an
error, an unknown `NSCR_*` variable a warning.

| key | environment | flag | default | effect |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Description:
    """Attributes: flag is of `nscr serve`, None where there is none."""

    flag: str | None
    effect: str


DESCRIPTIONS = {
    "host": Description("--host", "Address to listen on."),
    "port": Description("--port", "Port to listen on; 0 takes any free one, which the ready line names."),
    "database_path": Description("--data", "Data folder, made if need be."),
    "auth_enabled": Description("--auth", "Whether credentials are asked for; without it, where any are given."),
    "auth_username": Description("--username", "The one user."),
    "auth_password": Description("--password-stdin", "The password of that user."),
    "auth_htpasswd": Description(
        "--htpasswd", "File of users and their bcrypt hashes (`htpasswd -nB USER`), read once at the start."
    ),
    "allow_anonymous": Description("--allow-anonymous", "Serve without credentials beyond loopback."),
    "tls_cert": Description("--tls-cert", "Serve https with this chain of certificates (PEM), read once at the start."),
    "tls_key": Description("--tls-key", "The private key of that certificate (PEM), without a password."),
    "log_level": Description("--log-level", "debug, info, warning or error."),
    "max_upload_size_mb": Description("--max-upload-size-mb", "Largest blob in MiB."),
    "allow_sparse": Description("--allow-sparse", "Accept an index whose children are missing."),
    "max_upload_sessions": Description(None, "Most uploads that may be open at once."),
    "header_timeout_seconds": Description(None, "A client must have sent the head of its request by then."),
    "client_timeout_seconds": Description(None, "A client that stands still for so long is given up."),
    "shutdown_endpoint_enabled": Description(None, "Whether `POST /api/shutdown` drains and stops the registry."),
    "gc_enabled": Description("--gc", "Collect what nothing needs by schedule; on demand it is always possible."),
    "gc_interval_hours": Description("--gc-interval-hours", "Time between two collections."),
    "cleanup_enabled": Description("--cleanup", "Remove stale uploads by schedule."),
    "cleanup_interval_minutes": Description("--cleanup-interval-minutes", "Time between two clean-ups."),
    "cleanup_max_age_hours": Description("--cleanup-max-age-hours", "An upload idle for so long is stale."),
    "lease_minutes": Description(
        "--lease-minutes",
        "How long a blob without a manifest is kept for whoever pushed it or asked for it; until then it is neither "
        "collected nor counted as unreferenced.",
    ),
    "scrub_interval_hours": Description(
        None, "Time between two scrubs: every blob is hashed, the kept figures are compared with a recount."
    ),
    "verify_reads": Description(
        "--verify-reads", "`once`: after a start and when the file changed; `always`: each time it is read in full."
    ),
    "crashpoint": Description(None, "For tests, on loopback only: `name:nth` kills the registry at a named point."),
}


def render_settings() -> str:
    """The whole text."""
    return _INTRODUCTION + "".join(
        _row(each.name, each.default) for each in fields(ServerConfig) if each.name in PARSERS
    )


def _row(name: str, default: object) -> str:
    described = DESCRIPTIONS[name]
    flag = "" if described.flag is None else f"`{described.flag}`"
    shown = "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    return f"| `{name}` | `NSCR_{name.upper()}` | {flag} | {shown} | {described.effect} |\n"
