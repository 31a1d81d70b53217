"""The tags checker: every tag of every repository is a register of digests (spec.md#pulling-manifests).

A put writes, a delete of the tag clears, a delete of a manifest by its digest clears every tag of the repository that
holds it (spec.md#deleting-manifests); reads see the digest of the bytes served, or that there is no such tag. What is
promised about reads is the plan's `tag_model`. Without any
model: it never holds what nobody wrote to it.
"""

from collections.abc import Iterable
from operator import attrgetter

from nscr_cli.checkers import eventual, register_findings, sessions
from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import is_fresh, seen_digest
from nscr_cli.checkers.listing import TagPresence
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import NEVER, History, Operation, Whole
from nscr_cli.history.keys import digest_key, repository_of
from nscr_cli.history.ops import FAIL, OK, F
from nscr_cli.history.plan import RunPlan

CLAUSE = "spec.md#pulling-manifests: a tag names the manifest that was last put under it"
_FLOORS = {"writes-read-back": 10, "deleted-and-read": 0}
_EVENTUAL_FLOORS = {"settled-reads": 10}
_COUNTS = ("tags", "acknowledged-writes", "writes-read-back", "reads", "deletes", "deleted-and-read")
_PUT, _GET, _HEAD = F.PUT_MANIFEST, F.GET_MANIFEST, F.HEAD_MANIFEST
_CAPABILITIES = (F.PUT_MANIFEST, F.HEAD_MANIFEST, F.DELETE_TAG, F.DELETE_MANIFEST)


class TagsChecker:
    """Judges every tag by the model that the scenario names."""

    @property
    def name(self) -> str:
        return "tags"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Tags":
        return _Tags(plan, whole)


