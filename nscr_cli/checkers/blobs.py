"""The blobs checker: what was acknowledged is readable until it is deleted, is what was pushed, and stays deleted.

Blobs and manifests by digest, per repository (spec.md#pulling-blobs, #pulling-manifests, #deleting-blobs). Presence is
judged by sound interval rules (presence.py), content one read at a time (contents.py); pushes of correct bytes that are
refused are findings where the registry accepts such pushes at all (refusals.py).
"""

from collections.abc import Iterable

from nscr_cli.checkers.contents import Contents
from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import (
    BLOB_READS,
    BLOB_WRITES,
    DELETES,
    MANIFEST_READS,
    Inventory,
    found,
    is_fresh,
)
from nscr_cli.checkers.refusals import by_acceptance
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import NEVER, History, Operation
from nscr_cli.history.keys import tag_of
from nscr_cli.history.ops import F, Kind, PushStyle
from nscr_cli.history.plan import RunPlan

_READABLE = "spec.md#pushing-blobs, #pushing-manifests: what was acknowledged can be pulled until it is deleted"
_GONE = "spec.md#deleting-blobs, #deleting-manifests: what was acknowledged as deleted is answered 404"
_ACCEPTED = "spec.md#pushing-blobs: bytes that match their digest are accepted"
_REFUSED = "spec.md#pushing-blobs: the digest must match the blob's digest; other bytes are refused"
_NEVER = "spec.md#pulling-blobs: a blob that is not in the repository is answered 404"
_FLOORS = {"read-back": 10, "deleted-and-read": 0}
_COUNTS = ("acknowledged", "read-back", "never-read", "reads", "ranges", "deleted-and-read")
_OUT_OF_ORDER = 416
_CAPABILITIES = (*PushStyle, F.MOUNT_BLOB, F.GET_BLOB, F.HEAD_BLOB, F.DELETE_BLOB, "blob-ranges")


class BlobsChecker:
    """Durability and content of everything that is named by its digest."""

    @property
    def name(self) -> str:
        return "blobs"

    def check(self, plan: RunPlan, history: History) -> Result:
        inventory = Inventory(history)
        contents = Contents(inventory.sizes)
        findings: list[Finding] = []
        evidence = dict.fromkeys(_COUNTS, 0)
        for noun, groups in (("blob", inventory.blob_operations), ("manifest", inventory.manifest_operations)):
            for key, operations in groups.items():
                findings.extend(_presence(key, noun, operations, inventory))
                for one in operations:
                    finding = contents.judge(one) if one.f in BLOB_READS | MANIFEST_READS and found(one) else None
                    if finding is not None:
                        findings.append(finding)
                _count(operations, evidence)
        findings.extend(_believed(history))
        findings.extend(_granted(history, inventory))
        findings.extend(_phantoms(history, inventory))
        pushes = [one for one in history.operations if _is_due(one)]
        refused, never_accepted = by_acceptance(pushes, lambda one: str(one.asked.style))
        findings.extend(_refused(one) for one in refused)
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence=evidence,
            floors=_FLOORS,
            reasons=_unaccepted(never_accepted, history),
            skipped=skipped_capabilities(history, _CAPABILITIES),
        )


def _presence(key: str, noun: str, operations: list[Operation], inventory: Inventory) -> Iterable[Finding]:
    """The first read that did not find what must be there, and the first that found what cannot be there."""
    named = [one for one in operations if tag_of(one.key) is None]
    if not any(one.f in DELETES or inventory.is_absence(one) for one in named):
        return
    thing = inventory.thing(key, is_manifest=noun == "manifest")
    for one in named:
        proof = thing.must_hold(one.start_ns, one.end_ns) if inventory.is_absence(one) else None
        if proof is not None:
            why = f"{told(proof)}. Nothing deleted it since, and yet: {told(one)}."
            yield _finding(f"lost-{noun}", key, (proof, one), _READABLE, why)
            break
    for one in named:
        is_read = one.f in BLOB_READS | MANIFEST_READS and found(one)
        absence = thing.must_lack(one.start_ns, one.end_ns) if is_read else None
        if absence is not None:
            why = f"{told(absence)}. Nothing can have put it there since, and yet: {told(one)}."
            yield _finding(f"undead-{noun}", key, (absence, one), _GONE, why)
            break


