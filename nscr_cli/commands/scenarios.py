"""`nscr scenarios`: what can be run, what is in it, and what its clients would ask; no registry is needed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated

import msgspec
import typer

from nscr_cli.engine.plan import DEFAULT_NAMESPACE, Flags, make_plan
from nscr_cli.engine.scenario_file import load_scenario, scenario_names
from nscr_cli.engine.scenario_keys import as_toml
from nscr_cli.engine.scenario_reference import render_scenarios
from nscr_cli.engine.scenario_template import scenario_template
from nscr_cli.errors import UsageError
from nscr_cli.history.ops import Op
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.manual.completions import complete_scenario, complete_workload
from nscr_cli.reporting.known_bugs import read_catalogue
from nscr_cli.ui import printable, progress_console
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.simulation import simulate as simulated

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

scenarios = typer.Typer(name="scenarios", help="List, read, check and write scenarios.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", autocompletion=complete_scenario, help="A name, or the path of a TOML file."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as JSON.")]


@scenarios.command("list")
def list_all(as_json: AsJson = False) -> None:
    """The shipped scenarios, with their titles."""
    titles = {name: load_scenario(name).title for name in scenario_names()}
    if as_json:
        _echo_json([{"name": name, "title": title} for name, title in titles.items()])
        return
    width = max(map(len, titles), default=0)
    for name, title in titles.items():
        typer.echo(f"{name:<{width}}  {title}")


@scenarios.command()
def show(scenario: Name, as_json: AsJson = False) -> None:
    """What a scenario does and hunts, and every value of it, defaults filled in."""
    loaded = load_scenario(scenario)
    if as_json:
        _echo_json({"name": scenario, **_values(loaded)})
        return
    typer.echo(printable(loaded.title))
    for line in ["", *loaded.description.strip().splitlines(), ""]:
        typer.echo(printable(line, limit=1000))
    for name, value in _values(loaded).items():
        if name not in ("title", "description") and value is not None:
            typer.echo(printable(f"{name} = {as_toml(value)}", limit=4000))


@scenarios.command()
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file.")], as_json: AsJson = False
) -> None:
    """Check a scenario file. Exit code 2 if it does not hold together; the error names the place."""
    # A path even where it looks like the name of a shipped scenario.
    loaded = load_scenario(str(file.absolute()))
    if as_json:
        _echo_json({"file": str(file), "valid": True, "title": loaded.title})
    else:
        typer.echo(f"{printable(str(file))}: valid")


@scenarios.command()
def simulate(
    scenario: Name,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same operations.")] = 0,
    ops: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many operations.")] = 50,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, metavar="N", show_default="the scenario's", help="Concurrent clients."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The operations of the load against a registry that does everything right; nothing is sent anywhere."""
    plan = _plan(scenario, seed, workers)
    operations = simulated(plan, ops)
    if as_json:
        _echo_json({"scenario": scenario, "seed": seed, "operations": [msgspec.to_builtins(op) for op in operations]})
        return
    for op in operations:
        typer.echo(_line(op))


@scenarios.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
    workload: Annotated[
        str, typer.Option(metavar="NAME", autocompletion=complete_workload, help="What its clients do.")
    ] = "mixed",
    as_json: AsJson = False,
) -> None:
    """Write a scenario to start from: commented, and valid as it stands."""
    if workload not in WORKLOADS:
        raise UsageError(f"no workload {workload!r}", hint=f"workloads: {', '.join(sorted(WORKLOADS))}")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(scenario_template(workload, WORKLOADS[workload]))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="name a new file in a folder that can be written") from error
    if as_json:
        _echo_json({"file": str(file), "workload": workload})
    else:
        progress_console().print(f"written: {printable(str(file))}", markup=False, soft_wrap=True)


@scenarios.command()
def reference() -> None:
    """All shipped scenarios, who judges them, and every key of a scenario file, as Markdown."""
    typer.echo(render_scenarios({name: load_scenario(name) for name in scenario_names()}, read_catalogue()), nl=False)


def _plan(name: str, seed: int, workers: int | None) -> RunPlan:
    flags = Flags(seed=seed, workers=workers)
    plan = make_plan(name, load_scenario(name), flags, started=_EPOCH, chance=Random(seed))
    return msgspec.structs.replace(plan, run_id="simulated", namespace=f"{DEFAULT_NAMESPACE}/simulated")


def _line(op: Op) -> str:
    asked = msgspec.to_builtins(op.asked)
    asked.pop("references", None)
    details = " ".join(f"{name}={value}" for name, value in asked.items() if str(value) not in op.key)
    return f"{op.time_ns / 1e6:10.3f} ms  {op.process:>4}  {op.f:<15}  {op.key}  {details}".rstrip()


def _values(scenario: Scenario) -> dict[str, object]:
    return {name: getattr(scenario, name) for name in scenario.__struct_fields__}


def _echo_json(document: object) -> None:
    typer.echo(json.dumps(msgspec.to_builtins(document), indent=2))
