"""verdict.json as types: what is written and read back; docs/verdict.md and its JSON Schema are made of them."""

from typing import Literal

import msgspec

from nscr_cli.checkers.verdict import Finding
from nscr_cli.exits import Exit
from nscr_cli.reporting.latency import Latency, OperationSummary
from nscr_cli.reporting.run_report import Fingerprint
from nscr_cli.reporting.thresholds import Speed

VerdictName = Literal["VALID", "UNKNOWN", "INVALID"]


class CheckerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What one checker says.

    Attributes:
        checker: its name; docs/checkers.md has them all.
        verdict: INVALID exactly where there are findings; SKIPPED where the registry lacks what it judges.
        evidence: how much was judged, by name; `floor of <name>` is how much is needed at least.
        reasons: why it is UNKNOWN.
        skipped: what was left out because the registry does not support it, with the reason; never a pass.
        findings: the promises that were broken.
    """

    checker: str
    verdict: Literal["VALID", "UNKNOWN", "INVALID", "SKIPPED"]
    evidence: dict[str, int]
    reasons: tuple[str, ...]
    skipped: tuple[str, ...]
    findings: tuple[Finding, ...]


class ThresholdDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A limit to a speed, and what was measured.

    Attributes:
        name: percentile and operation, as the scenario writes them.
        limit: as the scenario writes it.
        limit_ms: null where it is relative, and there is nothing to relate it to.
        measured_ms: null where there was no such operation.
        operations: how many were measured.
        outcome: held, breached, or not measured.
    """

    name: str
    limit: str
    limit_ms: float | None
    measured_ms: float | None
    operations: int
    outcome: Speed


class VerdictDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A judged run: what verdict.json holds, and what `--json` of torture and judge prints.

    Attributes:
        format: version of this document; fields may be added within one.
        nscr: version that ran the run.
        run_id: the run's unique name, as in plan.json.
        scenario: as it was named.
        seed: fixes content, keys and the operations of each process.
        started_utc: when the run started, RFC 3339.
        registry_url: without credentials; null where the run started the reference registry.
        judged: digests of the plan and the journal that were judged; null where that is not known.
        verdict: the worst of all checkers that were not skipped.
        partial: the run did not reach its end, and was judged on what it has.
        interrupted_by: the signal that ended it early.
        exit_code: of the command.
        checkers: what each checker says.
        main_s: length of the load as it was, in seconds.
        main_operations: operations of the load.
        operations: counts and latencies by kind and push style; each operation is in exactly one.
        latency: of all operations that were ok; null where none was.
        thresholds: what the scenario says about speed, and what was measured.
        samples: polls of the monitoring API.
        skipped: what the registry does not support, each with its reason; never a pass.
        leftovers: keys of the run that are still in the registry.
        replay: the command that runs the plan again; it names no secret.
    """

    format: int
    nscr: str
    run_id: str
    scenario: str
    seed: int
    started_utc: str
    registry_url: str | None
    judged: Fingerprint | None
    verdict: VerdictName
    partial: bool
    interrupted_by: str | None
    exit_code: Exit
    checkers: tuple[CheckerDocument, ...]
    main_s: float
    main_operations: int
    operations: tuple[OperationSummary, ...]
    latency: Latency | None
    thresholds: tuple[ThresholdDocument, ...]
    samples: int
    skipped: tuple[str, ...]
    leftovers: tuple[str, ...]
    replay: str
