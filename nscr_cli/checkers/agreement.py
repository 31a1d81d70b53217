"""The agreement checker: while nothing changes, HEAD and GET say the same, on every connection (RFC 9110, 9.3.2).

Reads of one tag, of one manifest or blob by its digest, in a stretch of time in which no operation can have changed
what they ask for, agree in presence, digest, length and media type. What each read must say in view of the writes is
for other checkers (tags, blobs, protocol); how lists and reads go together, for the listing checker.
"""

from collections.abc import Callable, Iterable, Iterator

from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import BLOB_READS, MANIFEST_READS, Inventory, found, found_nothing, seen_digest
from nscr_cli.checkers.quiet import NO_CHANGES, Changes
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_of
from nscr_cli.history.ops import FAIL, OK, F
from nscr_cli.history.plan import RunPlan

_SAME = "RFC 9110, 9.3.2: HEAD is answered as GET would be; spec.md#checking-if-content-exists-in-the-registry"
_LENGTH = "RFC 9110, 8.6: Content-Length of HEAD is the length of the content that GET would send"
_FLOORS = {"head-and-get": 10}
_HEADS = (F.HEAD_BLOB, F.HEAD_MANIFEST)
_HEAD_BLOB, _HEAD_MANIFEST = _HEADS
_NO_CHANGES = BLOB_READS | MANIFEST_READS | {F.DELETE_TAG, F.LIST_TAGS, F.LIST_REFERRERS}
_DIGEST_CHANGES = tuple(f for f in F if f not in _NO_CHANGES)
_SHOWN = 3


class AgreementChecker:
    """Judges reads against each other, never against a write."""

    @property
    def name(self) -> str:
        return "agreement"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Agreement":
        return _Agreement(plan, whole)


class _Agreement:
    """Reads of one key are judged together; of what is told once for many, the first are kept."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._evidence = {"stretches": 0, "head-and-get": 0, "across-clients": 0, "heads-without-length": 0}
        self._differing: dict[tuple[str, str], list[tuple[Operation, Operation]]] = {}

    def take(self, part: History) -> None:
        evidence = self._evidence
        for reads in _stretches(part, self._plan.scenario.tag_model):
            heads = [one for one in reads if one.f is _HEAD_BLOB or one.f is _HEAD_MANIFEST]
            evidence["stretches"] += 1
            evidence["head-and-get"] += 0 < len(heads) < len(reads)
            evidence["across-clients"] += len({one.process for one in reads}) > 1
            evidence["heads-without-length"] += sum(found(one) and one.answered.content_length is None for one in heads)
            if not _are_alike(reads):
                for rule, one, other in _disagreements(reads):
                    if rule == "presence-differs" and _may_be_collected(part, one, other):
                        continue
                    self._differing.setdefault((rule, _kind_of(one)), []).append((one, other))

    def result(self) -> Result:
        return conclude(
            "agreement",
            self._plan,
            findings=[_finding(rule, sorted(pairs, key=_indexes)) for (rule, _), pairs in self._differing.items()],
            evidence=self._evidence,
            floors=_FLOORS,
            skipped=skipped_capabilities(self._whole, _HEADS),
        )


def _indexes(pair: tuple[Operation, Operation]) -> tuple[int, int]:
    return pair[0].index, pair[1].index


def _may_be_collected(part: History, one: Operation, other: Operation) -> bool:
    """A collection may come at any time after what referred to a blob is gone, and no operation of ours shows it."""
    start, end = min(one.start_ns, other.start_ns), max(one.end_ns, other.end_ns)
    return one.f in BLOB_READS and part.shared(Inventory).may_be_collected(one.key, start, end)


def _stretches(history: History, tag_model: str) -> Iterable[list[Operation]]:
    """Reads of one thing in one quiet stretch, two or more."""
    # Read-your-writes promises nothing about what two clients see of a tag, however long nobody writes it.
    are_tags_judged = tag_model != "read-your-writes"
    quiet = _Quiet(history, bound_ns(tag_model) or 0)
    for kinds in ((F.GET_BLOB, _HEAD_BLOB), (F.GET_MANIFEST, _HEAD_MANIFEST)):
        by_key: dict[str, list[Operation]] = {}
        for one in history.of(*kinds):
            # What a fault of ours struck may have been answered by nobody but the proxy.
            if one.kind is not OK or one.faults or _is_odd(one):
                continue
            if are_tags_judged or "@" in one.key:
                by_key.setdefault(one.key, []).append(one)
        for reads in by_key.values():
            if len(reads) > 1:
                yield from quiet.stretches(reads)


def _is_odd(read: Operation) -> bool:
    """In a form, a part or on a condition of its own: the reads checker's."""
    asked = read.asked
    return asked.accept is not None or asked.range_text is not None or read.answered.status == 304


