"""The documents claim only commands, options and files that exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from nscr_cli.app import app
from nscr_cli.exits import MEANINGS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])


def _command_lines(text: str) -> list[list[str]]:
    return [
        shlex.split(line, comments=True) for line in re.findall(r"^(?:\$ |- run: )(nscr .*)$", text, flags=re.MULTILINE)
    ]


def test_the_readme_opens_with_the_two_commands():
    first_block = README.split("```console\n", 1)[1].split("```", 1)[0]
    commands = [line.removeprefix("$ ").split("#")[0].strip() for line in first_block.splitlines()]
    assert commands == ["make torture", "make test"]


@pytest.mark.parametrize("words", _command_lines(README), ids=" ".join)
def test_every_command_and_option_exists(words: list[str]):
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert words[1] in verbs
    verb = verbs[words[1]]
    if nested := getattr(verb, "commands", None):
        name = "dashboard" if words[1] == "watch" and words[2].startswith("-") else words[2]
        assert name in nested
        verb = nested[name]
    options = {option for parameter in verb.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_table_of_exit_codes_is_the_table():
    shown = dict(re.findall(r"^\| (\d+) \| (.*) \|$", README.replace("`watch`", "watch"), flags=re.MULTILINE))
    assert shown == {str(code.value): meaning for code, meaning in MEANINGS.items() if code.value < 128}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target
