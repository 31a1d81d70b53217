"""The slow-pushes checker: a push that takes long is completed, and its blob is not there before its bytes can be.

The bandwidth of a push that we throttled ourselves says when its last byte can have arrived at the earliest. Who sees
the blob before, with nobody else's push to explain it, sees what the registry cannot hold.
"""

from collections.abc import Iterator

import msgspec

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.inventory import BLOB_READS, found, found_nothing, is_fresh
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import seconds, told
from nscr_cli.history.faults import Bandwidth, Direction, Step, operation_of
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind, PushStyle
from nscr_cli.history.plan import RunPlan

_CLAUSE = "spec.md#pushing-blobs: a blob is there once it was pushed, whole, and not before"
_FLOORS = {"completed": 2, "asked-for-too-early": 1}
_SLACK_NS = 1_000_000
_BODY = {
    # A registry without single POST is sent the bytes again, after its answer to the POST (spec.md#single-post).
    PushStyle.SINGLE_POST: (Step.POST_BLOB, Step.FINISH_UPLOAD),
    PushStyle.POST_PUT: (Step.FINISH_UPLOAD,),
    PushStyle.STREAMED_PATCH: (Step.PATCH_UPLOAD,),
    PushStyle.CHUNKED_PATCH: (Step.PATCH_UPLOAD,),
}
_BESIDE_CHUNKS = 3  # the request that opens the upload, the one that asks how far it is, the one that closes it


class _Push(msgspec.Struct, frozen=True):
    """A push that may have put its blob there, and when at the earliest."""

    operation: Operation
    earliest_ns: int


class SlowPushesChecker:
    """Judges reads of blobs that are still on their way."""

    @property
    def name(self) -> str:
        return "slow-pushes"

    def check(self, plan: RunPlan, history: History) -> Result:
        slowed = [one for one in history.operations if one.f is F.PUSH_BLOB and one.is_only_slowed]
        throttled = _throttled(plan, history)
        pushes = _pushes(history, throttled)
        evidence = {
            "slowed": len(slowed),
            "completed": sum(one.kind is Kind.OK for one in slowed),
            "throttled": len(throttled),
            "asked-for-too-early": 0,
        }
        findings: list[Finding] = []
        for read in history.operations:
            first = pushes.get(digest_of(read.key) or "") if read.f in BLOB_READS and read.kind is Kind.OK else None
            if first is None or read.end_ns >= first.earliest_ns or read.end_ns <= first.operation.start_ns:
                continue
            evidence["asked-for-too-early"] += found_nothing(read)
            if found(read):
                findings.append(_finding(read, first))
        # A registry that was there before us may have the same bytes from a former run.
        is_ours = is_fresh(history)
        return conclude(
            self.name,
            plan,
            findings=findings[:1] if is_ours else (),
            evidence=evidence,
            floors=_FLOORS,
            reasons=() if is_ours else [f"{one.explanation} (it may have had it before)" for one in findings[:1]],
        )


def _throttled(plan: RunPlan, history: History) -> dict[int, float]:
    """By operation: the bandwidth, in bytes a second, of pushes whose whole body went through a throttle of ours."""
    rates = dict(_rates(plan))
    struck: dict[int, dict[str, float]] = {}
    for event in history.events:
        detail = event.detail if event.name == "fault" else {}
        request, rate = detail.get("request", ""), rates.get(detail.get("fault", ""))
        push = history.by_index.get(operation_of(request) or 0)
        if push is None or rate is None or push.f is not F.PUSH_BLOB or push.asked.style is None:
            continue
        if detail.get("step") in _BODY[push.asked.style]:
            struck.setdefault(push.index, {})[request] = rate
    return {
        index: max(requests.values())
        for index, requests in struck.items()
        if len(requests) == _bodies(history.by_index[index])
    }


def _bodies(push: Operation) -> int | None:
    """How many requests carried its body, whole or in part; None where nobody knows."""
    if push.asked.style is PushStyle.CHUNKED_PATCH:
        is_plain = push.kind is Kind.OK and not push.asked.out_of_order
        return push.answered.exchanges - _BESIDE_CHUNKS if is_plain else None
    if push.asked.style is PushStyle.SINGLE_POST:
        return push.answered.exchanges
    return 1


def _rates(plan: RunPlan) -> Iterator[tuple[str, float]]:
    for fault in plan.scenario.faults:
        for toxic in fault.toxics:
            if isinstance(toxic, Bandwidth) and toxic.direction is Direction.REQUEST:
                yield fault.name, toxic.bytes_per_s


def _pushes(history: History, throttled: dict[int, float]) -> dict[str, _Push]:
    """By digest: the push that may have been complete first, in any repository: some show what another one holds."""
    first: dict[str, _Push] = {}
    for one in history.operations:
        digest = one.asked.digest
        if one.f is not F.PUSH_BLOB or one.kind is Kind.FAIL or one.asked.wrong_bytes or digest is None:
            continue
        took_ns = 0
        if one.index in throttled:
            took_ns = round((one.asked.size or 0) / throttled[one.index] * 1e9) - _SLACK_NS
        push = _Push(one, one.start_ns + max(0, took_ns))
        if digest not in first or push.earliest_ns < first[digest].earliest_ns:
            first[digest] = push
    return first


def _finding(read: Operation, push: _Push) -> Finding:
    return Finding(
        checker="slow-pushes",
        rule="visible-too-early",
        key=read.key,
        operations=(push.operation.index, read.index),
        clause=_CLAUSE,
        explanation=f"{told(push.operation)}: its last byte can have arrived at {seconds(push.earliest_ns)}, not "
        f"before, and nobody else can have pushed it sooner. And yet: {told(read)}.",
    )
