"""`nscr gate`: is everything in a registry there, whole, and what it says it is? An answer and an exit code for CI.

Parses flags and the thresholds file into demands; gating.py does what they ask.
"""

import os
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import trio
import typer

from nscr_cli.client.target import Credentials, Target
from nscr_cli.commands.gate_options import (
    AsJson,
    Consent,
    CsvFile,
    Deep,
    Format,
    FormatOption,
    GateNamespace,
    JunitFile,
    MaxOrphaned,
    MaxSessionAge,
    MaxUnreferenced,
    Repositories,
    RequireHealthy,
    Sample,
    SampleSeed,
    Scenarios,
    Sparse,
    SparseIndexes,
    Thresholds,
    TortureFor,
    TortureReports,
    Workers,
)
from nscr_cli.commands.gate_usage import check_together
from nscr_cli.commands.gating import Inspection, show, tortured
from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrl, is_text
from nscr_cli.commands.torture import check_address
from nscr_cli.commands.torturing import Torturer
from nscr_cli.commands.writable import check_writable
from nscr_cli.durations import parse_duration
from nscr_cli.engine.plan import Flags
from nscr_cli.engine.scenario_file import load_scenario
from nscr_cli.errors import ReportsUnwritable, UsageError
from nscr_cli.exits import worst
from nscr_cli.gate.catalog import check_names
from nscr_cli.gate.demands import DEFAULT_SESSION_AGE_S, Demands, Expectation
from nscr_cli.gate.demands_file import DemandsFile, load_demands, percent_of, seconds_of
from nscr_cli.gate.documents import CSV_COLUMNS, csv_rows, junit_suite
from nscr_cli.gate.rendering import markdown
from nscr_cli.gate.report import gate_report, partial_report
from nscr_cli.history.plan import Scenario
from nscr_cli.reporting.csv_files import write_csv
from nscr_cli.reporting.github import append_summary
from nscr_cli.reporting.junit import junit_document
from nscr_cli.reporting.whole_files import whole_file
from nscr_cli.targets.external import check_consent

_SEEDS = 2**32


