"""The monitoring checker: the monitoring API tells the truth (docs/external-api.md).

Every sample must have the documented shape and agree with itself, and what it says must be what the history says may
have been so at one instant of the poll (monitoring_truth.py); nothing may turn unhealthy that nobody disturbed. What a
degraded health warns of may be this machine's (a full disk), so it leaves the verdict UNKNOWN.
"""

from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.inventory import is_fresh
from nscr_cli.checkers.monitoring_agreement import contradictions
from nscr_cli.checkers.monitoring_generation import Generations
from nscr_cli.checkers.monitoring_shapes import REPOSITORIES, Document, Health, State, shape_of
from nscr_cli.checkers.monitoring_still import disagreements, errors_of_further
from nscr_cli.checkers.monitoring_truth import Truth
from nscr_cli.checkers.refusals import UNSERVED
from nscr_cli.checkers.verdict import Finding, Result, Verdict, judged
from nscr_cli.checkers.wording import seconds
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.history.history import History, Whole
from nscr_cli.history.ops import Sample
from nscr_cli.history.plan import RunPlan

_CLAUSE = "docs/external-api.md: the monitoring API answers as documented, and tells the truth"
_FLOORS = {"samples": 3, "quiet-samples": 1, "load-samples": 1}
_UNHEALTHY = "unhealthy"
_SILENCE = 3
_NOT_FOUND = 404
_FULL = 507
_SHOWN = 3
_CLOCK_SLACK_MS = 1000  # of a machine whose clock is being set


class MonitoringChecker:
    """Judges the samples of the monitoring API, against themselves and against the history."""

    @property
    def name(self) -> str:
        return "monitoring"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Monitoring":
        return _Monitoring(plan, whole)