class _Quiet:
    """Which operations may change what a read asks for. Rather too many than too few.

    A blob or manifest: any write or delete of its digest, in whatever repository, since some registries show a
    repository what another one holds. A manifest, besides: any delete in its repository, and any change of a tag that
    it was put under, since some registries drop what no tag holds. A tag: its puts and deletes, and any delete of a
    manifest.
    """

    def __init__(self, history: History, lag_ns: int) -> None:
        of_digest: dict[str, list[Operation]] = {}
        for one in (*history.elsewhere, *history.of(*_DIGEST_CHANGES)):
            digest = one.asked.digest or digest_of(one.key)
            if one.kind is not FAIL and digest is not None:
                of_digest.setdefault(digest, []).append(one)
        of_tag: dict[str, list[Operation]] = {}
        self._tags_of: dict[str, dict[str, None]] = {}
        for one in history.of(F.PUT_MANIFEST, F.DELETE_TAG):
            if "@" in one.key:
                continue
            if one.kind is not FAIL:
                of_tag.setdefault(one.key, []).append(one)
            if one.asked.digest is not None:
                thing = digest_key(repository_of(one.key), one.asked.digest)
                self._tags_of.setdefault(thing, {})[one.key] = None
        self._lag_ns = lag_ns
        self._of_digest = of_digest
        self._of_tag = {key: Changes(operations, lag_ns=lag_ns) for key, operations in of_tag.items()}
        self._manifests_deleted = self._by_repository(history.of(F.DELETE_MANIFEST))
        self._tags_deleted = self._by_repository(history.of(F.DELETE_TAG))

    def _by_repository(self, deletes: list[Operation]) -> dict[str, Changes]:
        groups: dict[str, list[Operation]] = {}
        for one in deletes:
            if one.kind is not FAIL:
                groups.setdefault(repository_of(one.key), []).append(one)
        return {repository: Changes(operations, lag_ns=self._lag_ns) for repository, operations in groups.items()}

    def stretches(self, reads: list[Operation]) -> Iterator[list[Operation]]:
        """Of reads of one key those that nothing can have come between, two or more."""
        concerned = list(self._concerned(reads[0]))
        places: dict[tuple[int, ...], list[Operation]] = {}
        for read in reads:
            place: list[int] = []
            for changes in concerned:
                stretch = changes.stretch_of(read.start_ns, read.end_ns)
                if stretch is None:
                    break
                place.append(stretch)
            else:
                places.setdefault(tuple(place), []).append(read)
        return (alike for alike in places.values() if len(alike) > 1)

    def _concerned(self, read: Operation) -> Iterator[Changes]:
        repository, digest = repository_of(read.key), digest_of(read.key)
        if digest is None:
            yield self._of_tag.get(read.key, NO_CHANGES)
        elif digest in self._of_digest:
            yield Changes(self._of_digest[digest], lag_ns=self._lag_ns)
        if read.f in MANIFEST_READS:
            yield self._manifests_deleted.get(repository, NO_CHANGES)
            if digest is not None:
                yield self._tags_deleted.get(repository, NO_CHANGES)
                for tag in self._tags_of.get(read.key, ()):
                    yield self._of_tag.get(tag, NO_CHANGES)


def _are_alike(reads: list[Operation]) -> bool:
    """A look that is enough to see that reads agree, where all of them say all: most do."""
    first = reads[0].answered
    for read in reads:
        answered = read.answered
        if (
            answered.status != first.status
            or answered.header_digest != first.header_digest
            or answered.content_length != first.content_length
            or answered.media_type != first.media_type
            or answered.digest not in (None, answered.header_digest)
            or answered.length not in (None, answered.content_length)
        ):
            return False
    return True


def _disagreements(reads: list[Operation]) -> Iterator[tuple[str, Operation, Operation]]:
    """Of each rule the first two reads of a stretch that do not agree."""
    there = [one for one in reads if found(one)]
    missing = [one for one in reads if found_nothing(one)]
    if there and missing:
        yield ("presence-differs", there[0], missing[0])
    if tag_of(reads[0].key) is not None:
        yield from _differing("digest-differs", there, _digest)
        by_digest: dict[str | None, list[Operation]] = {}
        for one in there:
            by_digest.setdefault(seen_digest(one), []).append(one)
        alike = [ones for digest, ones in by_digest.items() if digest is not None]
    else:
        alike = [there]
    for ones in alike:
        yield from _differing("length-differs", ones, _length)
        yield from _differing("type-differs", ones, _type)


def _differing(
    rule: str, reads: list[Operation], value_of: Callable[[Operation], int | str | None]
) -> Iterator[tuple[str, Operation, Operation]]:
    valued = [(value, one) for one in reads if (value := value_of(one)) is not None]
    for value, one in valued[1:]:
        if value != valued[0][0]:
            yield (rule, valued[0][1], one)
            return


def _digest(read: Operation) -> str | None:
    """Of our own algorithm: a header may well name the same bytes by another one."""
    digest = seen_digest(read)
    return digest if digest is not None and digest.startswith("sha256:") else None


def _length(read: Operation) -> int | None:
    """What the answer says of the length of the whole; of a GET, what came, where nothing was said."""
    if read.answered.status != 200:
        return None
    said = read.answered.content_length
    return read.answered.length if said is None and read.f not in _HEADS else said


def _type(read: Operation) -> str | None:
    said = read.answered.media_type
    return None if said is None or read.f not in MANIFEST_READS else said.partition(";")[0].strip().lower()


def _kind_of(read: Operation) -> str:
    if read.f in BLOB_READS:
        return "blob"
    return "manifest" if tag_of(read.key) is None else "tag"


def _finding(rule: str, pairs: list[tuple[Operation, Operation]]) -> Finding:
    first, second = pairs[0]
    shown = pairs[:_SHOWN]
    values = {"length-differs": _length, "type-differs": _type}.get(rule)
    said = f" ({values(first)} and {values(second)})" if values is not None else ""
    return Finding(
        checker="agreement",
        rule=rule,
        key=first.key,
        operations=tuple(sorted({one.index for pair in shown for one in pair})),
        clause=_LENGTH if rule == "length-differs" else _SAME,
        explanation=f"of {len(pairs)} {_kind_of(first)}s: nothing can have changed it between these, "
        f"and yet they do not agree{said}: {told(first)}; {told(second)}.",
    )
