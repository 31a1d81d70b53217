"""The plan of a run: everything resolved, so that seed and plan replay it. Written as plan.json beside the journal."""

from enum import StrEnum

import msgspec

from nscr_cli.history.faults import Fault

PLAN_FORMAT = 1


class RetryAfter(StrEnum):
    """What a worker does that was turned away (429, 503): wait as it was told, or ask again at once."""

    HONOUR = "honour"
    IGNORE = "ignore"


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario file, decoded strictly. All counts are per run; sizes are bytes; times are seconds.

    Attributes:
        title: one line for lists.
        description: what is done, which bug class it hunts, which reports and clauses stand behind it.
        catalogue: ids (S01 to S24) of the scenarios of docs/bugs.toml that it carries out, in whole or in part.
        workload: name of a workload of nscr_cli.workloads: which errands the clients have, and who judges them.
        workers: concurrent clients unless --workers says otherwise.
        duration_s: length of the main phase unless --duration says otherwise.
        rate: operations a second that arrive, in the open model; left out for the closed one, where each worker asks
            again as soon as it is free.
        ramp_s: seconds in which that rate grows evenly from nothing; a longer or shorter --duration stretches it.
        tag_model: what is promised about reads of a tag: linearizable, read-your-writes or eventual(T).
        repositories: how many of them the clients contend for.
        tags: how many in each of them.
        blob_sizes: inclusive smallest and largest size of a layer.
        size_sweep: such bounds again: each client takes the first for its first 8 errands, then the next, and round and
            round; left out, `blob_sizes` are for all.
        weights: relative frequency of each of the workload's errands, by name; 0 or left out: never.
        evidence: floor by name (see docs/checkers.md): below it the verdict is UNKNOWN.
        faults: what goes wrong in the main phase, between the clients and the registry.
        bystander_rate: reads a second by one more client of a repository that nobody else touches, for a second before
            the load and then beside it; 0 for none.
        stall_s: an operation that is answered after longer than so many seconds has stalled, and the registry is at
            fault; left out, only one that is not answered at all.
        thresholds: longest time by percentile and operation, `"p99.get-manifest" = "500ms"`; of percentiles p50, p90,
            p95, p99, p99.9 and max, of every operation and of `all`. Breached, the exit code is 4 where it were 0.
        memory_growth_mib: most that the registry's memory may grow under the load, where its process can be looked
            into; left out, it is only counted.
        retry_after: whether workers that are turned away wait as Retry-After says.
    """

    title: str
    description: str
    workload: str
    workers: int = 8
    duration_s: float = 20.0
    tag_model: str = "linearizable"
    repositories: int = 3
    tags: int = 4
    blob_sizes: tuple[int, int] = (0, 65536)
    size_sweep: tuple[tuple[int, int], ...] = ()
    weights: dict[str, int] = {}
    evidence: dict[str, int] = {}
    rate: float | None = None
    ramp_s: float = 0.0
    faults: tuple[Fault, ...] = ()
    catalogue: tuple[str, ...] = ()
    bystander_rate: float = 0.0
    stall_s: float | None = None
    thresholds: dict[str, str] = {}
    memory_growth_mib: float | None = None
    retry_after: RetryAfter = RetryAfter.HONOUR


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario with flags and seed applied.

    Attributes:
        format, nscr: version of this record, and of the nscr that wrote it.
        run_id: unique name of the run, part of the namespace.
        scenario_name: as the user named it; `scenario` is its content with the flags applied.
        registry_url: without credentials; None where the run starts its own reference registry.
        namespace: every repository that the run writes lies below it.
        started_utc: RFC 3339, the only wall time of a run.
        poll_interval_s: of the monitoring API.
        request_timeout_s: for one exchange.
        is_flat: repositories are called `<namespace>-<name>`, for registries whose names have two levels only.
        max_operations: the main phase ends after so many, however much time is left; None for no such bound.
        max_bytes: the main phase ends before more bytes of bodies would have been pushed, those that were pushed before
            it included; None for no such bound.
        max_rate: operations a second that all workers together start at most; None for no such bound.
        rate, ramp_s: as in the scenario, with the flags applied.
        processes: operating-system processes that share the load; 1 where the one that conducts does it all.
        only_checker: of a journal that was cut to one finding, who judges it: the others' evidence is not in it.
    """

    run_id: str
    scenario_name: str
    scenario: Scenario
    seed: int
    workers: int
    duration_s: float
    registry_url: str | None
    namespace: str
    started_utc: str
    nscr: str
    format: int = PLAN_FORMAT
    poll_interval_s: float = 1.0
    request_timeout_s: float = 30.0
    max_operations: int | None = None
    max_bytes: int | None = None
    max_rate: float | None = None
    rate: float | None = None
    ramp_s: float = 0.0
    keep: bool = False
    is_flat: bool = False
    sabotages: tuple[str, ...] = ()
    processes: int = 1
    only_checker: str | None = None
