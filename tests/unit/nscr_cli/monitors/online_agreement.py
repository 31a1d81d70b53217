"""Plays a history to the online rules, and asks the checkers whether what was said is so."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from nscr_cli.checkers.verdict import Checker, check_all
from nscr_cli.history.history import History
from nscr_cli.history.ops import INFO, INVOKE, Entry, Event, Op, Sample
from nscr_cli.history.plan import RunPlan
from nscr_cli.monitors.online import OnlineRules
from nscr_cli.monitors.progress import Broken

STEP_NS = 1000
GIVEN_UP_NS = 6  # after so long somebody says that he does not know how it ended


def entries_of(history: History) -> list[Entry]:
    """What was recorded, in its order; no two at the same instant, as in a run."""
    timed: list[tuple[int, int, Entry]] = [(0, 0, event) for event in history.events]
    timed += [(sample.end_ns, 1, sample) for sample in history.samples]
    for one in history.operations:
        asked = Op(
            index=one.index, process=one.process, kind=INVOKE, f=one.f, key=one.key, phase=one.phase,
            intended_ns=one.intended_ns, time_ns=one.start_ns, asked=one.asked,
        )  # fmt: skip
        timed.append((one.start_ns, 3, asked))
        end_ns = one.start_ns + GIVEN_UP_NS if one.kind is INFO else one.end_ns
        ended = replace(asked, kind=one.kind, asked=None, answered=one.answered, error=one.error)
        timed.append((end_ns, 2, replace(ended, index=one.index + 1, time_ns=end_ns)))
    ordered = [entry for _, _, entry in sorted(timed, key=lambda one: one[:2])]
    return [_at(number * STEP_NS, entry) for number, entry in enumerate(ordered)]


def told(
    entries: Iterable[Entry], plan: RunPlan, checkers: Sequence[Checker], *, sees_all: bool = True
) -> list[Broken]:
    """What the online rules say, in its order."""
    names = (checker.name for checker in checkers)
    rules = OnlineRules(names, namespace="", tag_model=plan.scenario.tag_model, sees_all=sees_all)
    seen: list[Broken] = []
    for entry in entries:
        if isinstance(entry, Event):
            seen += rules.noted(entry)
        elif isinstance(entry, Sample):
            seen += rules.sampled(entry)
        elif entry.kind is INVOKE:
            rules.asked(entry)
        else:
            seen += rules.ended(entry)
    return seen


def unconfirmed(
    seen: Iterable[Broken], entries: Sequence[Entry], plan: RunPlan, checkers: Sequence[Checker]
) -> list[Broken]:
    """What no finding of its checker bears out: by rule and key; of tags by key; of what is told once by rule alone."""
    findings = [finding for result in check_all(checkers, plan, History(entries)) for finding in result.findings]
    by_key = {(one.checker, one.rule, _shown(one.key)) for one in findings}
    by_rule = {(one.checker, one.rule) for one in findings}
    tags = {_shown(one.key) for one in findings if one.checker == "tags"}

    def is_confirmed(one: Broken) -> bool:
        if one.checker == "tags":
            return one.key in tags
        if one.checker == "blobs":
            # Who does not know how long it was cannot tell what is cut from what is changed.
            alike = ("corrupt-content", "truncated-content") if one.rule == "corrupt-content" else (one.rule,)
            return any((one.checker, rule, one.key) in by_key for rule in alike)
        return (one.checker, one.rule) in by_rule

    return [one for one in seen if not is_confirmed(one)]


def _shown(key: str) -> str:
    name, at, digest = key.partition("@")
    return f"{name}{at}{digest[:19]}"


def _at(now_ns: int, entry: Entry) -> Entry:
    if isinstance(entry, Sample):
        return entry
    return replace(entry, time_ns=now_ns)