class _Tags:
    """Tags are independent of each other, but for the deletes by digest of their repository."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._model = plan.scenario.tag_model
        self._bound = eventual.bound_ns(self._model)
        self._is_ours = is_fresh(whole)
        self._findings: list[Finding] = []
        self._reasons: set[str] = set()
        self._evidence = dict.fromkeys(_COUNTS, 0)
        if self._bound is not None:
            # Where no read begins so long after a change, nothing was promised, and nothing was judged.
            self._evidence["settled-reads"] = 0

    def take(self, part: History) -> None:
        presence = part.shared(TagPresence)
        for key, operations in _by_tag(part).items():
            self._count(operations)
            if self._is_ours:
                self._findings += _deleted_twice(key, operations, presence)
            self._judge(key, self._sound(key, operations))

    def result(self) -> Result:
        return conclude(
            "tags",
            self._plan,
            findings=self._findings,
            evidence=self._evidence,
            floors=_FLOORS if self._bound is None else _FLOORS | _EVENTUAL_FLOORS,
            reasons=sorted(self._reasons),
            skipped=skipped_capabilities(self._whole, _CAPABILITIES),
        )

    def _sound(self, key: str, operations: list[Operation]) -> list[Operation]:
        """Without the reads of what nobody wrote, which are findings."""
        writes: dict[str | None, list[Operation]] = {}
        for one in operations:
            if one.f is _PUT:
                writes.setdefault(one.asked.digest, []).append(one)
        sound = []
        for one in operations:
            phantom = _phantom(key, one, writes) if one.f is _GET or one.f is _HEAD else None
            if phantom is None:
                sound.append(one)
            else:
                self._findings.append(phantom)
        return sound

    def _judge(self, key: str, operations: list[Operation]) -> None:
        match self._model:
            case "linearizable":
                findings, undecided = register_findings.judge_tag(key, operations)
                self._findings += findings
                self._reasons.update(undecided)
            case "read-your-writes":
                self._findings += sessions.judge_tag(key, operations)
            case _ if self._bound is not None:
                lagging = eventual.judge_tag(key, operations, self._bound)
                self._findings += lagging.findings
                self._evidence["settled-reads"] += lagging.settled
            case model:
                self._reasons.add(f"nobody here can judge the tag model {model!r}")

    def _count(self, operations: list[Operation]) -> None:
        written: set[str | None] = set()
        seen: set[str | None] = set()
        reads = deletes = last_read = 0
        gone = NEVER
        for one in operations:
            if one.f is _GET or one.f is _HEAD:
                reads += 1
                last_read = max(last_read, one.start_ns)
                if one.answered.present is not False:
                    seen.add(seen_digest(one))
            elif one.f is _PUT:
                if one.kind is OK:
                    written.add(one.asked.digest)
            else:
                deletes += 1
                if one.kind is OK:
                    gone = min(gone, one.end_ns)
        evidence = self._evidence
        evidence["tags"] += 1
        evidence["acknowledged-writes"] += len(written)
        evidence["writes-read-back"] += len(written & seen)
        evidence["reads"] += reads
        evidence["deletes"] += deletes
        evidence["deleted-and-read"] += last_read > gone


def _by_tag(history: History) -> dict[str, list[Operation]]:
    """Everything that may have written, cleared or read each tag; a delete by digest concerns all of its repository."""
    is_delete_known = F.DELETE_TAG in history.whole.acknowledged
    tags: dict[str, list[Operation]] = {}
    for one in history.of(_PUT, _GET, _HEAD, F.DELETE_TAG):
        if "@" not in one.key and _counts(one, is_delete_known):
            tags.setdefault(one.key, []).append(one)
    by_digest: dict[str, list[Operation]] = {}
    for one in history.of(F.DELETE_MANIFEST):
        if one.kind is not FAIL:
            by_digest.setdefault(one.key, []).append(one)
    if not by_digest:
        return tags
    for key, operations in tags.items():
        repository = repository_of(key)
        written = {one.asked.digest for one in operations if one.f is _PUT}
        deletes = [one for digest in written for one in by_digest.get(digest_key(repository, digest or ""), ())]
        if deletes:
            operations += deletes
            operations.sort(key=attrgetter("index"))
    return tags


def _counts(operation: Operation, is_delete_known: bool) -> bool:
    if operation.f is _GET or operation.f is _HEAD:
        if operation.kind is not OK or operation.asked.accept is not None:
            return False  # a registry may answer with the same manifest in another form
        return operation.answered.present is False or seen_digest(operation) is not None
    if operation.kind is FAIL:
        # "There is no such tag", said to a delete where deletes work, is an observation as much as a read is.
        return is_delete_known and operation.f is not _PUT and operation.answered.status == 404
    return True


def _deleted_twice(key: str, operations: list[Operation], presence: TagPresence) -> Iterable[Finding]:
    """The first acknowledged delete of what was not there; the specification does not say plainly that it is 404."""
    for one in operations:
        absence = None
        if one.f is F.DELETE_TAG and one.kind is OK:
            absence = presence.of(key).must_lack(one.start_ns, one.end_ns)
        if absence is not None:
            yield Finding(
                checker="tags",
                rule="deleted-twice",
                key=key,
                operations=tuple(sorted({absence.index, one.index})),
                clause="docs/api.md: a delete of a tag that is not there is answered 404",
                explanation=f"{told(absence)}. Nothing can have put it there since, and yet: {told(one)}.",
            )
            return


def _phantom(key: str, read: Operation, written: dict[str | None, list[Operation]]) -> Finding | None:
    """A read of what nobody had asked to write to this tag by the time the read ended."""
    if read.answered.present is False:
        return None
    digest = seen_digest(read)
    writes = written.get(digest, [])
    for one in writes:
        if one.start_ns <= read.end_ns:
            return None
    said = read.answered.header_digest
    if said in written:
        rule, why = "torn-read", f"the header says {short(said)}, which was written, but the bytes are others"
    elif writes:
        rule, why = "phantom-value", f"it was written only later: {told(writes[0])}"
    else:
        rule, why = "phantom-value", "nobody ever wrote it to this tag"
    return Finding(
        checker="tags",
        rule=rule,
        key=key,
        operations=tuple(sorted({read.index, *(one.index for one in writes[:1])})),
        clause=CLAUSE,
        explanation=f"{told(read)} saw {short(digest)}: {why}.",
    )
