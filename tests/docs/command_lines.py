"""The `nscr` command lines that documents show, and whether the command line would take them; nothing is run."""

import re
import shlex
from collections.abc import Iterator

import typer
import typer.main
from typer.core import TyperGroup
from typer.exceptions import TyperException

from nscr_cli.app import app

_SHOWN = re.compile(
    r"""^(?:\$\ |\s*-\ run:\ |\s*)          # a console, a step of a workflow, a line of a script
    (?P<line>(?:[A-Z][A-Z_]*=\S+\ )*nscr\ (?:[^\\\n]|\\\n|\\.)*)$""",
    flags=re.MULTILINE | re.VERBOSE,
)
_BLOCK = re.compile(r"^ *(?P<fence>```+)(?P<language>[a-z]*)\n(?P<text>.*?)^ *(?P=fence)$", re.MULTILINE | re.DOTALL)
_OF_COMMANDS = {"console", "sh", "bash", "yaml"}
_INLINE = re.compile(r"`(nscr\s[^`\n]+(?:\n[^`\n]+)?)`")
_PLACEHOLDERS = {"COMMAND", "..."}
_OPERATOR = re.compile(r"^(?:[|&;()]+|\d?[<>]+&?)$")


def in_blocks(document: str) -> Iterator[list[str]]:
    """Those of a document's blocks of commands, as words."""
    for block in _BLOCK.finditer(document):
        if block["language"] in _OF_COMMANDS:
            yield from in_text(block["text"])


def in_text(text: str) -> Iterator[list[str]]:
    """Those of lines of their own, as words, without what a shell would do with them."""
    for shown in _SHOWN.finditer(text):
        words = _words(shown["line"].replace("\\\n", " "))
        while "=" in words[0]:
            del words[0]
        yield words


def in_prose(document: str) -> Iterator[list[str]]:
    """Those within sentences, as words; they may lack arguments."""
    for shown in _INLINE.findall(_BLOCK.sub("", document)):
        yield _words(shown)


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words = list(lexer)
    end = next((number for number, word in enumerate(words) if _OPERATOR.match(word)), len(words))
    return words[:end]


def refused(words: list[str]) -> str | None:
    """Why the command line does not take these words; None if it does."""
    command = _root()
    path, rest, context = words[0], words[1:], None
    try:
        while True:
            context = command.make_context(path, list(rest), parent=context)
            if not isinstance(command, TyperGroup):
                return None
            path, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert found is not None
            command = found
    except typer.Exit:  # --help and --version
        return None
    except TyperException as error:
        return error.format_message()


def unknown(words: list[str]) -> list[str]:
    """The command or options among these words that do not exist."""
    command, rest = _root(), words[1:]
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-") and rest[0] not in _PLACEHOLDERS:
        if rest[0] not in command.commands:
            return [rest[0]]
        command, rest = command.commands[rest[0]], rest[1:]
    takers = [command, *(command.commands.values() if isinstance(command, TyperGroup) else ())]
    options = {
        "--help",
        *(name for taker in takers for each in taker.params for name in each.opts + each.secondary_opts),
    }
    return [word for word in rest if word.startswith("--") and word.split("=")[0] not in options]


def _root() -> TyperGroup:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return root
