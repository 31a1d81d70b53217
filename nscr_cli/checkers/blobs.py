"""The blobs checker: what was acknowledged is readable until it is deleted, is what was pushed, and stays deleted.

Blobs and manifests by digest, per repository (spec.md#pulling-blobs, #pulling-manifests, #deleting-blobs). Presence is
judged by sound interval rules (presence.py), content one read at a time (contents.py); pushes of correct bytes that are
refused are findings where the registry accepts such pushes at all (refusals.py).
"""

from collections.abc import Iterable

from nscr_cli.checkers.contents import Contents, Ranges
from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.first_pushes import judge_first_pushes
from nscr_cli.checkers.inventory import (
    BLOB_READS,
    DELETES,
    MANIFEST_READS,
    Inventory,
    found,
    is_fresh,
)
from nscr_cli.checkers.mounts import unfounded
from nscr_cli.checkers.refusals import Acceptance
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import NEVER, History, Operation, Whole, unsupported
from nscr_cli.history.keys import tag_of
from nscr_cli.history.ops import OK, F, PushStyle
from nscr_cli.history.plan import RunPlan

_READABLE = "spec.md#pushing-blobs, #pushing-manifests: what was acknowledged can be pulled until it is deleted"
_GONE = "spec.md#deleting-blobs, #deleting-manifests: what was acknowledged as deleted is answered 404"
_DELETED = "spec.md#deleting-blobs: a blob that is not found is answered 404"
_ACCEPTED = "spec.md#pushing-blobs: bytes that match their digest are accepted"
_REFUSED = "spec.md#pushing-blobs: the digest must match the blob's digest; other bytes are refused"
_NEVER = "spec.md#pulling-blobs: a blob that is not in the repository is answered 404"
_FLOORS = {"read-back": 10, "deleted-and-read": 0, "contended-repositories": 0}
_COUNTS = ("acknowledged", "read-back", "never-read", "reads", "ranges", "deleted-and-read", "contended-repositories")
_READS = BLOB_READS | MANIFEST_READS
_OUT_OF_ORDER = 416
_CAPABILITIES = (*PushStyle, F.MOUNT_BLOB, F.GET_BLOB, F.HEAD_BLOB, F.DELETE_BLOB, "blob-ranges", "sha512")


class BlobsChecker:
    """Durability and content of everything that is named by its digest."""

    @property
    def name(self) -> str:
        return "blobs"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Blobs":
        return _Blobs(plan, whole)


