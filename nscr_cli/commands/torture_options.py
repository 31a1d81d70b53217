"""The options of `nscr torture` beside those that say which registry, in the groups in which --help shows them."""

from pathlib import Path
from typing import Annotated

import typer

from nscr_cli.commands.options import LOAD, REGISTRY, REPORTS
from nscr_cli.engine.plan import DEFAULT_NAMESPACE, MOST_PROCESSES
from nscr_cli.engine.scenario_file import MOST_WORKERS
from nscr_cli.manual.completions import complete_sabotage, complete_scenario

DEFAULT_SCENARIO = "mixed"
_AGAIN = "Again, and smaller"
_LEFT = "What is left behind"
_OF_SCENARIO = "the scenario's"
MOST_RATE = 1_000_000  # more is asked by no one, and infinity has no schedule

Scenarios = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SCENARIO",
        show_default=DEFAULT_SCENARIO,
        autocompletion=complete_scenario,
        help="Names (nscr scenarios list), or paths of TOML files; each is run.",
    ),
]

Consent = Annotated[
    str | None,
    typer.Option(metavar="HOST", rich_help_panel=REGISTRY, help="Consent for a registry that is not on this machine."),
]

Namespace = Annotated[
    str | None,
    typer.Option(
        metavar="NAMESPACE",
        show_default=DEFAULT_NAMESPACE,
        rich_help_panel=REGISTRY,
        help="Write below NAMESPACE/<run id>, and nowhere else.",
    ),
]

Flat = Annotated[
    bool,
    typer.Option(
        "--flat",
        rich_help_panel=REGISTRY,
        help="Repositories NAMESPACE/<run id>-NAME, where names have two levels only.",
    ),
]

Sabotages = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=REGISTRY,
        autocompletion=complete_sabotage,
        help="Build a known bug into the reference registry, to see it found.",
    ),
]

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_WORKERS,
        metavar="N",
        show_default=_OF_SCENARIO,
        rich_help_panel=LOAD,
        help="Concurrent clients.",
    ),
]

Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_PROCESSES,
        metavar="N",
        show_default="1",
        rich_help_panel=LOAD,
        help="Share the clients out to so many processes; no more than --workers.",
    ),
]

Duration = Annotated[
    str | None,
    typer.Option(metavar="TIME", show_default=_OF_SCENARIO, rich_help_panel=LOAD, help="Length of the load, e.g. 20s."),
]

MostOperations = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", rich_help_panel=LOAD, help="End the load after so many operations."),
]

MostBytes = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        rich_help_panel=LOAD,
        help="Push no more than this in all, e.g. 500MB: then the load ends.",
    ),
]

MostRate = Annotated[
    float | None,
    typer.Option(
        min=0.001, max=MOST_RATE, metavar="N", rich_help_panel=LOAD, help="Start at most so many operations a second."
    ),
]

Rate = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        max=MOST_RATE,
        metavar="N",
        rich_help_panel=LOAD,
        help="Open model: so many operations arrive a second, whether or not others ended.",
    ),
]

Ramp = Annotated[
    str | None,
    typer.Option(metavar="TIME", rich_help_panel=LOAD, help="Let --rate grow from nothing over this time."),
]

Seed = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", show_default="a new one", rich_help_panel=LOAD, help="Replay what this seed does."
    ),
]

Replay = Annotated[
    Path | None,
    typer.Option(
        metavar="RUNDIR",
        rich_help_panel=_AGAIN,
        help="Run the plan of a former run again; other flags change it.",
    ),
]

Repeat = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="K",
        rich_help_panel=_AGAIN,
        help="With --replay: K times, and say in how many it showed again.",
    ),
]

Shrink = Annotated[
    bool,
    typer.Option(
        "--shrink",
        rich_help_panel=_AGAIN,
        help="After INVALID, search for a smaller run that breaks the same promise.",
    ),
]

ShrinkFor = Annotated[str, typer.Option(metavar="TIME", rich_help_panel=_AGAIN, help="Search no longer than this.")]

ShrinkRule = Annotated[
    str | None,
    typer.Option(
        metavar="RULE",
        show_default="the report's first",
        rich_help_panel=_AGAIN,
        help="Search for this rule, e.g. lost-write.",
    ),
]

ReportsFolder = Annotated[
    Path, typer.Option(metavar="DIR", rich_help_panel=REPORTS, help="Where the folder of the run is made.")
]

AsJson = Annotated[bool, typer.Option("--json", rich_help_panel=REPORTS, help="Print the report as JSON.")]

JunitFile = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", rich_help_panel=REPORTS, help="Write JUnit XML, a suite a scenario."),
]

Keep = Annotated[bool, typer.Option("--keep", rich_help_panel=_LEFT, help="Do not delete at the end what was pushed.")]

Clean = Annotated[
    Path | None,
    typer.Option(metavar="RUNDIR", rich_help_panel=_LEFT, help="Run nothing: delete what a former run left behind."),
]
