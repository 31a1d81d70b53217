"""Settings of `nscr serve`: a frozen value made of a TOML file < NSCR_* environment < flags.

The TOML keys are the variables without their prefix, in lower case. An unknown key is an error that names the nearest
one; an unknown NSCR_* variable is a warning only, for the environment is shared with the client commands.
"""

import ipaddress
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path

from nscr.crashpoints import parse_point
from nscr.errors import ConfigurationError

VERIFY_READS = ("once", "always")
"""A blob is hashed once after a start and whenever its file changed; or, besides, each time it is read in full."""

_LONGEST = 1_000_000

LOG_LEVELS = ("debug", "info", "warning", "error")

CLIENT_VARIABLES = frozenset(
    f"NSCR_{name}" for name in ("REGISTRY_URL", "USERNAME", "PASSWORD", "CA_CERT", "INSECURE", "PROXY", "REPORTS")
)
"""Twins of the client commands' flags; not ours to judge."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything resolved; `auth_enabled` None means: where credentials are given."""

    host: str = "127.0.0.1"
    port: int = 7000
    database_path: Path = Path("nscr-data")
    auth_enabled: bool | None = None
    auth_username: str | None = None
    auth_password: str | None = field(default=None, repr=False)
    auth_htpasswd: Path | None = None
    allow_anonymous: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    log_level: str = "warning"
    max_upload_size_mb: int = 20_480
    allow_sparse: bool = False
    max_upload_sessions: int = 10_000
    header_timeout_seconds: int = 30
    client_timeout_seconds: int = 60
    shutdown_endpoint_enabled: bool = False
    gc_enabled: bool = False
    gc_interval_hours: float = 24.0
    cleanup_enabled: bool = True
    cleanup_interval_minutes: float = 60.0
    cleanup_max_age_hours: float = 24.0
    lease_minutes: float = 60.0
    scrub_interval_hours: float = 168.0
    verify_reads: str = "once"
    crashpoint: str | None = None
    sabotages: tuple[str, ...] = ()

    @property
    def requires_credentials(self) -> bool:
        if self.auth_enabled is not None:
            return self.auth_enabled
        return self.auth_username is not None or self.auth_htpasswd is not None

    @property
    def is_loopback(self) -> bool:
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _whole_number(lowest: int, highest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("is not a whole number")
        try:
            number = int(value)
        except ValueError:
            raise ValueError("is not a whole number") from None
        if not lowest <= number <= highest:
            raise ValueError(f"is not between {lowest} and {highest}")
        return number

    return parse


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("is not a number")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("is not a number") from None
    if not 0 < number <= _LONGEST:
        raise ValueError(f"is not above 0 and up to {_LONGEST}")
    return number


def _boolean(value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in words:
        raise ValueError("is not true or false")
    return words[value.lower()]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("is not a text")
    return value


def _username(value: object) -> str:
    if ":" in _text(value):
        raise ValueError("holds a colon, which Basic authentication cannot carry")
    return _text(value)


def _path(value: object) -> Path:
    return value if isinstance(value, Path) else Path(_text(value)).expanduser()


def _verify_reads(value: object) -> str:
    if _text(value).lower() not in VERIFY_READS:
        raise ValueError(f"is not one of {', '.join(VERIFY_READS)}")
    return _text(value).lower()


def _crashpoint(value: object) -> str:
    parse_point(_text(value))
    return _text(value)


def _log_level(value: object) -> str:
    if _text(value).lower() not in LOG_LEVELS:
        raise ValueError(f"is not one of {', '.join(LOG_LEVELS)}")
    return _text(value).lower()


PARSERS: dict[str, Callable[[object], object]] = {
    "host": _text,
    "port": _whole_number(0, 65_535),
    "database_path": _path,
    "auth_enabled": _boolean,
    "auth_username": _username,
    "auth_password": _text,
    "auth_htpasswd": _path,
    "allow_anonymous": _boolean,
    "tls_cert": _path,
    "tls_key": _path,
    "log_level": _log_level,
    "max_upload_size_mb": _whole_number(1, 1 << 30),
    "allow_sparse": _boolean,
    "max_upload_sessions": _whole_number(1, 1_000_000),
    "header_timeout_seconds": _whole_number(1, 3600),
    "client_timeout_seconds": _whole_number(1, 3600),
    "shutdown_endpoint_enabled": _boolean,
    "gc_enabled": _boolean,
    "gc_interval_hours": _time,
    "cleanup_enabled": _boolean,
    "cleanup_interval_minutes": _time,
    "cleanup_max_age_hours": _time,
    "lease_minutes": _time,
    "scrub_interval_hours": _time,
    "verify_reads": _verify_reads,
    "crashpoint": _crashpoint,
}
"""Every setting that a file or the environment may give, with what it must look like."""

_SECRET = frozenset({"auth_password"})


def resolve(
    *, file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]
) -> tuple[ServerConfig, list[str]]:
    """Merge all sources into one checked configuration.

    Args:
        file: a TOML file, if one was named.
        environment: usually os.environ.
        flags: by setting; a None was not given.

    Returns:
        The configuration, and warnings for the operator.

    Raises:
        ConfigurationError: a value or a combination that cannot be served.
    """
    chosen: dict[str, object] = {}
    if file is not None:
        chosen |= _from_file(file)
    from_environment, warnings = _from_environment(environment)
    chosen |= from_environment
    chosen |= {
        name: _checked(name, value, f"--{name.replace('_', '-')}") if name in PARSERS else value
        for name, value in flags.items()
        if value is not None
    }
    known = {each.name for each in fields(ServerConfig)}
    config = ServerConfig(**{name: value for name, value in chosen.items() if name in known})  # type: ignore[arg-type]
    _check_combination(config)
    return config, warnings


def _checked(name: str, value: object, source: str) -> object:
    try:
        return PARSERS[name](value)
    except ValueError as error:
        shown = "(hidden)" if name in _SECRET else repr(value)
        raise ConfigurationError(f"{source}: {shown} {error}", hint="see nscr serve --help") from None


def _from_file(path: Path) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", hint="name a readable TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}", hint="correct the file") from error
    for name in document:
        if name not in PARSERS:
            nearest = get_close_matches(name, PARSERS, n=1)
            known = f"did you mean {nearest[0]}?" if nearest else f"known settings: {', '.join(PARSERS)}"
            raise ConfigurationError(f"{path}: unknown setting {name!r}", hint=known)
    return {name: _checked(name, value, f"{path}: {name}") for name, value in document.items()}