class _Blobs:
    """Digests are judged one by one; of what is told once for a whole history, the first by index is kept."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._findings: list[Finding] = []
        self._firsts: dict[str, Finding] = {}
        self._evidence = dict.fromkeys(_COUNTS, 0)
        self._reasons: list[str] = []
        self._ranges = Ranges()
        self._pushes = Acceptance()

    def take(self, part: History) -> None:
        inventory = part.shared(Inventory)
        is_ours = is_fresh(part)
        contents = Contents(inventory.sizes, self._ranges, is_ours=is_ours)
        for noun, groups in (("blob", inventory.blob_operations), ("manifest", inventory.manifest_operations)):
            for key, operations in groups.items():
                if self._count(operations, contents):
                    self._findings += _presence(key, noun, operations, inventory, is_ours=is_ours)
        for push in part.of(F.PUSH_BLOB):
            if push.asked.wrong_bytes:
                self._believed(push, inventory, is_ours=is_ours)
            elif push.answered.out_of_order_status in (None, _OUT_OF_ORDER):
                # An upload of which a chunk out of order was answered otherwise was given up by us, whatever was said.
                self._pushes.take(str(push.asked.style), push, is_ours=is_ours)
        for finish in part.of(F.FINISH_UPLOAD):
            if finish.asked.wrong_bytes:
                self._believed(finish, inventory, is_ours=is_ours)
        for mount, shown, why in unfounded(part, inventory, is_ours=is_ours):
            self._first("mount", _finding("phantom-mount", mount.key, shown, _NEVER, why))
        self._phantoms(part, inventory)
        first = judge_first_pushes(part)
        self._findings += first.findings
        self._reasons += first.reasons
        self._evidence["contended-repositories"] += first.contended

    def result(self) -> Result:
        refused = map(_refused, self._pushes.refused())
        return conclude(
            "blobs",
            self._plan,
            findings=[*self._findings, *self._firsts.values(), *self._ranges.findings(), *refused],
            evidence=self._evidence,
            floors=_FLOORS,
            reasons=[
                *_unaccepted(self._pushes.never_accepted(), self._whole),
                *_shortened(self._ranges),
                *sorted(self._reasons),
            ],
            skipped=skipped_capabilities(self._whole, _CAPABILITIES),
        )

    def _first(self, what: str, finding: Finding) -> None:
        known = self._firsts.get(what)
        if known is None or finding.operations < known.operations:
            self._firsts[what] = finding

    def _believed(self, push: Operation, inventory: Inventory, *, is_ours: bool) -> None:
        """The first push of bytes under the digest of other ones that was acknowledged, of each style.

        Who holds the right bytes already may take a push to mean these, and not look at those that come.
        """
        if push.kind is OK and (is_ours or not inventory.may_exist(push)):
            why = f"{told(push)}. The {push.asked.size} bytes that were sent hash to another digest."
            self._first(f"push {push.asked.style}", _finding("wrong-bytes-accepted", push.key, (push,), _REFUSED, why))

    def _phantoms(self, part: History, inventory: Inventory) -> None:
        """The first read that found a blob which nobody can have put there.

        In a repository that never got the blob it may still be found, where a registry shares what other repositories
        hold at first sight; only of a registry that the run started itself do we know that it does not.
        """
        is_ours = is_fresh(part)
        first_writes = inventory.first_writes
        for one in part.of(F.GET_BLOB, F.HEAD_BLOB):
            # By a name that breaks the grammar a registry may find what it would be if it did not.
            is_misspelt = one.asked.breaks_grammar and not is_ours
            if is_misspelt or first_writes.get(one.key, NEVER) <= one.end_ns or not found(one):
                continue
            may_exist = inventory.may_exist(one)
            if is_ours or not may_exist:
                where = "to this repository" if may_exist else "to any repository"
                why = f"{told(one)}. Nobody ever put it {where}."
                self._first("read", _finding("phantom-blob", one.key, (one,), _NEVER, why))
                return

    def _count(self, operations: list[Operation], contents: Contents) -> bool:
        """Counts what was judged, judges what was served, and tells whether anything was ever deleted or not there."""
        acknowledged = gone = NEVER
        last_read = last_found = last_named = -1
        reads = ranges = 0
        may_be_gone = False
        for one in operations:
            f = one.f
            is_named = "@" in one.key
            if f in _READS:
                if one.kind is not OK:
                    continue
                answered = one.answered
                reads += 1
                ranges += answered.status == 206
                last_read = max(last_read, one.start_ns)
                if is_named:
                    last_named = max(last_named, one.start_ns)
                if answered.present is False:
                    may_be_gone = may_be_gone or is_named
                    continue
                if answered.digest is not None:
                    last_found = max(last_found, one.start_ns)
                finding = contents.judge(one) if is_named else None
                if finding is not None:
                    self._findings.append(finding)
            elif f in DELETES:
                may_be_gone = True
                if one.kind is OK:
                    gone = min(gone, one.end_ns)
            elif one.kind is OK and not one.asked.wrong_bytes:
                acknowledged = min(acknowledged, one.end_ns)
        evidence = self._evidence
        evidence["reads"] += reads
        evidence["ranges"] += ranges
        evidence["deleted-and-read"] += last_named > gone
        if acknowledged != NEVER:
            evidence["acknowledged"] += 1
            evidence["read-back"] += last_found > acknowledged
            evidence["never-read"] += last_read <= acknowledged
        return may_be_gone


def _presence(
    key: str, noun: str, operations: list[Operation], inventory: Inventory, *, is_ours: bool
) -> Iterable[Finding]:
    """The first read that did not find what must be there, and the first that found what cannot be there."""
    named = [one for one in operations if tag_of(one.key) is None]
    thing = inventory.thing(key, is_manifest=noun == "manifest")
    for one in named:
        proof = thing.must_hold(one.start_ns, one.end_ns) if inventory.is_absence(one) else None
        if proof is not None:
            why = f"{told(proof)}. Nothing deleted it since, and yet: {told(one)}."
            yield _finding(f"lost-{noun}", key, (proof, one), _READABLE, why)
            break
    for one in named:
        absence = thing.must_lack(one.start_ns, one.end_ns) if one.f in _READS and found(one) else None
        if absence is not None:
            why = f"{told(absence)}. Nothing can have put it there since, and yet: {told(one)}."
            yield _finding(f"undead-{noun}", key, (absence, one), _GONE, why)
            break
    # Of a manifest that is gone the specification does not say it plainly; our own registry does.
    kinds = (F.DELETE_BLOB, F.DELETE_MANIFEST) if is_ours else (F.DELETE_BLOB,)
    deletes = [one for one in named if one.f in kinds and one.kind is OK]
    deleted = min((one.end_ns for one in deletes), default=NEVER)
    for one in deletes:
        # Before any delete, some registries let one repository have what another one holds.
        absence = thing.must_lack(one.start_ns, one.end_ns) if deleted < one.start_ns else None
        if absence is not None:
            why = f"{told(absence)}. Nothing can have put it there since, and yet: {told(one)}."
            yield _finding("deleted-twice", key, (absence, one), _DELETED, why)
            break


def _refused(push: Operation) -> Finding:
    why = f"{told(push)}. The bytes match the digest, and other {push.asked.style} pushes were accepted."
    return _finding("refused-write", push.key, (push,), _ACCEPTED, why)


def _shortened(ranges: Ranges) -> Iterable[str]:
    """A server may send less of a range and say so; whether this one means to, nobody here knows."""
    if ranges.first_less is not None:
        yield f"{ranges.less} ranges were answered with less than was asked for, e.g. {told(ranges.first_less)}"


def _unaccepted(never: dict[str, list[Operation]], whole: Whole) -> list[str]:
    """Styles in which no push was ever accepted, though the registry does not say that it lacks them."""
    return [
        f"no {style} push was accepted, of {len(pushes)} that were refused, e.g. {told(pushes[0])}"
        for style, pushes in never.items()
        if style not in unsupported(whole.events)
    ]


def _finding(rule: str, key: str, operations: tuple[Operation, ...], clause: str, explanation: str) -> Finding:
    indexes = tuple(sorted(one.index for one in operations))
    return Finding(checker="blobs", rule=rule, key=key, operations=indexes, clause=clause, explanation=explanation)
