"""`nscr gate`: is everything in a registry there, whole, and what it says it is? An answer and an exit code for CI.

Parses, walks, renders. What is wrong is decided in gate/rules.py and gate/monitoring_rules.py.
"""

import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import trio
import typer

from nscr_cli.client.admission import check_access
from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import dialer_for
from nscr_cli.commands.options import (
    CaCert,
    Insecure,
    Password,
    PasswordStdin,
    ProxyUrl,
    RegistryUrl,
    Username,
    connection,
)
from nscr_cli.durations import parse_duration
from nscr_cli.errors import NscrError, UsageError
from nscr_cli.exits import Exit
from nscr_cli.gate.monitoring import Told, compare
from nscr_cli.gate.rendering import CSV_COLUMNS, csv_rows, document, markdown, plain, rendered
from nscr_cli.gate.report import GateReport, gate_report
from nscr_cli.gate.survey import Survey
from nscr_cli.gate.walk import list_repositories, walk
from nscr_cli.reporting.csv_files import write_csv
from nscr_cli.ui import results_console

_SIGNAL_EXITS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Format(StrEnum):
    """How the answer is printed."""

    AUTO = "auto"
    PLAIN = "plain"
    MARKDOWN = "markdown"
    JSON = "json"


def gate(
    registry_url: RegistryUrl = None,
    repository: Annotated[
        list[str] | None,
        typer.Option("--repository", metavar="NAME", help="Check this repository; again for more. Else the catalog."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, metavar="N", help="Connections at a time.")] = 8,
    hash_blobs: Annotated[
        bool, typer.Option("--hash-blobs/--no-hash-blobs", help="Read and hash the bytes of every blob.")
    ] = True,
    max_session_age: Annotated[
        str, typer.Option("--max-session-age", metavar="TIME", help="An upload idle for longer is stuck.")
    ] = "1h",
    format_: Annotated[Format, typer.Option("--format", help="auto: a table on a terminal.")] = Format.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write checks and findings here.")] = None,
    username: Username = None,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    ca_cert: CaCert = None,
    insecure: Insecure = False,
    proxy: ProxyUrl = None,
) -> None:
    """Walk a registry and check that everything is there, whole, and what it says it is.

    Exits 0 when all of it held, 1 when a promise is broken, 3 when there was
    nothing to judge, 5 when the registry did not answer or let us in.
    """
    if registry_url is None:
        raise UsageError("no registry to check", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    target, credentials = connection(
        registry_url,
        username=username,
        password=password,
        password_stdin=password_stdin,
        ca_cert=ca_cert,
        insecure=insecure,
        proxy=proxy,
    )
    inspection = _Inspection(
        target,
        credentials,
        repositories=tuple(dict.fromkeys(repository or ())),
        workers=workers,
        hash_blobs=hash_blobs,
        most_idle_ms=round(parse_duration(max_session_age) * 1000),
    )
    trio.run(inspection.run)
    if inspection.report is None:
        raise typer.Exit(inspection.interrupted_exit)
    _show(inspection.report, Format.JSON if as_json else format_)
    if csv is not None:
        write_csv(csv, CSV_COLUMNS, csv_rows(inspection.report))
    raise typer.Exit(inspection.report.exit_code)


class _Inspection:
    """One inspection, until it is done or interrupted."""

    def __init__(
        self,
        target: Target,
        credentials: Credentials | None,
        *,
        repositories: tuple[str, ...],
        workers: int,
        hash_blobs: bool,
        most_idle_ms: int,
    ) -> None:
        self.report: GateReport | None = None
        self.interrupted_exit = Exit.INTERRUPTED
        self._target = target
        self._credentials = credentials
        self._repositories = repositories
        self._workers = workers
        self._hash_blobs = hash_blobs
        self._most_idle_ms = most_idle_ms
        self._failure: NscrError | None = None

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._heed_signals, nursery.cancel_scope)
            try:
                self.report = await self._inspect()
            except NscrError as error:
                self._failure = error  # a nursery would wrap it
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def _inspect(self) -> GateReport:
        dialer = dialer_for(self._target)
        tokens = Tokens(self._target, self._credentials, user_agent=USER_AGENT)
        clients = [RegistryClient(dialer, self._target, self._credentials, tokens=tokens) for _ in range(self._workers)]
        try:
            check_access(self._target, self._credentials, await clients[0].ping())
            repositories = self._repositories or await list_repositories(clients[0])
            survey = Survey()
            await walk(clients, repositories, survey, hash_blobs=self._hash_blobs)
            told = await self._compare(clients, survey, tokens)
        finally:
            for client in clients:
                await client.aclose()
        return gate_report(self._target.url, survey, told, named=self._repositories, hash_blobs=self._hash_blobs)

    async def _compare(self, clients: list[RegistryClient], survey: Survey, tokens: Tokens) -> Told:
        async with Monitoring(self._target, self._credentials, tokens=tokens) as monitoring:
            return await compare(
                monitoring,
                clients,
                survey,
                is_whole=not self._repositories and not survey.unlisted,
                most_idle_ms=self._most_idle_ms,
            )

    async def _heed_signals(self, scope: trio.CancelScope, task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                self.interrupted_exit = _SIGNAL_EXITS[signal.Signals(number)]
                scope.cancel()


def _show(report: GateReport, format_: Format) -> None:
    console = results_console()
    match format_:
        case Format.JSON:
            sys.stdout.write(document(report))
        case Format.MARKDOWN:
            sys.stdout.write(markdown(report))
        case Format.AUTO if console.is_terminal:
            console.print(rendered(report))
        case _:
            sys.stdout.write(plain(report))
