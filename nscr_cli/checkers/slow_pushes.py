"""The slow-pushes checker: a push that takes long is completed, and its blob is not there before its bytes can be.

The bandwidth of a push that we throttled ourselves says when its last byte can have arrived at the earliest. Who sees
the blob before, with nobody else's push to explain it, sees what the registry cannot hold.
"""

from collections.abc import Iterator
from operator import attrgetter

import msgspec

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.inventory import BLOB_READS, found, found_nothing, is_fresh
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import seconds, told
from nscr_cli.history.faults import Bandwidth, Direction, Step, operation_of
from nscr_cli.history.history import History, Operation, Whole
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
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_SlowPushes":
        return _SlowPushes(plan, whole)


class _SlowPushes:
    """A blob may be pushed in one repository and seen in another, as some registries show what any of them holds.

    Which pushes were throttled is known once all parts were seen. So reads that end while a push runs are kept, if it
    would not be over even through the narrowest throttle, with all pushes of their blob.
    """

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._rates = dict(_rates(plan))
        self._slowed = 0
        self._completed = 0
        self._throttled: dict[int, _Push] = {}
        self._reads: list[Operation] = []
        self._pushes: dict[str, dict[int, Operation]] = {}

    def take(self, part: History) -> None:
        slowed = [one for one in part.of(F.PUSH_BLOB) if one.is_only_slowed]
        self._slowed += len(slowed)
        self._completed += sum(one.kind is Kind.OK for one in slowed)
        for index, rate in _throttled(self._rates, part).items():
            push = part.by_index[index]
            self._throttled[index] = _Push(push, push.start_ns + max(0, _took_ns(push, rate)))
        pushes = _pushes(part)
        windows: dict[str, tuple[int, int]] = {}
        for read in part.of(*BLOB_READS) if self._rates else ():
            digest = digest_of(read.key) or ""
            known = pushes.get(digest)
            if known is None or read.kind is not Kind.OK:
                continue
            if digest not in windows:
                windows[digest] = min(one.start_ns for one in known), min(map(self._latest_ns, known))
            first, latest = windows[digest]
            if first < read.end_ns < latest:
                self._reads.append(read)
                self._pushes.setdefault(digest, {}).update((one.index, one) for one in known)

    def _latest_ns(self, push: Operation) -> int:
        """When it can have been complete at the latest of what a throttle of ours may make its earliest."""
        return push.start_ns + max(0, _took_ns(push, min(self._rates.values())))

    def _first(self, digest: str) -> _Push:
        """The push that may have been complete first, in any repository."""
        pushes = (self._throttled.get(one.index) or _Push(one, one.start_ns) for one in self._pushes[digest].values())
        return min(pushes, key=lambda one: (one.earliest_ns, one.operation.start_ns, one.operation.index))

    def result(self) -> Result:
        evidence = {
            "slowed": self._slowed,
            "completed": self._completed,
            "throttled": len(self._throttled),
            "asked-for-too-early": 0,
        }
        findings: list[Finding] = []
        first_of = {digest: self._first(digest) for digest in self._pushes}
        for read in sorted(self._reads, key=attrgetter("start_ns", "index")):
            first = first_of[digest_of(read.key) or ""]
            if first.operation.start_ns < read.end_ns < first.earliest_ns:
                evidence["asked-for-too-early"] += found_nothing(read)
                if found(read):
                    findings.append(_finding(read, first))
        # A registry that was there before us may have the same bytes from a former run.
        is_ours = is_fresh(self._whole)
        return conclude(
            "slow-pushes",
            self._plan,
            findings=findings[:1] if is_ours else (),
            evidence=evidence,
            floors=_FLOORS,
            reasons=() if is_ours else [f"{one.explanation} (it may have had it before)" for one in findings[:1]],
        )


def _throttled(rates: dict[str, float], history: History) -> dict[int, float]:
    """By operation: the bandwidth, in bytes a second, of pushes whose whole body went through a throttle of ours."""
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


def _took_ns(push: Operation, rate: float) -> int:
    """How long its bytes are under way at least, at this rate."""
    return round((push.asked.size or 0) / rate * 1e9) - _SLACK_NS


def _pushes(history: History) -> dict[str, list[Operation]]:
    """By digest: the pushes that may have put it anywhere, so far as this history knows of the digest."""
    pushes: dict[str, list[Operation]] = {}
    for one in (*history.elsewhere, *history.of(F.PUSH_BLOB)):
        digest = one.asked.digest
        if one.f is F.PUSH_BLOB and one.kind is not Kind.FAIL and not one.asked.wrong_bytes and digest is not None:
            pushes.setdefault(digest, []).append(one)
    return pushes


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
