"""The commands of `nscr`, each imported when it is asked for: what one needs, no other one waits for.

Only the help of `nscr` itself and its completion ask for all of them. A command stands in the module of its name.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from nscr_cli.manual.examples import add_examples

_ON_REGISTRIES = "Is a registry fine?"
_ON_RUNS = "What a run has found, and what is run"
_REFERENCE = "The reference registry"
_HIDDEN = None

PANELS = {
    "torture": _ON_REGISTRIES,
    "gate": _ON_REGISTRIES,
    "judge": _ON_RUNS,
    "report": _ON_RUNS,
    "serve": _REFERENCE,
    "reference": _HIDDEN,
    "watch": _ON_REGISTRIES,
    "scenarios": _ON_RUNS,
    "admin": _REFERENCE,
}


class OnDemand(TyperGroup):
    """The group of all commands; which they are, it knows without them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": _Commands()})


class _Commands(Mapping[str, TyperCommand | TyperGroup]):
    """Each by its name, made when it is taken out."""

    def __init__(self) -> None:
        self._made: dict[str, TyperCommand | TyperGroup] = {}

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in self._made:
            self._made[name] = _made(name, PANELS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PANELS)

    def __len__(self) -> int:
        return len(PANELS)


def _made(name: str, panel: str | None) -> TyperCommand | TyperGroup:
    found = getattr(import_module(f"nscr_cli.commands.{name}"), name)
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="rich")
    if isinstance(found, typer.Typer):
        alone.add_typer(found, rich_help_panel=panel)
    else:
        alone.command(rich_help_panel=panel, hidden=panel is _HIDDEN)(found)
    add_examples(alone)
    return cast(TyperCommand | TyperGroup, typer.main.get_group(alone).commands[name])
