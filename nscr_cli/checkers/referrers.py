"""The referrers checker: the referrers of a manifest are the set of the manifests that name it as their subject.

As the listing checker judges tags: a list takes an interval; what was attached throughout it must be listed, what was
gone at all of its instants must not (spec.md#listing-referrers). A list is asked for one artifact type or for all; a
registry may ignore the filter, and then it does not say OCI-Filters-Applied: such a list is one of all types, and what
was left out of it all the same is missing. The subject need not exist, but what a
registry does with the referrers of one that was deleted, the specification does not say: nothing is missed then.
"""

from collections.abc import Iterable

import msgspec

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import Inventory, bare_media_type, is_fresh
from nscr_cli.checkers.tally import Tally
from nscr_cli.checkers.verdict import Finding, Result, Verdict, judged
from nscr_cli.checkers.wording import short, told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.keys import digest_key, digest_of, repository_of
from nscr_cli.history.ops import FAIL, OK, F
from nscr_cli.history.plan import RunPlan

_SET = "spec.md#listing-referrers: the list holds the manifests whose subject is the digest asked for"
_TYPE = "spec.md#listing-referrers: artifactType is that of the manifest listed; OCI-Filters-Applied says it was heeded"
_DESCRIPTOR = "spec.md#listing-referrers: an entry describes the manifest listed: size, media type, its annotations"
_SUBJECT = "spec.md#pushing-manifests-with-subject: who lists referrers answers with OCI-Subject: <digest>"
_INDEX = "spec.md#listing-referrers: the list is an image index, and Content-Type says so"
_API = "spec.md#listing-referrers: a registry that supports the referrers API does not answer it 404"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_FLOORS = {"attached-and-listed": 3}


class _Subject(msgspec.Struct, frozen=True):
    """What was asked about one subject: what names it, by the referrer's digest, and the lists of its referrers."""

    puts: dict[str, list[Operation]]
    lists: list[Operation]
    deletes: list[Operation]


class ReferrersChecker:
    """Judges every answered list of referrers against what was attached and deleted."""

    @property
    def name(self) -> str:
        return "referrers"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Referrers":
        return _Referrers(plan, whole)


