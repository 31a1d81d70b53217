"""The options of `nscr gate` alone, as types; what they do is told in docs/gate.md."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_LIMITS = "Limits: what may be found"
_TORTURE = "Torture: a load besides"
_OUTPUT = "Output"


class Format(StrEnum):
    """How the answer is printed."""

    AUTO = "auto"
    RICH = "rich"
    PLAIN = "plain"
    GITHUB = "github"
    MARKDOWN = "markdown"
    JSON = "json"


class Sparse(StrEnum):
    """What an index is that lacks children."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"


Repositories = Annotated[
    list[str] | None,
    typer.Option(
        "--repository",
        metavar="NAME",
        help="Check this one, or what a pattern such as 'team/*' matches; again for more. (default: the catalog)",
    ),
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=256, metavar="N", help="Connections at a time.")]
Deep = Annotated[
    bool | None,
    typer.Option("--deep", help="Read and hash the bytes of every blob. (default: ask for them by HEAD)"),
]
Sample = Annotated[
    str | None, typer.Option("--sample", metavar="N%", help="Read and hash so many of the blobs, e.g. 5%.")
]
SampleSeed = Annotated[
    int | None,
    typer.Option("--seed", min=0, metavar="N", help="Of --sample: the same blobs again. (default: a new one)"),
]
MaxUnreferenced = Annotated[
    int | None,
    typer.Option(
        "--max-unreferenced",
        min=0,
        metavar="N",
        help="Blobs that no manifest needs; more: exit code 4.",
        rich_help_panel=_LIMITS,
    ),
]
MaxOrphaned = Annotated[
    int | None,
    typer.Option(
        "--max-orphaned",
        min=0,
        metavar="N",
        help="Manifests that lack something. (default: 0)",
        rich_help_panel=_LIMITS,
    ),
]
MaxSessionAge = Annotated[
    str | None,
    typer.Option(
        "--max-session-age",
        metavar="TIME",
        help="An upload that is idle for longer is stuck. (default: 1h)",
        rich_help_panel=_LIMITS,
    ),
]
RequireHealthy = Annotated[
    bool | None,
    typer.Option(
        "--require-healthy",
        help="The registry must say that it is. (default: judged where it says anything)",
        rich_help_panel=_LIMITS,
    ),
]
SparseIndexes = Annotated[
    Sparse | None,
    typer.Option(
        "--sparse-indexes",
        help="Whether an index may lack children. (default: as the monitoring API says, else undecided)",
        rich_help_panel=_LIMITS,
    ),
]
Thresholds = Annotated[
    Path | None,
    typer.Option(
        "--thresholds",
        metavar="FILE",
        help="TOML file with these limits, --deep and --sample; flags go before it.",
        rich_help_panel=_LIMITS,
    ),
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--torture",
        metavar="SCENARIO",
        help="Torture the registry with it, too; again for more.",
        rich_help_panel=_TORTURE,
    ),
]
TortureFor = Annotated[
    str | None,
    typer.Option(
        "--torture-for",
        metavar="TIME",
        help="Length of each load. (default: the scenario's)",
        rich_help_panel=_TORTURE,
    ),
]
GateNamespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        metavar="NAMESPACE",
        help="Write below it, and nowhere else. (default: nscr-torture)",
        rich_help_panel=_TORTURE,
    ),
]
Consent = Annotated[
    str | None,
    typer.Option(
        "--i-may-torture",
        metavar="HOST",
        help="Consent for a registry that is not on this machine.",
        rich_help_panel=_TORTURE,
    ),
]
TortureReports = Annotated[
    Path,
    typer.Option(
        "--reports", metavar="FOLDER", help="Where the folders of the runs are made.", rich_help_panel=_TORTURE
    ),
]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="auto: rich on a terminal, github in a workflow, else plain.",
        rich_help_panel=_OUTPUT,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.", rich_help_panel=_OUTPUT)]
CsvFile = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write checks and findings here.", rich_help_panel=_OUTPUT),
]
JunitFile = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write checks here, as JUnit XML.", rich_help_panel=_OUTPUT),
]
