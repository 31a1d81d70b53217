"""Every command line that is shown, in documents or by --help, is one that the command line takes."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from rich.text import Text
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.testing import CliRunner

from nscr_cli.app import app
from nscr_cli.manual.examples import EXAMPLES
from tests.docs.command_lines import in_blocks, in_prose, in_text, refused, unknown

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])
WIDTH = 80


def _commands(group: TyperGroup, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield f"{path} {name}".strip()
            if isinstance(command, TyperGroup):
                yield from _commands(command, f"{path} {name}")


def _root() -> TyperGroup:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return root


def _command(path: str) -> TyperCommand | TyperGroup:
    command: TyperCommand | TyperGroup = _root()
    for name in path.split():
        assert isinstance(command, TyperGroup)
        found = command.commands[name]
        assert isinstance(found, TyperCommand | TyperGroup)
        command = found
    return command


COMMANDS = list(_commands(_root()))


def _help_of(path: str) -> str:
    shown = CliRunner().invoke(app, [*path.split(), "--help"], env={"COLUMNS": str(WIDTH), "TERM": "dumb"})
    assert shown.exit_code == 0
    return shown.stdout


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_examples_of_itself(path: str):
    assert 2 <= len(EXAMPLES.get(path, ())) <= 5, "add them to nscr_cli/manual/examples.py"
    assert all(example.command.startswith("nscr ") for example in EXAMPLES[path])
    assert any(f"{example.command} ".startswith(f"nscr {path} ") for example in EXAMPLES[path])


def test_examples_belong_to_a_command():
    assert set(EXAMPLES) <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_help_shows_its_examples_whole_and_the_command_line_takes_them(path: str):
    text = _help_of(path)
    for example in EXAMPLES[path]:
        assert f"\n # {example.wanted} " in text, "too long for a line of 80 columns"
        assert f"\n $ {example.command} " in text, "too long for a line of 80 columns"
    lines = [words for line in text.splitlines() for words in in_text(line.strip()) if line.startswith(" $ ")]
    assert len(lines) == len(EXAMPLES[path])
    assert [refused(words) for words in lines] == [None] * len(lines)


@pytest.mark.parametrize("path", ["", *COMMANDS])
def test_help_fits_the_terminal_and_is_plain_where_it_is_none(path: str):
    text = _help_of(path)
    assert "\x1b" not in text
    assert "…" not in text, "an option or variable is cut off: fewer columns, or a shorter name"
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("path", COMMANDS)
def test_paragraphs_that_keep_their_lines_fit_too(path: str):
    _, *others = inspect.cleandoc(_command(path).help or "").split("\n\n")
    lines = [line for paragraph in others for line in Text.from_markup(paragraph).plain.splitlines()]
    assert [line for line in lines if len(line) > WIDTH - 2] == [], "Typer joins the lines of the first paragraph only"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_with_a_value_names_it(path: str):
    options = [each for each in _command(path).params if isinstance(each, TyperOption) and not each.is_flag]
    nameless = [each.name for each in options if each.metavar is None and each.type_descriptor.choices is None]
    assert nameless == [], 'add metavar="N", "FILE", "TIME", ...'


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_command_line_takes_what_documents_show(document: Path):
    text = document.read_text()
    assert {" ".join(words): why for words in in_blocks(text) if (why := refused(words))} == {}
    assert {" ".join(words): lost for words in in_prose(text) if (lost := unknown(words))} == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nscr torture --wrokers 3", "--wrokers"),
        ("nscr torture --workers many", "--workers"),
        ("nscr judge", "RUNDIR"),
        ("nscr tortur", "tortur"),
        ("nscr scenarios shw tags", "shw"),
        ("nscr judge RUNDIR --bodies", "--bodies"),
    ],
)
def test_wrong_lines_are_refused(line: str, reason: str):
    ((words,),) = [list(in_text(f"$ {line}"))]
    assert reason in (refused(words) or "")


def test_lines_are_found_as_a_shell_would_read_them():
    document = """\
Say `nscr judge` or `nscr
torture --shrink`.

```console
$ NSCR_PASSWORD=x nscr gate --registry-url 'http://a' | head   # a comment
$ nscr torture tags \\
    --workers 3 && echo done
INVALID
```

```yaml
- run: nscr scenarios list > scenarios.txt
```

```
nscr [OPTIONS] COMMAND
```
"""
    assert list(in_blocks(document)) == [
        ["nscr", "gate", "--registry-url", "http://a"],
        ["nscr", "torture", "tags", "--workers", "3"],
        ["nscr", "scenarios", "list"],
    ]
    assert list(in_prose(document)) == [["nscr", "judge"], ["nscr", "torture", "--shrink"]]
    assert unknown(["nscr", "torture", "--shrnk"]) == ["--shrnk"]
