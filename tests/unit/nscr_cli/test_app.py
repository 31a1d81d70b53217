"""The command as a whole: errors become one line, a hint and an exit code; nobody sees a traceback."""

import sys

import pytest
import typer

from nscr_cli import app
from nscr_cli.errors import (
    ConsentError,
    EnvironmentFailed,
    NscrError,
    ReportsUnwritable,
    RunFolderError,
    ScenarioError,
    TargetRefused,
    TargetUnreachable,
    UsageError,
)
from nscr_cli.exits import MEANINGS, Exit


def ended_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> object:
    """The exit code of a `nscr` whose only command raises `error`."""
    failing = typer.Typer(pretty_exceptions_enable=False)

    @failing.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(app, "app", failing)
    monkeypatch.setattr(sys, "argv", ["nscr"])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (ScenarioError, 2),
        (ConsentError, 2),
        (RunFolderError, 2),
        (EnvironmentFailed, 5),
        (TargetUnreachable, 5),
        (TargetRefused, 5),
        (ReportsUnwritable, 5),
    ],
)
def test_errors_for_users(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[NscrError], code: int
) -> None:
    assert ended_with(monkeypatch, kind("no scenario 'mixt'", hint="did you mean mixed?")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["nscr: no scenario 'mixt'", "  hint: did you mean mixed?"]


def test_a_long_message_is_one_line_of_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended_with(monkeypatch, UsageError("word " * 100, hint="hint " * 100))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_hostile_messages_stay_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ended_with(monkeypatch, UsageError("\x1b[2J[bold]tag[/bold] \u202e", hint="[red]x[/red]"))
    err = capsys.readouterr().err
    assert "\x1b[2J" not in err
    assert "[bold]tag[/bold]" in err
    assert "[red]x[/red]" in err


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended_with(monkeypatch, KeyboardInterrupt()) == Exit.INTERRUPTED
    out, err = capsys.readouterr()
    assert (out, err) == ("", "nscr: interrupted before there was anything to tell\n")


def test_exit_codes_are_all_explained_and_stand_in_the_help() -> None:
    assert set(MEANINGS) == set(Exit)
    told = " ".join(app.EPILOG.split())
    assert all(f"{code.value} {meaning}" in told for code, meaning in MEANINGS.items())