@spread
def gate(
    *,
    registry_url: RegistryUrl = None,
    repository: Repositories = None,
    workers: Workers = 8,
    deep: Deep = None,
    sample: Sample = None,
    seed: SampleSeed = None,
    max_unreferenced: MaxUnreferenced = None,
    max_orphaned: MaxOrphaned = None,
    max_session_age: MaxSessionAge = None,
    require_healthy: RequireHealthy = None,
    sparse_indexes: SparseIndexes = None,
    thresholds: Thresholds = None,
    torture: Scenarios = None,
    torture_for: TortureFor = None,
    namespace: GateNamespace = None,
    i_may_torture: Consent = None,
    reports: TortureReports = Path("reports"),
    format_: FormatOption = Format.AUTO,
    as_json: AsJson = False,
    csv: CsvFile = None,
    junit: JunitFile = None,
    access: Access,
) -> None:
    """Walk a registry and check that everything is there, whole, and what it says it is.

    Exits 0 when all of it held, 1 when a promise is broken, 3 when there was
    nothing to judge or it could not be decided, 4 when only a limit was
    breached, 5 when the registry did not answer or let us in.
    """
    if registry_url is None:
        raise UsageError("no registry to check", hint="name one with --registry-url, or set NSCR_REGISTRY_URL")
    if not all(map(is_text, repository or ())):
        raise UsageError("the name of a repository is no UTF-8 text", hint="lower-case letters, digits and . _ - /")
    check_names(repository or ())
    target, credentials = access.connection(registry_url)
    demands = demanded(
        DemandsFile(
            deep=deep,
            sample=sample,
            max_unreferenced=max_unreferenced,
            max_orphaned=max_orphaned,
            max_session_age=max_session_age,
            require_healthy=require_healthy,
            sparse_indexes=sparse_indexes is Sparse.ALLOWED if sparse_indexes is not None else None,
        ),
        load_demands(thresholds) if thresholds is not None else DemandsFile(),
        seed=SystemRandom().randrange(_SEEDS) if seed is None else seed,
    )
    only_for_torture = {"--torture-for": torture_for, "--namespace": namespace, "--i-may-torture": i_may_torture}
    check_together(
        torture=torture,
        only_for_torture=only_for_torture,
        seed=seed,
        demands=demands,
        as_json=as_json,
        format_=format_,
    )
    check_writable("--csv", csv)
    check_writable("--junit", junit)
    scenarios = _scenarios(torture or (), target, i_may_torture)
    torture_flags = Flags(
        duration_s=parse_duration(torture_for) if torture_for is not None else None,
        registry_url=target.url,
        namespace=namespace,
    )
    started, began_s = datetime.now(UTC), time.monotonic()
    inspection = Inspection(target, credentials, wanted=repository or (), workers=workers, demands=demands)
    trio.run(inspection.run)
    if inspection.told is None:
        why = f"interrupted by {(inspection.interrupted_by or signal.SIGINT).name}"
        report = partial_report(target.url, inspection.survey, choice=inspection.choice, demands=demands, why=why)
    else:
        report = gate_report(
            target.url,
            inspection.survey,
            inspection.told,
            choice=inspection.choice,
            demands=demands,
            tortured=tortured(scenarios, torture_flags, _torturer(target, credentials, reports)),
        )
    show(report, Format.JSON if as_json else format_)
    append_summary(f"## nscr gate\n\n{markdown(report)}", os.environ)
    try:
        if csv is not None:
            write_csv(csv, CSV_COLUMNS, csv_rows(report))
        if junit is not None:
            suite = junit_suite(report, started=started, seconds=time.monotonic() - began_s)
            with whole_file(junit) as file:
                file.write(junit_document([suite]))
    except ReportsUnwritable as error:
        failure = ReportsUnwritable(error.message, hint="free some space, or name another file")
        failure.exit_code = worst((report.exit_code, failure.exit_code))  # a broken promise is not lost for that
        raise failure from error
    is_cut_short = inspection.told is None and not report.findings
    raise typer.Exit(inspection.interrupted_exit if is_cut_short else report.exit_code)


def demanded(flags: DemandsFile, file: DemandsFile, *, seed: int) -> Demands:
    """What is asked for; each flag goes before the file, and how blobs are read is asked for by one of them alone.

    Raises:
        UsageError: both or neither of two things that exclude each other.
    """
    reading = flags if flags.deep is not None or flags.sample is not None else file
    if reading.deep and reading.sample is not None:
        raise UsageError("all blobs are to be read, and a sample of them", hint="choose one of --deep and --sample")
    percent = percent_of(str(reading.sample)) if reading.sample is not None else None
    age = flags.max_session_age if flags.max_session_age is not None else file.max_session_age
    healthy = flags.require_healthy if flags.require_healthy is not None else file.require_healthy
    return Demands(
        is_deep=bool(reading.deep),
        sample_percent=percent,
        seed=seed,
        max_orphaned=flags.max_orphaned if flags.max_orphaned is not None else file.max_orphaned,
        max_unreferenced=flags.max_unreferenced if flags.max_unreferenced is not None else file.max_unreferenced,
        max_session_age_s=seconds_of(age) if age is not None else DEFAULT_SESSION_AGE_S,
        health={None: Expectation.JUDGED, True: Expectation.REQUIRED, False: Expectation.IGNORED}[healthy],
        are_sparse_allowed=flags.sparse_indexes if flags.sparse_indexes is not None else file.sparse_indexes,
    )


def _scenarios(names: Sequence[str], target: Target, i_may_torture: str | None) -> list[tuple[str, Scenario]]:
    if not names:
        return []
    check_consent(target, i_may_torture)
    loaded = [(name, load_scenario(name)) for name in names]
    for name, scenario in loaded:
        check_address(name, scenario, target)
    return loaded


def _torturer(target: Target, credentials: Credentials | None, reports: Path) -> Torturer:
    return Torturer(address=target, credentials=credentials, reports=reports)
