"""`nscr torture`: parses what is asked, runs each scenario, shows each report, ends with the worst exit code."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import msgspec
import typer

from nscr_cli.client.target import Credentials, Target
from nscr_cli.commands.option_groups import spread
from nscr_cli.commands.options import Access, RegistryUrl
from nscr_cli.commands.torture_options import (
    DEFAULT_SCENARIO,
    AsJson,
    Clean,
    Consent,
    Duration,
    Flat,
    JunitFile,
    Keep,
    MostBytes,
    MostOperations,
    MostRate,
    Namespace,
    Processes,
    Ramp,
    Rate,
    Repeat,
    Replay,
    ReportsFolder,
    Sabotages,
    Scenarios,
    Seed,
    Shrink,
    ShrinkFor,
    ShrinkRule,
    Workers,
)
from nscr_cli.commands.torturing import Search, Torturer, run_again, show_outcome, shrink_run
from nscr_cli.commands.writable import check_writable
from nscr_cli.durations import parse_duration
from nscr_cli.engine.judging import judge_run, read_plan, read_run
from nscr_cli.engine.network import Network
from nscr_cli.engine.plan import Flags, make_plan, replanned
from nscr_cli.engine.scenario_file import load_scenario
from nscr_cli.engine.torture import finish_cleaning
from nscr_cli.errors import UsageError
from nscr_cli.exits import Exit, worst
from nscr_cli.history.plan import RetryAfter, RunPlan, Scenario
from nscr_cli.reporting.junit_run import Suites
from nscr_cli.reporting.reruns import promises
from nscr_cli.sizes import parse_size
from nscr_cli.targets.external import ExternalTarget, check_consent
from nscr_cli.ui import progress_console, results_console


@spread
def torture(
    *,
    scenarios: Scenarios = None,
    registry_url: RegistryUrl = None,
    i_may_torture: Consent = None,
    namespace: Namespace = None,
    flat: Flat = False,
    access: Access,
    sabotage: Sabotages = None,
    workers: Workers = None,
    processes: Processes = None,
    duration: Duration = None,
    ops: MostOperations = None,
    max_bytes: MostBytes = None,
    max_rate: MostRate = None,
    rate: Rate = None,
    ramp: Ramp = None,
    seed: Seed = None,
    replay: Replay = None,
    repeat: Repeat = 1,
    shrink: Shrink = False,
    shrink_for: ShrinkFor = "5m",
    shrink_rule: ShrinkRule = None,
    reports: ReportsFolder = Path("reports"),
    as_json: AsJson = False,
    junit: JunitFile = None,
    keep: Keep = False,
    clean: Clean = None,
) -> None:
    """Torture a registry with many clients at once, and judge what it promised against what it did.

    Without --registry-url it starts the reference registry itself, on a free
    port and a temporary folder.
    """
    address: Target | None = None
    credentials: Credentials | None = None
    is_searching = shrink or shrink_rule is not None
    _check_combination(clean=clean is not None, scenarios=scenarios, replay=replay, repeat=repeat, shrink=is_searching)
    check_writable("--junit", junit)
    recorded = read_plan(replay) if replay is not None else None
    if recorded is not None and registry_url is None:
        registry_url = recorded.registry_url
    if registry_url is not None:
        address, credentials = access.connection(registry_url)
        check_consent(address, i_may_torture)
    if clean is not None:
        raise typer.Exit(_finish_cleaning(clean, address, credentials))
    if address is not None and sabotage:
        raise UsageError("--sabotage is for the reference registry", hint="leave out --registry-url")
    if recorded is not None:
        loaded = [(recorded.scenario_name, recorded.scenario)]
    else:
        loaded = [(name, load_scenario(name)) for name in scenarios or [DEFAULT_SCENARIO]]
    if address is not None:
        for name, scenario in loaded:
            check_address(name, scenario, address)
    flags = Flags(
        seed=seed,
        workers=workers,
        processes=processes,
        duration_s=parse_duration(duration) if duration is not None else None,
        max_operations=ops,
        max_bytes=parse_size(max_bytes) if max_bytes is not None else None,
        max_rate=max_rate,
        rate=rate,
        ramp_s=parse_duration(ramp) if ramp is not None else None,
        registry_url=address.url if address is not None else None,
        namespace=namespace,
        keep=keep,
        is_flat=flat,
        sabotages=tuple(sabotage or ()),
    )
    longest_s = parse_duration(shrink_for)
    search = Search(longest_s=longest_s, rule=shrink_rule) if is_searching else None
    torturer = Torturer(
        address=address,
        credentials=credentials,
        reports=reports,
        suites=Suites(junit) if junit is not None else None,
    )
    if recorded is not None and replay is not None:
        raise typer.Exit(_replayed(replay, recorded, flags, torturer, times=repeat, search=search, as_json=as_json))
    exits: list[Exit] = []
    for name, scenario in loaded:
        plan = make_plan(name, scenario, flags, started=datetime.now(UTC), chance=SystemRandom())
        outcome = torturer.run(plan)
        exits.append(show_outcome(outcome, as_json=as_json))
        if search is not None and outcome.report.interrupted_by is None:
            _, history = read_run(outcome.folder)
            found = shrink_run(outcome.folder, plan, history, outcome.report.findings, torturer, search)
            _say(found, as_json=as_json)
        if outcome.report.interrupted_by is not None:
            break
    raise typer.Exit(worst(exits))


def _check_combination(
    *, clean: bool, scenarios: Sequence[str] | None, replay: Path | None, repeat: int, shrink: bool
) -> None:
    """Refuse what would be left undone without a word."""
    if clean and (scenarios or replay is not None or shrink):
        raise UsageError("--clean runs nothing", hint="leave out scenarios, --replay and --shrink, or --clean")
    if replay is None and repeat > 1:
        raise UsageError("--repeat is for a run that is replayed", hint="add --replay RUNDIR")
    if replay is not None and scenarios:
        raise UsageError(
            "--replay takes its scenario from the run folder", hint=f"leave out {' '.join(scenarios)}, or --replay"
        )
    if repeat > 1 and shrink:
        raise UsageError(
            "--repeat and --shrink exclude each other",
            hint="shrink first, then repeat the smallest run: --replay RUNDIR/smallest --repeat K",
        )


def _replayed(
    folder: Path,
    recorded: RunPlan,
    flags: Flags,
    torturer: Torturer,
    *,
    times: int,
    search: Search | None,
    as_json: bool,
) -> Exit:
    _, history, results = judge_run(folder)
    findings = [finding for result in results for finding in result.findings]
    if search is None:
        return run_again(recorded, flags, promises(findings), times=times, torturer=torturer, as_json=as_json)
    plan = replanned(recorded, flags, started=datetime.now(UTC), chance=SystemRandom())
    plan = msgspec.structs.replace(plan, only_checker=recorded.only_checker)  # whether its journal was cut
    _say(shrink_run(folder, plan, history, findings, torturer, search), as_json=as_json)
    return Exit.INVALID if findings else Exit.UNKNOWN


def check_address(name: str, scenario: Scenario, address: Target) -> None:
    """Let pass what this scenario may be done to."""
    if scenario.faults and address.scheme != "http":
        raise UsageError(
            f"scenario {name} has faults, and the fault proxy does not take TLS apart",
            hint="name the registry by an http URL, or choose a scenario without faults",
        )
    if scenario.faults and address.way is not None:
        raise UsageError(
            f"scenario {name} has faults, and the fault proxy reaches a registry directly only",
            hint="leave out --proxy, or choose a scenario without faults",
        )
    if scenario.retry_after is RetryAfter.IGNORE and not address.is_loopback:
        raise UsageError(
            f"scenario {name} ignores Retry-After, and {address.host} is not this machine",
            hint='other people\'s registries are obeyed: choose a scenario with `retry_after = "honour"`',
        )


def _say(lines: Sequence[str], *, as_json: bool) -> None:
    """The end of a search, where it does not stand in the way of a document."""
    console = progress_console() if as_json else results_console()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _finish_cleaning(folder: Path, address: Target | None, credentials: Credentials | None) -> Exit:
    if address is None:
        raise UsageError(
            "--clean needs the registry to clean",
            hint="add --registry-url; a registry of the run's own is gone, and registry.log names its folder, "
            "which stays only after kill -9",
        )
    left = finish_cleaning(folder, address, ExternalTarget(address, credentials), Network())
    console = results_console()
    for key in left:
        console.print(key, markup=False, soft_wrap=True)
    console.print(f"{len(left)} left" if left else "nothing is left", markup=False)
    return Exit.ENVIRONMENT if left else Exit.VALID