class _Referrers:
    """A subject and what refers to it lie in one repository."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._skipped = skipped_capabilities(whole, (F.LIST_REFERRERS,))
        self._is_left_out = bool(self._skipped) and not is_fresh(whole)
        self._findings: list[Finding] = []
        self._evidence = {"lists": 0, "attached-and-listed": 0, "listed-after-their-subject": 0}
        self._not_found = Tally(1)
        self._mistyped = Tally(1)
        self._unacknowledged = Tally(1)

    def take(self, part: History) -> None:
        if self._is_left_out:
            return
        for one in part.of(F.LIST_REFERRERS):
            if one.answered.status == 404:
                self._not_found.add(one)
            media_type = one.answered.media_type
            if one.kind is OK and media_type is not None and bare_media_type(media_type) != _INDEX_TYPE:
                self._mistyped.add(one)
        for one in part.of(F.PUT_MANIFEST):
            said = one.answered.subject
            if one.kind is OK and said is not None and said != one.asked.subject:
                self._unacknowledged.add(one)
        inventory = part.shared(Inventory)
        for key, subject in _subjects(part).items():
            self._findings += _form(key, subject)
            self._findings += _descriptors(key, subject)
            self._findings += _members(key, subject, inventory)
            seen = {
                one.digest
                for listed in subject.lists
                for one in listed.answered.referrers or ()
                if any(_acknowledged_before(put, listed) for put in subject.puts.get(one.digest, ()))
            }
            self._evidence["lists"] += len(subject.lists)
            self._evidence["attached-and-listed"] += len(seen)
            # What becomes of the referrers of a subject that is deleted, nobody says: it is told, and not judged.
            subject_itself = inventory.thing(key, is_manifest=True)
            self._evidence["listed-after-their-subject"] += max(
                (
                    len(listed.answered.referrers or ())
                    for listed in subject.lists
                    if subject.deletes and subject_itself.must_lack(listed.start_ns, listed.end_ns) is not None
                ),
                default=0,
            )

    def result(self) -> Result:
        if self._is_left_out:
            return Result(checker="referrers", verdict=Verdict.UNKNOWN, skipped=self._skipped, is_skipped=True)
        return conclude(
            "referrers",
            self._plan,
            findings=[
                *self._findings,
                *self._missing_api(),
                *self._wrong_media_types(),
                *self._wrong_subjects(),
            ],
            evidence=self._evidence,
            floors=_FLOORS,
            skipped=self._skipped,
        )

    def _missing_api(self) -> Iterable[Finding]:
        """404 to a list of referrers, of a registry that answered others."""
        if self._not_found.count and F.LIST_REFERRERS in self._whole.acknowledged:
            (first,) = self._not_found.first
            why = f"{self._not_found.count} lists were answered 404, others were not: {told(first)}."
            yield _finding("not-found", first.key, [first], _API, why)

    def _wrong_media_types(self) -> Iterable[Finding]:
        """Clients that go by Content-Type take such an answer for no list, and look for the fallback tag."""
        if self._mistyped.count:
            (first,) = self._mistyped.first
            why = f"{self._mistyped.count} lists came as {first.answered.media_type}, e.g. {told(first)}."
            yield _finding("wrong-media-type", first.key, [first], _INDEX, why)

    def _wrong_subjects(self) -> Iterable[Finding]:
        """A client that is not told so keeps the fallback tag besides."""
        if self._unacknowledged.count and F.LIST_REFERRERS in self._whole.acknowledged:
            (first,) = self._unacknowledged.first
            said = first.answered.subject or "nothing"
            why = (
                f"{self._unacknowledged.count} manifests with a subject were answered with another or no OCI-Subject, "
                f"e.g. {said} for {first.asked.subject}: {told(first)}."
            )
            yield _finding("wrong-subject-header", first.key, [first], _SUBJECT, why)


def _subjects(history: History) -> dict[str, _Subject]:
    """By `repository@digest` of the subject."""
    subjects: dict[str, _Subject] = {}
    for one in history.of(F.PUT_MANIFEST):
        if one.asked.subject is not None and one.asked.digest is not None:
            key = digest_key(repository_of(one.key), one.asked.subject)
            subjects.setdefault(key, _Subject({}, [], [])).puts.setdefault(one.asked.digest, []).append(one)
    for one in history.of(F.LIST_REFERRERS):
        if one.kind is OK:
            subjects.setdefault(one.key, _Subject({}, [], [])).lists.append(one)
    for one in history.of(F.DELETE_MANIFEST):
        if one.kind is not FAIL and one.key in subjects:
            subjects[one.key].deletes.append(one)
    return subjects


def _form(key: str, subject: _Subject) -> Iterable[Finding]:
    """The first list that names a referrer twice on one page, and the first that tells or heeds a type wrongly."""
    types = {digest: puts[0].asked.artifact_type for digest, puts in subject.puts.items()}
    for listed in subject.lists:
        digests = [one.digest for one in listed.answered.referrers or ()]
        if listed.answered.exchanges == 1 and len(set(digests)) < len(digests):
            twice = next(digest for digest in digests if digests.count(digest) > 1)
            why = f"{short(twice)} is listed twice: {told(listed)}."
            yield _finding("duplicate-referrer", key, [listed], _SET, why)
            break
    for listed in subject.lists:
        asked = listed.asked.artifact_type if listed.answered.is_filtered else None
        for one in listed.answered.referrers or ():
            pushed = types.get(one.digest)
            if pushed is not None and (one.artifact_type != pushed or asked not in (None, pushed)):
                said = f"{short(one.digest)}, pushed as {pushed}, is listed as {one.artifact_type}"
                heeded = f", where only {asked} was asked for and the filter was said to be applied" if asked else ""
                put = subject.puts[one.digest][0]
                yield _finding("wrong-artifact-type", key, [put, listed], _TYPE, f"{said}{heeded}: {told(listed)}.")
                return


def _descriptors(key: str, subject: _Subject) -> Iterable[Finding]:
    """The first entry that does not describe the manifest it lists."""
    for listed in subject.lists:
        for one in listed.answered.referrers or ():
            puts = subject.puts.get(one.digest)
            if puts is None:
                continue
            asked = puts[0].asked
            for what, said, pushed in (
                ("a size of", one.size, asked.size),
                ("media type", one.media_type, asked.media_type),
                ("the annotations", one.annotations, asked.annotations),
            ):
                if None not in (said, pushed) and said != pushed:
                    why = f"{short(one.digest)}, pushed with {what} {pushed}, is listed with {said or 'none'}"
                    yield _finding("wrong-descriptor", key, [puts[0], listed], _DESCRIPTOR, f"{why}: {told(listed)}.")
                    return


def _members(key: str, subject: _Subject, inventory: Inventory) -> Iterable[Finding]:
    """For every referrer the first list that lacks it though it was there, or has it though it was not."""
    repository = repository_of(key)
    contents = [(one, frozenset(entry.digest for entry in one.answered.referrers or ())) for one in subject.lists]
    for digest, puts in subject.puts.items():
        presence = inventory.thing(digest_key(repository, digest), is_manifest=True)
        for listed, digests in contents:
            if digest in digests:
                witness = presence.must_lack(listed.start_ns, listed.end_ns)
                rule, why = "ghost-referrer", "Nothing can have put it back since, and yet it is listed"
            elif _is_asked_for(listed, puts) and not _may_be_deleted(subject, listed):
                witness = presence.must_hold(listed.start_ns, listed.end_ns)
                rule, why = "missing-referrer", "Nothing can have deleted it since, and yet it is not listed"
                if _is_silent(listed):
                    why += (
                        f" where only {listed.asked.artifact_type} was asked for, without OCI-Filters-Applied, as one"
                    )
            else:
                continue
            if witness is not None:
                said = f"{told(witness)}. {why} of {short(digest_of(key))}: {told(listed)}."
                yield _finding(rule, digest_key(repository, digest), [puts[0], witness, listed], _SET, said)
                break
    strangers: dict[str, Operation] = {}
    for listed, digests in contents:
        for digest in digests - subject.puts.keys():
            strangers.setdefault(digest, listed)
    for digest, listed in sorted(strangers.items()):
        why = f"nobody ever put {short(digest)} with this subject: {told(listed)}."
        yield _finding("phantom-referrer", digest_key(repository, digest), [listed], _SET, why)


def _is_silent(listed: Operation) -> bool:
    """One type was asked for, and nothing said that it was heeded."""
    return listed.asked.artifact_type is not None and not listed.answered.is_filtered


def _is_asked_for(listed: Operation, puts: list[Operation]) -> bool:
    """The list must hold this referrer if it is there: of its type, and put by an operation that was over before.

    A read may find a manifest whose put is not answered yet: what it will be listed under need not be there by then.
    """
    wanted = listed.asked.artifact_type if listed.answered.is_filtered else None
    is_of_type = wanted in (None, puts[0].asked.artifact_type)
    return is_of_type and any(_acknowledged_before(put, listed) for put in puts)


def _acknowledged_before(put: Operation, listed: Operation) -> bool:
    return put.kind is OK and put.end_ns < listed.start_ns


def _may_be_deleted(subject: _Subject, listed: Operation) -> bool:
    return any(one.start_ns <= listed.end_ns for one in subject.deletes)


def _finding(rule: str, key: str, operations: list[Operation], clause: str, explanation: str) -> Finding:
    indexes = tuple(sorted({one.index for one in operations}))
    return Finding(checker="referrers", rule=rule, key=key, operations=indexes, clause=clause, explanation=explanation)
