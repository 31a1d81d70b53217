"""The command line of `nscr watch`: views, and the dashboard where none is named."""

import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.commands.watch.options import listening_at
from nscr_cli.errors import ConsentError, UsageError


@pytest.fixture(autouse=True)
def no_registry_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NSCR_REGISTRY_URL", raising=False)


@pytest.mark.parametrize("words", [["watch"], ["watch", "dashboard"], ["watch", "--json", "--for", "5s"]])
def test_without_a_view_it_is_the_dashboard(words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, UsageError)
    assert result.exception.message == "no registry to watch"


def test_help_lists_the_views() -> None:
    result = CliRunner().invoke(app, ["watch", "--help"])
    assert result.exit_code == 0
    assert "dashboard" in result.stdout


def test_help_says_where_the_options_are() -> None:
    group = " ".join(CliRunner().invoke(app, ["watch", "--help"]).stdout.split())
    assert "nscr watch dashboard --help" in group
    assert "nscr watch health --help" in group
    dashboard = " ".join(CliRunner().invoke(app, ["watch", "dashboard", "--help"]).stdout.split())
    assert "--prometheus and --probe are those of the streams" in dashboard


def test_a_view_that_is_none_is_an_error() -> None:
    assert CliRunner().invoke(app, ["watch", "everything"]).exit_code == 2


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--prometheus", "http"], "--prometheus 'http' names no port"),
        (["--prometheus", "70000"], "names no port"),
        (["--on-alert", ""], "no program"),
        (["--on-alert", "'"], "No closing quotation"),
        (["--interval", "10ms"], "too short"),
        (["--probe", "10ms"], "too short"),
        (["--probe", "1m", "--namespace", "Upper"], "no name of a repository"),
        (["--probe", "1m", "--namespace", "../etc"], "no name of a repository"),
    ],
)
def test_options_that_make_no_sense(flags: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["watch", "health", "--registry-url", "http://127.0.0.1:1", *flags])
    assert isinstance(result.exception, UsageError)
    assert said in result.exception.message


def test_nobody_elses_registry_is_written_to_without_consent() -> None:
    words = ["watch", "health", "--registry-url", "https://registry.example", "--probe", "1m"]
    for consent in ([], ["--i-may-torture", "other.example"]):
        result = CliRunner().invoke(app, [*words, *consent])
        assert isinstance(result.exception, ConsentError)
        assert result.exception.exit_code == 2


@pytest.mark.parametrize(
    ("address", "listens"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),  # noqa: S104
        ("[::1]:1", ("::1", 1)),
        (":1", ("127.0.0.1", 1)),
    ],
)
def test_where_metrics_are_served(address: str, listens: tuple[str, int]) -> None:
    assert listening_at(address) == listens
