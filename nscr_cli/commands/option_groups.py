"""Options that several commands take alike: declared once, as the fields of a class, and spread over each command.

A command says `access: Access`; on the command line it has the options that the fields of `Access` declare.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TypeVar, get_type_hints

import msgspec

Answer = TypeVar("Answer")


class OptionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Its fields are options: each annotated as a parameter of a command would be, each with a default."""


def spread(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The same command as typer wants it: in place of a parameter that is a group, the options of that group."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if isinstance(kind, type) and issubclass(kind, OptionGroup)}
    parameters = [
        option
        for name, parameter in inspect.signature(command).parameters.items()
        for option in (
            _options(groups[name])
            if name in groups
            else (parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name]),)
        )
    ]

    @wraps(command)
    def called(**given: Any) -> Answer:
        gathered = {
            name: group(**{field: given.pop(field) for field in group.__struct_fields__})
            for name, group in groups.items()
        }
        return command(**given, **gathered)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _options(group: type[OptionGroup]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in msgspec.structs.fields(group):
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
