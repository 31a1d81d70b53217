"""The examples that --help ends with, by command. docs/cli.md shows them too, and a test parses every one of them.

Two to five a command, what a newcomer wants first before what is rare; a line must fit into 80 columns.
"""

from typing import NamedTuple

import typer
from rich.markup import escape

HEADING = "Examples:"


class Example(NamedTuple):
    """What is wanted, in a few words, and the command that does it."""

    wanted: str
    command: str


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "torture": (
        Example("the reference registry, started for the run", "nscr torture"),
        Example("a registry of yours on this machine", "nscr torture --registry-url http://127.0.0.1:5000"),
        Example("many writers and readers on few tags", "nscr torture tags --workers 16 --duration 60s"),
        Example("what a broken registry looks like: a verdict INVALID", "nscr torture --sabotage lost-tag"),
        Example("the plan of a former run again: does it show again?", "nscr torture --replay RUNDIR --repeat 5"),
    ),
    "judge": (
        Example("the verdict of a run again; nothing is asked of any registry", "nscr judge RUNDIR"),
        Example("a script of curl commands for each finding", "nscr judge RUNDIR --bodies DIR"),
        Example("a small run folder that proves the first finding, to be sent", "nscr judge RUNDIR --cut DIR"),
    ),
    "report": (
        Example("the page of a run: report.html in its folder", "nscr report RUNDIR"),
        Example("where it is and how large, for a machine", "nscr report RUNDIR --json"),
        Example("what differs from another run: promises and speed", "nscr report RUNDIR --compare OTHER"),
        Example("a page of all runs, with trends", "nscr report --index"),
        Example("the newest five of each scenario stay", "nscr report --prune --keep 5 --yes"),
    ),
    "gate": (
        Example("everything in a registry", "nscr gate --registry-url http://127.0.0.1:5000"),
        Example(
            "one repository, with credentials; the password comes from NSCR_PASSWORD",
            "nscr gate --registry-url URL --repository team/app --username ci",
        ),
        Example("every byte of a team's images", "nscr gate --registry-url URL --repository 'team/*' --deep"),
        Example(
            "limits from a file, and torture besides",
            "nscr gate --registry-url URL --thresholds gate.toml --torture mixed",
        ),
        Example(
            "for a machine: JSON here, the rows of the report there",
            "nscr gate --registry-url URL --format json --csv gate.csv",
        ),
    ),
    "watch": (
        Example("a live dashboard", "nscr watch --registry-url http://127.0.0.1:7000"),
        Example(
            "five minutes without a screen, and a time series",
            "nscr watch --registry-url URL --for 5m --csv series.csv",
        ),
    ),
    "watch dashboard": (
        Example("a live dashboard", "nscr watch dashboard --registry-url http://127.0.0.1:7000"),
        Example("two registries side by side", "nscr watch dashboard --registry-url URL --registry-url OTHER"),
        Example(
            "for a machine: a JSON document every 10 s", "nscr watch dashboard --registry-url URL --interval 10s --json"
        ),
    ),
    "watch state": (
        Example("totals every 5 s, and tags without a manifest", "nscr watch state --registry-url URL"),
        Example("a time series of an hour", "nscr watch state --registry-url URL --for 1h --csv state.csv"),
    ),
    "watch health": (
        Example("tell somebody when it is not fine", "nscr watch health --registry-url URL --on-alert ./tell"),
        Example("is it well for a minute? the exit code says so", "nscr watch health --registry-url URL --for 1m"),
        Example(
            "metrics for Prometheus, with a push and a pull a minute",
            "nscr watch health --registry-url URL --prometheus 9464 --probe 1m",
        ),
    ),
    "watch sessions": (
        Example("uploads as they come and go", "nscr watch sessions --registry-url URL"),
        Example("those that stand still for a minute", "nscr watch sessions --registry-url URL --stuck-after 1m"),
    ),
    "watch blobs": (
        Example("blobs as they come and go", "nscr watch blobs --registry-url URL"),
        Example("for a machine: a JSON document for each", "nscr watch blobs --registry-url URL --json"),
    ),
    "serve": (
        Example("a registry on 127.0.0.1:7000, its data in ./nscr-data", "nscr serve"),
        Example("on any free port, with a folder of its own", "nscr serve --port 0 --data ./registry"),
        Example(
            "for others, with a password that is read from standard input",
            "nscr serve --host 0.0.0.0 --username ci --password-stdin",
        ),
        Example("with a bug built in, to see it found", "nscr serve --data ./broken --sabotage truncated-blob"),
    ),
    "admin": (
        Example("is every byte that it keeps what it was?", "nscr admin scrub --data ./registry"),
        Example("a consistent copy, while the server runs", "nscr admin backup ./copy --data ./registry"),
    ),
    "admin scrub": (
        Example("a data folder, whether or not a server runs over it", "nscr admin scrub --data ./registry"),
        Example("the same for a machine", "nscr admin scrub --data ./registry --json"),
    ),
    "admin backup": (
        Example("a copy as of one moment", "nscr admin backup ./copy --data ./registry"),
        Example("the copy is served like any data folder", "nscr serve --data ./copy"),
    ),
    "scenarios": (
        Example("what there is to run", "nscr scenarios list"),
        Example("what one does, and which bugs it hunts", "nscr scenarios show tags"),
        Example("one of your own, to start from", "nscr scenarios new mine.toml"),
    ),
    "scenarios list": (
        Example("names and titles", "nscr scenarios list"),
        Example("the same for a machine", "nscr scenarios list --json"),
    ),
    "scenarios show": (
        Example("a shipped one", "nscr scenarios show tags"),
        Example("one of your own, defaults filled in", "nscr scenarios show ./mine.toml"),
    ),
    "scenarios validate": (
        Example("does the file hold together?", "nscr scenarios validate mine.toml"),
        Example("the same for a machine", "nscr scenarios validate mine.toml --json"),
    ),
    "scenarios simulate": (
        Example("what its clients would ask", "nscr scenarios simulate tags"),
        Example("a short look at one seed", "nscr scenarios simulate tags --seed 7 --ops 20 --workers 2"),
    ),
    "scenarios new": (
        Example("a mixed load, commented", "nscr scenarios new mine.toml"),
        Example("another kind of load", "nscr scenarios new mine.toml --workload tags"),
    ),
    "scenarios reference": (
        Example("to read", "nscr scenarios reference"),
        Example("the document of this repository, anew", "nscr scenarios reference > docs/scenarios.md"),
    ),
}


def add_examples(app: typer.Typer, path: str = "") -> None:
    """Give every command below `app` its examples as the end of its help."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        command.epilog = _epilog(f"{path} {name}".strip())
    for group in app.registered_groups:
        if group.typer_instance is not None:
            name = f"{path} {group.typer_instance.info.name}".strip()
            group.epilog = _epilog(name)
            add_examples(group.typer_instance, name)


def _epilog(path: str) -> str | None:
    examples = EXAMPLES.get(path)
    if examples is None:
        return None
    return escape(f"{HEADING}\n\n" + "\n".join(f"# {each.wanted}\n$ {each.command}" for each in examples))
