"""The protocol checker: headers agree with what they are about, statuses are the specified ones, nothing breaks inside.

Judges one answer at a time: Docker-Content-Digest and Content-Length against the bytes, the media type against the one
that was pushed, the status of a success against the specification, refusals of valid requests of a kind that was
accepted before, and 5xx that nobody provoked. 502, 503, 504 and 507 say that a registry cannot now: its right, but
where they are many the run says little. 500 and 501 say that it failed at a valid request.
"""

from collections.abc import Iterable

from nscr_cli.checkers.error_answers import ErrorAnswers
from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.inventory import (
    BLOB_READS,
    BLOB_WRITES,
    MANIFEST_READS,
    UPLOAD_STEPS,
    Inventory,
    bare_media_type,
    found,
    is_fresh,
    seen_digest,
)
from nscr_cli.checkers.locations import is_plainly_located, misleading
from nscr_cli.checkers.refusals import is_refusal
from nscr_cli.checkers.tally import Tallies, Tally
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation, Whole, unsupported
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import FAIL, INFO, OK, F
from nscr_cli.history.plan import RunPlan

_DIGEST = "spec.md#pulling-manifests, #pushing-manifests: Docker-Content-Digest is the digest of the content"
_LENGTH = "RFC 9110, 8.6: Content-Length is the length of the content, for HEAD as it would be for GET"
_TYPE = "spec.md#pulling-manifests: Content-Type is the media type that the manifest was pushed with"
_WRONG_DIGEST = "wrong-digest-header"
_STATUS = "spec.md#endpoints: the status of a success"
_USABLE = "spec.md#pushing-blobs, #listing-tags: a success carries what its client needs: Location, a list of tags"
_LOCATION = "spec.md#pushing-blobs, #pushing-manifests: 201 has a Location, where what was pushed can be pulled"
_VALID = "spec.md#error-codes: a valid request is not refused"
_BROKEN = "RFC 9110, 15.6: a request, valid or not, does not end in an internal error"
_FLOORS = {"answers": 10}
_SHOWN = 5
_MANY = 0.01
_OURS = ("another origin", "not followed", "not mounted", ", then ", "out of order")
_NOT_MODIFIED = 304
_ITS_RIGHT = frozenset({502, 503, 504, 507})
_READS = BLOB_READS | MANIFEST_READS
_LOCATED = frozenset({F.PUSH_BLOB, F.MOUNT_BLOB, F.FINISH_UPLOAD, F.PUT_MANIFEST})
_SUCCESS: dict[F, tuple[int, ...]] = {
    F.PUSH_BLOB: (201,),
    F.MOUNT_BLOB: (201,),
    F.START_UPLOAD: (202,),
    F.PATCH_UPLOAD: (202,),
    F.GET_UPLOAD: (204,),
    F.FINISH_UPLOAD: (201,),
    F.CANCEL_UPLOAD: (204,),
    F.PUT_MANIFEST: (201,),
    F.DELETE_BLOB: (202,),
    F.DELETE_TAG: (202,),
    F.DELETE_MANIFEST: (202,),
    F.GET_BLOB: (200, 206),
    F.HEAD_BLOB: (200,),
    F.GET_MANIFEST: (200,),
    F.HEAD_MANIFEST: (200,),
    F.LIST_TAGS: (200,),
    F.LIST_PAGE: (200,),
    F.LIST_CATALOG: (200,),
    F.LIST_REFERRERS: (200,),
}

USUAL_STATUS = {f: statuses[0] for f, statuses in _SUCCESS.items()}
_GET_MANIFEST, _HEAD_MANIFEST = F.GET_MANIFEST, F.HEAD_MANIFEST

Types = dict[str, frozenset[str]]


class ProtocolChecker:
    """Judges answers for what they say about themselves. Similar findings are one finding with a few operations."""

    @property
    def name(self) -> str:
        return "protocol"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Protocol":
        return _Protocol(plan, whole)


