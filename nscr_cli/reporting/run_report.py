"""The report of a run as one value: everything that the writers and the terminal show. Pure.

Built from plan, history and results alone, so that judging a run again gives the same report.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from nscr_cli.checkers.verdict import Finding, Result, Verdict, merged
from nscr_cli.client.target import is_loopback
from nscr_cli.exits import Exit
from nscr_cli.history.history import NEVER, Operation, Recorded
from nscr_cli.history.ops import Phase
from nscr_cli.history.plan import RunPlan
from nscr_cli.reporting.latency import Latency, OperationSummary, distribution, latency_ms, summarise
from nscr_cli.reporting.thresholds import Speed, Threshold, measured

REPORT_FORMAT = 1

_EXIT = {Verdict.VALID: Exit.VALID, Verdict.UNKNOWN: Exit.UNKNOWN, Verdict.INVALID: Exit.INVALID}
RERUNS = 5
MOST_PROOF = 8
MOST_OF_A_RULE = 5
_USUAL_NAMESPACE = "nscr-torture"
_SIGNAL_EXIT = {"SIGINT": Exit.INTERRUPTED, "SIGTERM": Exit.TERMINATED}


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """Digests of what was judged: a verdict belongs to this plan and this journal, and to no other."""

    plan: str
    journal: str


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A judged run.

    Attributes:
        partial: the run was interrupted or did not reach its end; it was judged on what it has.
        interrupted_by: the signal that ended it early.
        operations: counts and latencies; each operation is in exactly one of them.
        latency: of all operations that were ok.
        main_s: length of the main phase as it was, from its first intended start to its last end.
        skipped: what the registry does not support, each with its reason; never a pass.
        thresholds: what the scenario says about speed, and what was measured; they judge nothing else.
        leftovers: keys of ours that are still in the registry.
        proof: the operations of the first finding of each rule, of very many the first, by the index of the invocation.
        is_shipped: the scenario is one of this nscr's own, as it stands: its name is enough to have it again.
        judged: of which files; None where they are of no interest.
    """

    plan: RunPlan
    verdict: Verdict
    partial: bool
    interrupted_by: str | None
    results: tuple[Result, ...]
    operations: tuple[OperationSummary, ...]
    latency: Latency | None
    main_s: float
    main_operations: int
    samples: int
    skipped: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    proof: dict[int, Operation] = {}
    is_shipped: bool = False
    thresholds: tuple[Threshold, ...] = ()
    judged: Fingerprint | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every broken promise, in the order of the checkers."""
        return tuple(finding for result in self.results for finding in result.findings)

    @property
    def shown(self) -> tuple[Finding, ...]:
        """Those that are told in full, in the order of findings.md."""
        return tuple(finding for finding, _ in few_of_each_rule(self.findings))

    @property
    def ok(self) -> int:
        """Operations that happened."""
        return sum(summary.ok for summary in self.operations)

    @property
    def fail(self) -> int:
        """Operations that certainly did not happen."""
        return sum(summary.fail for summary in self.operations)

    @property
    def info(self) -> int:
        """Operations of which nobody knows."""
        return sum(summary.info for summary in self.operations)

    @property
    def rate(self) -> float:
        """Operations a second in the main phase."""
        return self.main_operations / self.main_s if self.main_s > 0 else 0.0

    @property
    def exit_code(self) -> Exit:
        """INVALID beats an interruption, which beats the rest; thresholds count only where all else is well."""
        if self.verdict is not Verdict.INVALID and self.interrupted_by is not None:
            return _SIGNAL_EXIT.get(self.interrupted_by, Exit.INTERRUPTED)
        if self.verdict is Verdict.VALID and self.breached:
            return Exit.THRESHOLD
        if self.verdict is Verdict.VALID and self.unmeasured:
            return Exit.UNKNOWN
        return _EXIT[self.verdict]

    @property
    def breached(self) -> tuple[Threshold, ...]:
        """Thresholds that did not hold."""
        return tuple(one for one in self.thresholds if one.speed is Speed.BREACHED)

    @property
    def unmeasured(self) -> tuple[Threshold, ...]:
        """Thresholds of operations that there were none of."""
        return tuple(one for one in self.thresholds if one.speed is Speed.NOT_MEASURED)

    @property
    def replay_command(self) -> str:
        """The command that runs this plan again, without its folder where that can be done; it names no secret."""
        if not self.is_shipped:
            return self.rerun_command("RUNDIR")
        return shlex.join(["nscr", "torture", self.plan.scenario_name, *_flags(self.plan)])

    def rerun_command(self, folder: str) -> str:
        """The command that runs the plan in `folder` again, whatever it is; and counts, if there is what to count."""
        repeat = ["--repeat", str(RERUNS)] if self.findings else []
        return shlex.join(["nscr", "torture", "--replay", folder, *repeat, *_consent(self.plan)])


def run_report(
    plan: RunPlan,
    history: Recorded,
    results: Sequence[Result],
    *,
    leftovers: Sequence[str] = (),
    is_shipped: bool = False,
    judged: Fingerprint | None = None,
) -> RunReport:
    """The report of what was judged; see RunReport for what else is told."""
    main = [operation for operation in history.operations if operation.phase is Phase.MAIN]
    ends = [operation.end_ns if operation.end_ns != NEVER else operation.start_ns for operation in main]
    started = min((operation.intended_ns for operation in main), default=0)
    skipped = dict.fromkeys(line for result in results for line in result.skipped)
    for name, reason in history.unsupported().items():
        skipped[f"{name}: {reason}" if reason else name] = None
    return RunReport(
        plan=plan,
        verdict=merged(results),
        partial=history.is_partial,
        interrupted_by=_signal(history),
        results=tuple(results),
        operations=summarise(history.operations),
        latency=distribution(
            latency
            for operation in history.operations
            if operation.kind == "ok" and (latency := latency_ms(operation)) is not None
        ),
        main_s=max(0, max(ends, default=started) - started) / 1e9,
        main_operations=len(main),
        samples=len(history.samples),
        skipped=tuple(skipped),
        leftovers=tuple(leftovers),
        thresholds=measured(plan, history.operations),
        proof=_proof([finding for result in results for finding in result.findings], history),
        is_shipped=is_shipped,
        judged=judged,
    )


def first_of_each_rule(findings: Sequence[Finding]) -> list[Finding]:
    """So that a thousand findings of one kind do not hide the only one of another."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.checker, finding.rule), finding)
    return list(first.values())