def _believed(history: History) -> Iterable[Finding]:
    """The first push of bytes under the digest of other ones that was acknowledged, of each style."""
    styles: set[str | None] = set()
    for one in history.operations:
        if one.asked.wrong_bytes and one.kind is Kind.OK and one.asked.style not in styles:
            styles.add(one.asked.style)
            why = f"{told(one)}. The {one.asked.size} bytes that were sent hash to another digest."
            yield _finding("wrong-bytes-accepted", one.key, (one,), _REFUSED, why)


def _granted(history: History, inventory: Inventory) -> Iterable[Finding]:
    """The first mount that was acknowledged though no repository of the run can ever have held the blob."""
    for one in history.operations:
        if one.f is F.MOUNT_BLOB and one.kind is Kind.OK and not inventory.may_exist(one):
            why = f"{told(one)}. Nobody had pushed this blob, to any repository."
            yield _finding("phantom-mount", one.key, (one,), _NEVER, why)
            return


def _phantoms(history: History, inventory: Inventory) -> Iterable[Finding]:
    """The first read that found a blob which nobody can have put there.

    In a repository that never got the blob it may still be found, where a registry shares what other repositories
    hold at first sight; only of a registry that the run started itself do we know that it does not.
    """
    is_ours = is_fresh(history)
    for one in history.operations:
        if one.f not in BLOB_READS or not found(one):
            continue
        is_possible = inventory.thing(one.key, is_manifest=False).may_hold(one.end_ns)
        if not is_possible and (is_ours or not inventory.may_exist(one)):
            where = "to this repository" if inventory.may_exist(one) else "to any repository"
            yield _finding("phantom-blob", one.key, (one,), _NEVER, f"{told(one)}. Nobody ever put it {where}.")
            return


def _count(operations: list[Operation], evidence: dict[str, int]) -> None:
    writes = (*BLOB_WRITES, F.PUT_MANIFEST)
    acknowledged = min(
        (one.end_ns for one in operations if one.f in writes and one.kind is Kind.OK and not one.asked.wrong_bytes),
        default=None,
    )
    reads = [one for one in operations if one.kind is Kind.OK and one.f in BLOB_READS | MANIFEST_READS]
    evidence["reads"] += len(reads)
    evidence["ranges"] += sum(one.answered.status == 206 for one in reads)
    deletes = (one.end_ns for one in operations if one.f in (F.DELETE_BLOB, F.DELETE_MANIFEST) and one.kind is Kind.OK)
    gone = min(deletes, default=NEVER)
    evidence["deleted-and-read"] += any(one.start_ns > gone and tag_of(one.key) is None for one in reads)
    if acknowledged is None:
        return
    evidence["acknowledged"] += 1
    is_read_back = any(found(one) and one.answered.digest is not None and one.start_ns > acknowledged for one in reads)
    evidence["read-back"] += is_read_back
    evidence["never-read"] += not any(one.start_ns > acknowledged for one in reads)


def _is_due(one: Operation) -> bool:
    """Whether it is a push that must be accepted: the right bytes, and of a chunk out of order no more than a refusal.

    An upload of which such a chunk was answered otherwise was given up by us, whatever the registry said.
    """
    return (
        one.f is F.PUSH_BLOB and not one.asked.wrong_bytes and one.answered.out_of_order_status in (None, _OUT_OF_ORDER)
    )


def _refused(push: Operation) -> Finding:
    why = f"{told(push)}. The bytes match the digest, and other {push.asked.style} pushes were accepted."
    return _finding("refused-write", push.key, (push,), _ACCEPTED, why)


def _unaccepted(never: dict[str, list[Operation]], history: History) -> list[str]:
    """Styles in which no push was ever accepted, though the registry does not say that it lacks them."""
    return [
        f"no {style} push was accepted, of {len(pushes)} that were refused, e.g. {told(pushes[0])}"
        for style, pushes in never.items()
        if style not in history.unsupported()
    ]


def _finding(rule: str, key: str, operations: tuple[Operation, ...], clause: str, explanation: str) -> Finding:
    indexes = tuple(sorted(one.index for one in operations))
    return Finding(checker="blobs", rule=rule, key=key, operations=indexes, clause=clause, explanation=explanation)