class _Protocol:
    """Answers are judged one by one, and counted by what is wrong with them."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._wrong: Tallies[tuple[F, str, str, str]] = Tallies(_SHOWN)
        self._rights = Tally(1)
        self._is_ours = is_fresh(whole)
        self._errors = ErrorAnswers(is_ours=self._is_ours)
        self._evidence = {"answers": 0, "digest-headers": 0, "unavailable": 0}

    def take(self, part: History) -> None:
        inventory = part.shared(Inventory)
        sizes, types = inventory.sizes, inventory.media_types
        for f in F:
            is_accepted = f in self._whole.acknowledged
            answers = headers = 0
            for one in part.of(f):
                status = one.answered.status
                answers += status is not None
                if status is not None and 400 <= status < 500:
                    self._errors.take(one)
                headers += one.answered.header_digest is not None
                if _is_plain(one, sizes, types):
                    continue
                self._evidence["unavailable"] += one.answered.status in _ITS_RIGHT
                if is_accepted and one.answered.status in (401, 403):
                    self._rights.add(one)
                for rule, clause, why in (
                    *wrong_in(one, sizes, types),
                    *(_refused(one, is_ours=self._is_ours) if is_accepted else ()),
                ):
                    self._wrong.add((f, rule, clause, why), one)
                if f in _LOCATED and one.kind is OK and status == 201:
                    for why in misleading(one, is_ours=self._is_ours):
                        self._wrong.add((f, "wrong-location", _LOCATION, f"was answered 201 {why}"), one)
            self._evidence["answers"] += answers
            self._evidence["digest-headers"] += headers

    def result(self) -> Result:
        return conclude(
            "protocol",
            self._plan,
            findings=[
                *(_finding(*group, tally) for group, tally in self._wrong.by_group.items()),
                *self._errors.findings(),
            ],
            evidence=self._evidence | self._errors.evidence,
            floors=_FLOORS,
            reasons=[
                *_unavailable(self._plan, self._evidence),
                *self._refused_rights(),
                *_broken_promises(self._whole),
            ],
        )

    def _refused_rights(self) -> Iterable[str]:
        """Rights that came and went: a registry's policy or its bug, and less was tried than it seems."""
        if self._rights.count:
            first, count = told(self._rights.first[0]), self._rights.count
            yield f"{count} requests were refused as not allowed, others of their kind not, e.g. {first}"


def _is_plain(one: Operation, sizes: dict[str, int], types: Types) -> bool:
    """A look at the usual answers that is enough to see that nothing is wrong with them: most are of this kind."""
    answered, asked, f = one.answered, one.asked, one.f
    if one.kind is not OK or answered.error_code is not None:
        return answered.present is False and answered.status == 404
    if answered.status != USUAL_STATUS[f] or answered.present is False:
        return False
    said, digest = answered.header_digest, answered.digest
    if "@" in one.key or asked.digest is not None:
        if (said is not None and said != asked.digest) or asked.digest is None:
            return False
    elif said is not None and digest is not None and said != digest:
        return False
    if answered.length != answered.content_length and None not in (answered.length, answered.content_length):
        return False
    if answered.status == 201:
        return is_plainly_located(one)
    if f is not _GET_MANIFEST and f is not _HEAD_MANIFEST:
        return True
    seen = said if digest is None else digest
    if digest is None and answered.content_length != sizes.get(seen or ""):
        return False
    pushed = types.get(seen or "")
    return pushed is not None and answered.media_type in pushed


def wrong_in(one: Operation, sizes: dict[str, int], types: Types) -> Iterable[tuple[str, str, str]]:
    """Rule, clause and reason of each thing that is wrong with this answer; with fewer sizes and types known, less."""
    status = one.answered.status
    if status is None:
        return
    if status >= 500 and status not in _ITS_RIGHT:
        yield "server-error", _BROKEN, f"answered {status}"
    is_success = one.kind is OK and one.answered.present is not False and one.answered.error_code is None
    # A write whose success nobody specified is not taken for one; that it came whole is enough to judge its status.
    is_success = is_success or (one.kind is INFO and 200 <= status < 300 and one.error == str(status))
    if is_success and status not in _allowed(one) and status != 404:
        yield "wrong-status", _STATUS, f"answered {status}, where {' or '.join(map(str, _allowed(one)))} is specified"
    is_read = one.f in _READS and found(one) and not one.asked.breaks_grammar
    if one.kind is OK and (one.f in (*BLOB_WRITES, F.PUT_MANIFEST) or is_read):
        yield from _wrong_headers(one, sizes, types)