def few_of_each_rule(findings: Sequence[Finding]) -> list[tuple[Finding, int]]:
    """The first few of each rule, in their order, with how many alike are left out after the last one of its rule.

    One bug often breaks one promise at a hundred keys: after a few of them nobody learns more.
    """
    counts = Counter((finding.checker, finding.rule) for finding in findings)
    seen: Counter[tuple[str, str]] = Counter()
    few: list[tuple[Finding, int]] = []
    for finding in findings:
        rule = (finding.checker, finding.rule)
        seen[rule] += 1
        if seen[rule] <= MOST_OF_A_RULE:
            few.append((finding, counts[rule] - MOST_OF_A_RULE if seen[rule] == MOST_OF_A_RULE else 0))
    return few


def _proof(findings: Sequence[Finding], history: Recorded) -> dict[int, Operation]:
    named = [index for finding in first_of_each_rule(findings) for index in finding.operations[:MOST_PROOF]]
    return {index: history.by_index[index] for index in named if index in history.by_index}


def _signal(history: Recorded) -> str | None:
    for event in history.events:
        if event.name == "interrupted":
            return event.detail.get("signal", "SIGINT")
    return None


def _consent(plan: RunPlan) -> tuple[str, ...]:
    host = urlsplit(plan.registry_url or "").hostname
    return () if host is None or is_loopback(host) else ("--i-may-torture", host)


def _flags(plan: RunPlan) -> Iterator[str]:
    yield from ("--seed", str(plan.seed), "--workers", str(plan.workers), "--duration", f"{plan.duration_s:g}s")
    if plan.processes > 1:
        yield from ("--processes", str(plan.processes))
    if plan.max_operations is not None:
        yield from ("--ops", str(plan.max_operations))
    if plan.max_bytes is not None:
        yield from ("--max-bytes", str(plan.max_bytes))
    if plan.max_rate is not None:
        yield from ("--max-rate", f"{plan.max_rate:g}")
    if plan.rate is not None:
        yield from ("--rate", f"{plan.rate:g}")
    if plan.ramp_s:
        yield from ("--ramp", f"{plan.ramp_s:g}s")
    for sabotage in plan.sabotages:
        yield from ("--sabotage", sabotage)
    if plan.registry_url is None:
        return
    yield from ("--registry-url", plan.registry_url)
    yield from _consent(plan)
    namespace = plan.namespace.removesuffix(f"/{plan.run_id}")
    if namespace != _USUAL_NAMESPACE:
        yield from ("--namespace", namespace)
    if plan.is_flat:
        yield "--flat"
    if plan.keep:
        yield "--keep"
