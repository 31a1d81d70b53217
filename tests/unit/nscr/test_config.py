from pathlib import Path

import pytest

from nscr.config import PARSERS, ServerConfig, resolve
from nscr.errors import ConfigurationError


def settings(
    toml: str | None = None, environment: dict[str, str] | None = None, *, folder: Path | None = None, **flags: object
) -> ServerConfig:
    file = None
    if toml is not None:
        assert folder is not None
        file = folder / "nscr.toml"
        file.write_text(toml)
    return resolve(file=file, environment=environment or {}, flags=flags)[0]


def test_defaults() -> None:
    config = settings()
    assert (config.host, config.port, config.requires_credentials) == ("127.0.0.1", 7000, False)


def test_each_source_outdoes_the_one_before(tmp_path: Path) -> None:
    toml = 'port = 1\nlog_level = "info"\nhost = "::1"'
    config = settings(toml, {"NSCR_PORT": "2", "NSCR_LOG_LEVEL": "ERROR"}, folder=tmp_path, port=3, host=None)
    assert (config.port, config.log_level, config.host) == (3, "error", "::1")


def test_every_setting_can_come_from_the_environment() -> None:
    given = {
        "host": "localhost",
        "port": "0",
        "database_path": "/some/where",
        "auth_enabled": "true",
        "auth_username": "user",
        "auth_password": "secret",
        "allow_anonymous": "no",
        "tls_cert": "/some/cert.pem",
        "tls_key": "/some/key.pem",
        "log_level": "debug",
        "max_upload_size_mb": "5",
        "allow_sparse": "yes",
        "auth_htpasswd": "/some/htpasswd",
        "max_upload_sessions": "7",
        "header_timeout_seconds": "8",
        "client_timeout_seconds": "9",
        "shutdown_endpoint_enabled": "yes",
        "gc_enabled": "true",
        "gc_interval_hours": "0.5",
        "cleanup_enabled": "false",
        "cleanup_interval_minutes": "7",
        "cleanup_max_age_hours": "8",
        "lease_minutes": "9",
        "scrub_interval_hours": "10",
        "verify_reads": "always",
        "crashpoint": "blob.rename.after:2",
    }
    assert set(given) == set(PARSERS)
    htpasswd = {"auth_htpasswd": given.pop("auth_htpasswd")}
    config = settings(environment={f"NSCR_{name.upper()}": value for name, value in given.items()})
    assert config == ServerConfig(
        host="localhost",
        port=0,
        database_path=Path("/some/where"),
        auth_enabled=True,
        auth_username="user",
        auth_password="secret",
        tls_cert=Path("/some/cert.pem"),
        tls_key=Path("/some/key.pem"),
        log_level="debug",
        max_upload_size_mb=5,
        allow_sparse=True,
        max_upload_sessions=7,
        header_timeout_seconds=8,
        client_timeout_seconds=9,
        shutdown_endpoint_enabled=True,
        gc_enabled=True,
        gc_interval_hours=0.5,
        cleanup_enabled=False,
        cleanup_interval_minutes=7,
        cleanup_max_age_hours=8,
        lease_minutes=9,
        scrub_interval_hours=10,
        verify_reads="always",
        crashpoint="blob.rename.after:2",
    )
    assert "secret" not in repr(config)
    assert settings(**htpasswd).requires_credentials


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("prot = 1", ("prot", "did you mean port?")),
        ("gc_interval_hours = 0", ("is not above 0",)),
        ('verify_reads = "never"', ("is not one of once, always",)),
        ('port = "x"', ("port: 'x' is not a whole number",)),
        ("port = 70000", ("is not between 0 and 65535",)),
        ("port = true", ("is not a whole number",)),
        ('auth_enabled = "maybe"', ("is not true or false",)),
        ('log_level = "loud"', ("is not one of debug, info, warning, error",)),
        ("host = ''", ("is not a text",)),
        ("port = \n", ("is not TOML", "line 1")),
        ('auth_username = "a:b"', ("colon",)),
    ],
)
def test_a_wrong_file_is_named_with_the_value(tmp_path: Path, toml: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(toml, folder=tmp_path)
    told = f"{caught.value} {caught.value.hint}"
    assert all(word in told for word in (*words, "nscr.toml"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        resolve(file=tmp_path / "absent.toml", environment={}, flags={})


def test_unknown_variables_are_warned_about_and_those_of_the_client_left_alone() -> None:
    _, warnings = resolve(
        file=None,
        environment={
            "NSCR_PROT": "1",
            "NSCR_SHUTDOWN_ENDPOINT_ENABLED": "true",
            "NSCR_REGISTRY_URL": "x",
            "OTHER": "1",
        },
        flags={},
    )
    assert warnings == [
        "unknown variable NSCR_PROT, did you mean NSCR_PORT?",
    ]


@pytest.mark.parametrize(
    "flags",
    [
        {"auth_username": "user"},
        {"auth_password": "secret"},
        {"auth_enabled": True},
        {"auth_htpasswd": "/file", "auth_username": "user"},
        {"auth_htpasswd": "/file", "auth_password": "secret"},
        {"host": "0.0.0.0"},  # noqa: S104
        {"host": "registry.example"},
        {"host": "0.0.0.0", "auth_enabled": False, "auth_username": "u", "auth_password": "p"},  # noqa: S104
        {"host": "0.0.0.0", "allow_anonymous": True, "sabotages": ("lost-tag",)},  # noqa: S104
        {"host": "0.0.0.0", "allow_anonymous": True, "crashpoint": "blob.rename.after"},  # noqa: S104
        {"crashpoint": "blob.renamed"},
        {"crashpoint": "blob.rename.after:0"},
    ],
)
def test_combinations_that_are_not_served(flags: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**flags)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "flags",
    [
        {"host": "0.0.0.0", "auth_username": "u", "auth_password": "p"},  # noqa: S104
        {"host": "0.0.0.0", "allow_anonymous": True},  # noqa: S104
        {"host": "::1"},
        {"auth_enabled": False, "auth_username": "u", "auth_password": "p"},
    ],
)
def test_combinations_that_are_served(flags: dict[str, object]) -> None:
    config = settings(**flags)
    assert config.requires_credentials is ("auth_username" in flags and flags.get("auth_enabled") is not False)
