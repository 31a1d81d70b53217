"""Scenario, flags and seed become a RunPlan; what is left to time and chance comes in as an argument."""

from datetime import datetime
from random import Random

import msgspec

from nscr_cli import __version__
from nscr_cli.engine.load_shape import seeded_bytes
from nscr_cli.errors import UsageError
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.workloads.catalogue import WORKLOADS
from nscr_cli.workloads.world import world_of

DEFAULT_NAMESPACE = "nscr-torture"
MOST_PROCESSES = 256
_SEEDS = 2**32


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about a run; None where it leaves it to the scenario or to chance."""

    seed: int | None = None
    workers: int | None = None
    duration_s: float | None = None
    processes: int | None = None
    max_operations: int | None = None
    max_bytes: int | None = None
    max_rate: float | None = None
    rate: float | None = None
    ramp_s: float | None = None
    registry_url: str | None = None
    namespace: str | None = None
    keep: bool = False
    is_flat: bool = False
    sabotages: tuple[str, ...] = ()


def make_plan(name: str, scenario: Scenario, flags: Flags, *, started: datetime, chance: Random) -> RunPlan:
    """The plan of one run.

    Every run gets repositories of its own, also below a namespace that the user names: what another run left there
    would be taken for what this registry made up.

    Raises:
        UsageError: the namespace is not a name that a registry can hold, or the flags contradict each other.
    """
    seed = chance.randrange(_SEEDS) if flags.seed is None else flags.seed
    run_id = f"{started:%Y%m%dt%H%M%Sz}-{chance.randrange(16**6):06x}"
    namespace = f"{flags.namespace or DEFAULT_NAMESPACE}/{run_id}"
    try:
        Namespace(namespace)
    except ValueError as error:
        raise UsageError(
            f"--namespace {flags.namespace}: {error}",
            hint="lower-case letters, digits, and single . _ - / between them",
        ) from error
    rate = flags.rate or (scenario.rate if flags.max_rate is None else None)
    if flags.max_rate is not None and rate is not None:
        raise UsageError(
            "--rate and --max-rate exclude each other",
            hint="--rate: so many operations arrive, come what may; --max-rate: no more than so many are started",
        )
    if flags.ramp_s is not None and rate is None:
        raise UsageError("--ramp needs a rate to grow to", hint="add --rate, or let `rate` stand in the scenario")
    workers = flags.workers or scenario.workers
    processes = flags.processes or 1
    if processes > workers:
        raise UsageError(
            f"--processes {processes}: there are only {workers} workers to share out",
            hint=f"no more than --processes {workers}, or --workers {processes} and more",
        )
    if processes > 1 and not WORKLOADS[scenario.workload].is_divisible:
        raise UsageError(
            f"--processes {processes}: the clients of scenario {name} wait for each other, and must be in one process",
            hint="leave out --processes, or choose another scenario",
        )
    plan = RunPlan(
        run_id=run_id,
        scenario_name=name,
        scenario=scenario,
        seed=seed,
        workers=workers,
        processes=processes,
        duration_s=flags.duration_s or scenario.duration_s,
        max_operations=flags.max_operations,
        max_bytes=flags.max_bytes,
        max_rate=flags.max_rate,
        rate=rate,
        ramp_s=_ramp_s(scenario, flags) if rate is not None else 0.0,
        registry_url=flags.registry_url,
        namespace=namespace,
        started_utc=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        nscr=__version__,
        keep=flags.keep,
        is_flat=flags.is_flat,
        sabotages=flags.sabotages,
    )
    if plan.max_bytes is not None and (seeded := seeded_bytes(plan, world_of(plan))) >= plan.max_bytes:
        raise UsageError(
            f"--max-bytes {plan.max_bytes}: scenario {name} pushes {seeded} bytes before its load begins",
            hint="allow more, or choose a scenario with smaller blobs or fewer repositories",
        )
    return plan


def _ramp_s(scenario: Scenario, flags: Flags) -> float:
    """The scenario's ramp keeps its share of the run, so that a short run reaches the full rate as well."""
    if flags.ramp_s is not None:
        return flags.ramp_s
    return scenario.ramp_s * (flags.duration_s or scenario.duration_s) / scenario.duration_s


def replanned(plan: RunPlan, flags: Flags, *, started: datetime, chance: Random) -> RunPlan:
    """The plan of a run that does the same again, but for what the flags say; in repositories of its own.

    Raises:
        UsageError: see `make_plan`.
    """
    is_paced_anew = flags.rate is not None or flags.max_rate is not None
    workers = flags.workers or plan.workers
    url = flags.registry_url or plan.registry_url
    merged = Flags(
        seed=plan.seed if flags.seed is None else flags.seed,
        workers=workers,
        processes=flags.processes or min(plan.processes, workers),
        duration_s=flags.duration_s or plan.duration_s,
        max_operations=flags.max_operations or plan.max_operations,
        max_bytes=flags.max_bytes or plan.max_bytes,
        max_rate=flags.max_rate if is_paced_anew else plan.max_rate,
        rate=flags.rate if is_paced_anew else plan.rate,
        ramp_s=flags.ramp_s if is_paced_anew or flags.ramp_s is not None or plan.rate is None else plan.ramp_s,
        registry_url=url,
        namespace=flags.namespace or plan.namespace.removesuffix(f"/{plan.run_id}"),
        keep=flags.keep or plan.keep,
        is_flat=flags.is_flat or plan.is_flat,
        sabotages=flags.sabotages or (plan.sabotages if url is None else ()),
    )
    again = make_plan(plan.scenario_name, plan.scenario, merged, started=started, chance=chance)
    return msgspec.structs.replace(
        again, poll_interval_s=plan.poll_interval_s, request_timeout_s=plan.request_timeout_s
    )