def _refused(one: Operation, *, is_ours: bool) -> Iterable[tuple[str, str, str]]:
    """A refusal of what this registry accepts elsewhere; whether a push was valid, other checkers know."""
    status = one.answered.status or 0
    # What need not be heeded, the checkers of reads and lists judge.
    asked = one.asked
    is_odd = asked.breaks_grammar or (asked.range_text, asked.accept, asked.page_query) != (None, None, None)
    is_for_others = one.f in (*BLOB_WRITES, *UPLOAD_STEPS, F.PUT_MANIFEST) or status == 404 or is_odd
    if not is_for_others and is_refusal(one, is_ours=is_ours):
        yield "refused-request", _VALID, f"answered {status}, where others of its kind were accepted"
    is_by_us = any(words in (one.error or "") for words in _OURS)
    if one.kind is FAIL and 200 <= status < 300 and not is_by_us:
        yield "unusable-answer", _USABLE, f"answered {one.error}"


def _unavailable(plan: RunPlan, evidence: dict[str, int]) -> Iterable[str]:
    """Many such answers, but where more was asked than could be served: there they are the right ones."""
    count, answers = evidence["unavailable"], evidence["answers"]
    if plan.rate is None and count >= 3 and count > _MANY * answers:
        yield f"the registry said of {count} of {answers} requests that it cannot serve them now"


def _broken_promises(whole: Whole) -> Iterable[str]:
    """The registry that the run started supports all that we ask for: what it declines is not a matter of taste."""
    if is_fresh(whole):
        for name, why in unsupported(whole.events).items():
            yield f"{name} is declined ({why}) by the registry that the run started, which promises it"


def _allowed(one: Operation) -> tuple[int, ...]:
    asked = one.asked
    if asked.if_none_match is not None or asked.if_modified_since is not None:
        return (*_SUCCESS[one.f], 304)
    if one.f is F.GET_BLOB and asked.range is None and asked.range_text is None:
        return (200,)
    return _SUCCESS[one.f]


def _wrong_headers(one: Operation, sizes: dict[str, int], types: Types) -> Iterable[tuple[str, str, str]]:
    answered = one.answered
    said = answered.header_digest
    is_get = one.f in (F.GET_BLOB, F.GET_MANIFEST)
    # What is named by its digest has that digest; whether the bytes do is for the blobs checker.
    meant = digest_of(one.key) or one.asked.digest or (answered.digest if is_get else None)
    if said is not None and meant is not None and said != meant and _algorithm(said) == _algorithm(meant):
        yield _WRONG_DIGEST, _DIGEST, "Docker-Content-Digest is not the digest of the content"
    lengths = (answered.length, answered.content_length)
    # 304 may announce the length that 200 would have, and has no body (RFC 9110, 8.6).
    if (
        is_get
        and answered.status != _NOT_MODIFIED
        and None not in lengths
        and answered.length != answered.content_length
    ):
        yield "wrong-length", _LENGTH, "Content-Length is not the length of the body"
    if one.f not in MANIFEST_READS or answered.status == _NOT_MODIFIED:
        return
    digest = seen_digest(one) or digest_of(one.key)
    size = sizes.get(digest or "")
    if one.f is F.HEAD_MANIFEST and None not in (size, answered.content_length) and answered.content_length != size:
        yield "wrong-length", _LENGTH, "Content-Length of HEAD is not the size of the manifest"
    pushed = types.get(digest or "")
    if pushed and answered.media_type is not None and bare_media_type(answered.media_type) not in pushed:
        yield (
            "wrong-media-type",
            _TYPE,
            f"served as {bare_media_type(answered.media_type)}, pushed as {min(pushed)}",
        )


def _finding(f: F, rule: str, clause: str, why: str, tally: Tally) -> Finding:
    digests = {short(one.answered.header_digest) for one in tally.first if one.answered.header_digest}
    types = {one.answered.media_type for one in tally.first if one.answered.media_type}
    said = f" Docker-Content-Digest said {', '.join(sorted(digests))}, of {', '.join(sorted(types)) or 'no type'}."
    return Finding(
        checker="protocol",
        rule=rule,
        key=tally.key or str(f),
        operations=tuple(one.index for one in tally.first),
        clause=clause,
        explanation=f"{tally.count} {f} {why}, e.g. {told(tally.first[0])}.{said if rule == _WRONG_DIGEST else ''}",
    )


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]