def _from_environment(environment: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    chosen: dict[str, object] = {}
    warnings: list[str] = []
    for variable in sorted(environment):
        name = variable.removeprefix("NSCR_").lower()
        if not variable.startswith("NSCR_") or variable in CLIENT_VARIABLES:
            continue
        if name in PARSERS:
            chosen[name] = _checked(name, environment[variable], variable)
        else:
            nearest = get_close_matches(name, PARSERS, n=1)
            warnings.append(
                f"unknown variable {variable}" + (f", did you mean NSCR_{nearest[0].upper()}?" if nearest else "")
            )
    return chosen, warnings


def _check_combination(config: ServerConfig) -> None:
    has_both = config.auth_username is not None and config.auth_password is not None
    if config.auth_htpasswd is not None and (config.auth_username is not None or config.auth_password is not None):
        raise ConfigurationError(
            "a user name and password beside an htpasswd file", hint="put the user into the file, or leave it out"
        )
    if config.requires_credentials and not has_both and config.auth_htpasswd is None:
        raise ConfigurationError(
            "authentication needs a user name and a password, or an htpasswd file",
            hint="give --username and --password-stdin, or --htpasswd",
        )
    if config.auth_password is not None and config.auth_username is None and config.auth_enabled is None:
        raise ConfigurationError("a password without a user name", hint="give --username as well")
    if not config.requires_credentials and not config.is_loopback and not config.allow_anonymous:
        raise ConfigurationError(
            f"{config.host} can be reached by others and authentication is off",
            hint="give --username and --password-stdin, or --allow-anonymous if that is meant",
        )
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigurationError(
            "https needs a certificate and its private key, and only one of them was given",
            hint="give --tls-cert and --tls-key",
        )
    if (config.sabotages or config.crashpoint) and not config.is_loopback:
        raise ConfigurationError(
            f"a registry that is sabotaged or meant to crash is served on loopback only, not on {config.host}",
            hint="leave --host out",
        )