class _Monitoring:
    """The answers are known from the beginning; each part of the history adds to what they must be."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._target = next((event.detail for event in whole.events if event.name == "target"), {})
        is_ours = self._target.get("fresh") == "yes"
        self._told = told = _Told(is_ours=is_ours)
        self._truth: Truth | None = None
        self._is_disturbed = not is_ours
        if self._target.get("monitoring") == "no":
            return
        self._documents = [(sample, document) for sample in whole.samples if (document := told.judge(sample))]
        told.keeps_counting(self._documents)
        for sample, why in errors_of_further(whole.samples, is_ours=is_ours):
            told.wrong("monitoring-error", sample, why)
        for sample, why in disagreements(whole.samples, is_ours=is_ours):
            told.wrong("contradiction", sample, why)
        by_start = sorted(self._documents, key=lambda pair: pair[0].start_ns)
        self._generations = Generations(by_start)
        self._truth = Truth(
            by_start,
            [sample for sample in whole.samples if sample.status == _NOT_FOUND],
            is_ours=is_ours,
            is_linearizable=plan.scenario.tag_model == "linearizable",
        )

    def take(self, part: History) -> None:
        if self._truth is not None:
            self._truth.take(part)
            self._generations.take(part)
            if not self._is_disturbed and self._told.is_unhealthy:
                self._is_disturbed = any(one.answered.status == _FULL for one in part.operations)

    def result(self) -> Result:
        if self._truth is None:
            if is_fresh(self._whole):
                reason = "the registry that the run started has a monitoring API, and it was not there"
                return Result(checker="monitoring", verdict=Verdict.UNKNOWN, reasons=(reason,))
            skipped = ("monitoring: the registry has no monitoring API",)
            return Result(checker="monitoring", verdict=Verdict.UNKNOWN, skipped=skipped, is_skipped=True)
        told = self._told
        if self._is_disturbed:
            told.excuse_health()
        for sample, why in self._truth.wrong():
            told.wrong("untrue-figure", sample, why)
        for sample, why in self._generations.wrong():
            told.wrong("untrue-figure", sample, why)
        quiet = sum(sample.quiet for sample, _ in self._documents)
        has_died = any(event.name == "target-died" for event in self._whole.events)
        return conclude(
            "monitoring",
            self._plan,
            findings=told.findings(is_silence_its_own=not has_died and self._target.get("fresh") == "yes"),
            evidence={
                "samples": len(self._documents),
                "quiet-samples": quiet,
                "load-samples": len(self._documents) - quiet,
                "unanswered": len(told.unanswered),
            },
            floors=_FLOORS,
            reasons=told.reasons(),
        )


def wrong_by_itself(sample: Sample) -> Iterable[tuple[str, str]]:
    """Each rule that one answer breaks, whatever the others say, and why."""
    told = _Told()
    told.judge(sample)
    return [(rule, why) for rule, why in told.rules if rule != _UNHEALTHY]  # who disturbed it, the history tells


class _Told:
    """Gathers what is wrong, one finding for each rule and endpoint, with how often and the first time.

    Args:
        is_ours: the run started the registry; whoever runs another one may start it anew, or limit it.
    """

    def __init__(self, *, is_ours: bool = True) -> None:
        self.unanswered: list[Sample] = []
        self._is_ours = is_ours
        self._restarts: list[str] = []
        self._excused: list[str] = []
        self._wrong: dict[tuple[str, str], list[tuple[Sample, str]]] = {}
        self._degraded: list[str] = []

    def wrong(self, rule: str, sample: Sample, why: str) -> None:
        self._wrong.setdefault((rule, sample.endpoint), []).append((sample, why))

    @property
    def rules(self) -> Iterable[tuple[str, str]]:
        """Each rule that was broken, and why, the first time."""
        return ((rule, cases[0][1]) for (rule, _), cases in self._wrong.items())

    @property
    def is_unhealthy(self) -> bool:
        """A status said so."""
        return any(rule == _UNHEALTHY for rule, _ in self._wrong)

    def excuse_health(self) -> None:
        """Its disk was full, or whoever runs it may have disturbed it."""
        for key in [key for key in self._wrong if key[0] == _UNHEALTHY]:
            sample, why = self._wrong.pop(key)[0]
            self._excused.append(f"at {seconds(sample.end_ns)}: {why.partition(',')[0]}, perhaps for a reason")

    def judge(self, sample: Sample) -> Document | None:
        """What was answered, judged by itself; None where it cannot be judged, which is noted."""
        document = self._document(sample)
        if document is not None:
            for why in contradictions(sample.endpoint, document):
                self.wrong("contradiction", sample, why)
            self._health(sample, document)
        return document

    def _document(self, sample: Sample) -> Document | None:
        """What was answered, in its documented shape; None where it cannot be judged, which is noted."""
        shape = shape_of(sample.endpoint)
        if sample.status is None or sample.status in UNSERVED:
            self.unanswered.append(sample)
            return None
        is_unknown_repository = sample.status == 404 and sample.endpoint.startswith(REPOSITORIES)
        if shape is None or is_unknown_repository:
            return None
        if sample.status != 200 and shape is not Health:
            self.wrong("monitoring-error", sample, f"answered {sample.status}")
            return None
        try:
            return read_json(bytes(sample.body or b""), shape)
        except Unreadable as error:
            self.wrong("wrong-shape", sample, f"answered {sample.status}, and not as documented: {error}")
            return None

    def _health(self, sample: Sample, document: Document) -> None:
        """Notes a status that left healthy."""
        status = document.status if isinstance(document, Health) else None
        if isinstance(document, State):
            status = document.health.status
        if status == "degraded":
            warnings = document.warnings if isinstance(document, Health) else []
            self._degraded.append(f"at {seconds(sample.end_ns)} the registry was degraded: {'; '.join(warnings)}")
        elif status is not None and status != "healthy":
            self.wrong(_UNHEALTHY, sample, f"status is {status}, and nobody disturbed the registry")
        if isinstance(document, Health) and (sample.status == 200) == (status == "unhealthy"):
            self.wrong("contradiction", sample, f"answered {sample.status}, and status is {status}")

    def keeps_counting(self, documents: list[tuple[Sample, Document]]) -> None:
        """The uptime grows as time passes, and the generation never falls, until a registry restarts."""
        last: dict[str, tuple[int, Sample]] = {}
        for sample, document in sorted(documents, key=lambda pair: pair[0].end_ns):
            for name in ("uptime", "generation"):
                value = _counter(document, name)
                if value is None:
                    continue
                known = last.get(name)
                if known is not None and known[1].end_ns < sample.start_ns and value < _least(name, known, sample):
                    why = f"{name} is {value}, and was {known[0]} at {seconds(known[1].end_ns)}"
                    if name == "uptime" and not self._is_ours and _is_younger(value, known, sample):
                        self._restarts.append(f"at {seconds(sample.end_ns)} another process answered: {why}")
                        last.clear()
                    else:
                        self.wrong("contradiction", sample, why)
                if name not in last or value > last[name][0]:
                    last[name] = (value, sample)

    def findings(self, *, is_silence_its_own: bool) -> Iterable[Finding]:
        for (rule, endpoint), cases in self._wrong.items():
            sample = cases[0][0]
            whys = [why for case, why in cases if case is sample]
            shown = "; ".join(whys[:_SHOWN]) + (f"; and {len(whys) - _SHOWN} more" if len(whys) > _SHOWN else "")
            polls = len({id(case) for case, _ in cases})
            more = f" ({polls} polls)" if polls > 1 else ""
            yield _finding(rule, endpoint, f"at {seconds(sample.end_ns)}: {shown}{more}.")
        if is_silence_its_own and len(self.unanswered) >= _SILENCE:
            first = self.unanswered[0]
            said = first.error or first.status
            why = f"{len(self.unanswered)} polls were not answered, the first at {seconds(first.start_ns)}: {said}"
            yield _finding("monitoring-silent", first.endpoint, why)

    def reasons(self) -> list[str]:
        # Whoever else runs a registry may limit what is asked of it; that enough was answered, the floors see to.
        silent = [
            f"a poll was not answered: {sample.error or sample.status}"
            for sample in self.unanswered
            if sample.status is None or self._is_ours
        ]
        return [*self._degraded[:1], *silent[:1], *self._restarts[:1], *self._excused[:1]]


def _counter(document: Document, name: str) -> int | None:
    if isinstance(document, State):
        return document.health.uptime if name == "uptime" else document.generation
    return document.uptime if isinstance(document, Health) and name == "uptime" else None


def _least(name: str, known: tuple[int, Sample], sample: Sample) -> int:
    """What it must tell now, given what it told before."""
    passed_ms = (sample.start_ns - known[1].end_ns) // 1_000_000 - _CLOCK_SLACK_MS
    return known[0] + (passed_ms if name == "uptime" else 0)


def _is_younger(uptime: int, known: tuple[int, Sample], sample: Sample) -> bool:
    """Another process may have told this uptime: it fell, or whoever tells it may have begun after the poll before."""
    return uptime < known[0] or uptime <= (sample.end_ns - known[1].start_ns) // 1_000_000 + _CLOCK_SLACK_MS


def _finding(rule: str, endpoint: str, explanation: str) -> Finding:
    return Finding(
        checker="monitoring", rule=rule, key=endpoint, operations=(), clause=_CLAUSE, explanation=explanation
    )
