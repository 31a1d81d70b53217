"""`nscr admin scrub` and `nscr admin backup`: care for the data folder of a reference registry, running or not.

Like `nscr serve` it names `nscr` only once a command runs: everything that judges stays free of what it judges.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from nscr_cli.errors import EnvironmentFailed, UsageError
from nscr_cli.exits import Exit
from nscr_cli.ui import printable, progress_console, results_console

Result = TypeVar("Result")

admin = typer.Typer(name="admin", help="Care for the data folder of a reference registry.", no_args_is_help=True)

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="NSCR_DATABASE_PATH",
        metavar="DIR",
        help="The registry's data folder; a server may run over it.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as JSON.")]


@admin.command()
def scrub(data: Data = Path("nscr-data"), as_json: AsJson = False) -> None:
    """Hash every blob and manifest, and count all figures again. Exit code 1 if anything is not as it should be."""
    from nscr.scrubbing import scrub as walk

    report = _told(walk, data)
    document = {
        "blobs": report.blobs,
        "bytesRead": report.bytes_read,
        "manifests": report.manifests,
        "findings": report.findings,
    }
    _show(
        document,
        f"{report.blobs} blobs ({report.bytes_read:,} bytes) and {report.manifests} manifests read,"
        f" {len(report.findings)} findings",
        report.findings,
        as_json=as_json,
    )


@admin.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new folder for the copy.")],
    data: Data = Path("nscr-data"),
    as_json: AsJson = False,
) -> None:
    """Copy everything that is committed, as of one moment. The copy is served with `nscr serve --data TARGET`."""
    from nscr.backup import back_up

    report = _told(back_up, data, target)
    document = {"blobs": report.blobs, "bytes": report.size, "damaged": list(report.damaged)}
    _show(
        document,
        f"{report.blobs} blobs ({report.size:,} bytes) copied to {target}",
        [f"blob {digest} is damaged and must be pushed again" for digest in report.damaged],
        as_json=as_json,
    )


def _told(work: Callable[..., Result], *arguments: Path) -> Result:
    from nscr.errors import ConfigurationError, StartError

    try:
        return work(*arguments)
    except StartError as error:
        kind = UsageError if isinstance(error, ConfigurationError) else EnvironmentFailed
        raise kind(str(error), hint=error.hint) from error
    except OSError as error:  # a path that no file system takes
        raise EnvironmentFailed(
            f"{arguments[0]}: {error.strerror or error}", hint="name the data folder of a registry with --data"
        ) from error


def _show(document: dict[str, object], summary: str, findings: list[str], *, as_json: bool) -> None:
    if as_json:
        results_console().print(json.dumps(document), soft_wrap=True, markup=False)
    else:
        results_console().print(printable(summary, limit=1000), soft_wrap=True, markup=False)
        for finding in findings:
            progress_console().print(f"  {printable(finding, limit=1000)}", soft_wrap=True, markup=False)
    if findings:
        raise typer.Exit(Exit.INVALID)
