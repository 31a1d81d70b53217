"""The reference of the command line as Markdown: made of the commands as Typer has assembled them.

`nscr reference` prints it; docs/cli.md is that text. A pure function of the command tree: no width of a terminal, no
environment and no folder of this machine enters it. Help texts may carry Rich markup, which is taken out here.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, get_args

import typer
from rich.text import Text
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from nscr_cli.exits import MEANINGS
from nscr_cli.manual.examples import HEADING

_INTRODUCTION = """\
# The command line

Made by `nscr reference > docs/cli.md` from the commands themselves; make it anew after you changed one.

`nscr COMMAND --help` tells the same in the terminal. A duration is `500ms`, `20s`, `5m` or `1h30m`, a size `64KiB`,
`500MB` or a number of bytes. Where a column names an environment variable, that variable stands for the option when
it is not given. Results go to standard output, progress and errors to standard error.

`nscr --install-completion` teaches your shell (bash, zsh, fish) to complete commands and options, scenarios, workloads
and sabotages; it holds from the next terminal on. `nscr --show-completion` prints what it would add.
"""
_EXIT_CODES = """
## Exit codes

Every command ends with one of these.
"""
_OF_EVERYBODY = "--help"


def render_commands(root: TyperGroup) -> str:
    """The whole text."""
    commands = list(_visible(root, "nscr"))
    lines = [
        _INTRODUCTION,
        *_table(("command", "does"), ((f"[{name}](#{_anchor(name)})", _summary(each)) for name, each in commands)),
        _EXIT_CODES,
        *_table(("code", "says"), ((str(code.value), meaning) for code, meaning in MEANINGS.items())),
        "\n## nscr\n",
        *_told(root, "nscr"),
        *(line for name, command in commands for line in (f"\n## {name}\n", *_told(command, name))),
        "",
    ]
    return "\n".join(lines)


def _visible(group: TyperGroup, path: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Every command that --help would show, with its path; a group before its own."""
    for name, command in group.commands.items():
        if command.hidden or not isinstance(command, TyperCommand | TyperGroup):
            continue
        yield f"{path} {name}", command
        if isinstance(command, TyperGroup):
            yield from _visible(command, f"{path} {name}")


def _told(command: TyperCommand | TyperGroup, path: str) -> Iterator[str]:
    context = typer.Context(command, info_name=path)
    yield f"```\n{path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    yield _plain(inspect.cleandoc(command.help or ""))
    arguments = [each for each in command.params if isinstance(each, TyperArgument) and not each.hidden]
    if arguments:
        yield ""
        yield from _table(("argument", "default", "meaning"), map(_argument, arguments))
    for panel, options in _panels(command).items():
        yield f"\n{panel}:\n"
        yield from _table(("option", "value", "default", "environment", "meaning"), map(_option, options))
    if command.epilog and command.epilog.startswith(HEADING):
        examples = Text.from_markup(command.epilog).plain.removeprefix(HEADING).strip()
        yield f"\n{HEADING}\n\n```console\n{examples}\n```"


def _panels(command: TyperCommand | TyperGroup) -> dict[str, list[TyperOption]]:
    panels: dict[str, list[TyperOption]] = {}
    for each in command.params:
        if isinstance(each, TyperOption) and not each.hidden and _OF_EVERYBODY not in each.opts:
            panels.setdefault(each.rich_help_panel or "Options", []).append(each)
    return panels


def _argument(argument: TyperArgument) -> tuple[str, ...]:
    default = "required" if argument.required else _default(argument)
    return f"`{argument.display_name_raw}`", default, _meaning(argument)


def _option(option: TyperOption) -> tuple[str, ...]:
    names = "`, `".join([*option.opts, *option.secondary_opts])
    environment = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    return (
        f"`{names}`",
        "" if option.is_flag else f"`{option.metavar or _kind(option)}`",
        "required" if option.required else _default(option),
        ", ".join(f"`{name}`" for name in environment),
        f"{_meaning(option)}{_choices(option)}{_range(option)}{' May be repeated.' if option.multiple else ''}",
    )


def _kind(parameter: TyperArgument | TyperOption) -> str:
    return str(_element(parameter).__name__).upper()


def _element(parameter: TyperArgument | TyperOption) -> Any:
    """The type of the value, or of one of the values."""
    annotation = parameter.type_descriptor.annotation
    return next(iter(get_args(annotation)), annotation)


def _choices(parameter: TyperArgument | TyperOption) -> str:
    kind = _element(parameter)
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return ""
    return f" One of {', '.join(f'`{each.value}`' for each in kind)}."


def _range(option: TyperOption) -> str:
    match option.min, option.max:
        case None, None:
            return ""
        case least, None:
            return f" At least {least}."
        case None, most:
            return f" At most {most}."
        case least, most:
            return f" From {least} to {most}."


def _default(parameter: TyperArgument | TyperOption) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    value = parameter.default
    if value is None or value is False or not parameter.show_default:
        return ""
    if value is True:
        return f"`{parameter.opts[0]}`"
    values: Sequence[object] = value if isinstance(value, list | tuple) else [value]
    return ", ".join(f"`{each.value if isinstance(each, Enum) else each}`" for each in values)


def _meaning(parameter: TyperArgument | TyperOption) -> str:
    return " ".join(_plain(parameter.help or "").split())


def _summary(command: TyperCommand | TyperGroup) -> str:
    return " ".join(_plain(inspect.cleandoc(command.help or "").split("\n\n", 1)[0]).split())


def _plain(markup: str) -> str:
    return Text.from_markup(markup).plain.replace("<", "\\<")  # to Markdown it would begin a tag


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table without the columns that no row has anything for."""
    table = [head, *rows]
    used = [column for column in range(len(head)) if any(row[column] for row in table[1:])]
    head, *rows = [tuple(row[column] for column in used) for row in table]
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
