"""The command line of `nscr watch`: views, and the dashboard where none is named."""

import pytest
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.errors import UsageError


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


def test_a_view_that_is_none_is_an_error() -> None:
    assert CliRunner().invoke(app, ["watch", "everything"]).exit_code == 2
