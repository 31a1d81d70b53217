"""The agreement checker: while nothing changes, HEAD and GET say the same, on every connection (RFC 9110, 9.3.2).

Reads of one tag, of one manifest or blob by its digest, in a stretch of time in which no operation can have changed
what they ask for, agree in presence, digest, length and media type. What each read must say in view of the writes is
for other checkers (tags, blobs, protocol); how lists and reads go together, for the listing checker.
"""

from collections.abc import Callable, Iterable, Iterator

from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import BLOB_READS, MANIFEST_READS, found, found_nothing, may_have_happened, seen_digest
from nscr_cli.checkers.quiet import NO_CHANGES, Changes
from nscr_cli.checkers.verdict import Finding, Result
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import F, Kind
from nscr_cli.history.plan import RunPlan

_SAME = "RFC 9110, 9.3.2: HEAD is answered as GET would be; spec.md#checking-if-content-exists-in-the-registry"
_LENGTH = "RFC 9110, 8.6: Content-Length of HEAD is the length of the content that GET would send"
_FLOORS = {"head-and-get": 10}
_HEADS = (F.HEAD_BLOB, F.HEAD_MANIFEST)
_READS = BLOB_READS | MANIFEST_READS
_SHOWN = 3


class AgreementChecker:
    """Judges reads against each other, never against a write."""

    @property
    def name(self) -> str:
        return "agreement"

    def check(self, plan: RunPlan, history: History) -> Result:
        findings: list[Finding] = []
        evidence = {"stretches": 0, "head-and-get": 0, "across-clients": 0, "heads-without-length": 0}
        differing: dict[tuple[str, str], list[tuple[Operation, Operation]]] = {}
        for reads in _stretches(history, plan.scenario.tag_model):
            heads = [one for one in reads if one.f in _HEADS]
            evidence["stretches"] += 1
            evidence["head-and-get"] += 0 < len(heads) < len(reads)
            evidence["across-clients"] += len({one.process for one in reads}) > 1
            evidence["heads-without-length"] += sum(found(one) and one.answered.content_length is None for one in heads)
            for rule, one, other in _disagreements(reads):
                differing.setdefault((rule, _kind_of(one)), []).append((one, other))
        for (rule, _), pairs in differing.items():
            findings.append(_finding(rule, pairs))
        return conclude(
            self.name,
            plan,
            findings=findings,
            evidence=evidence,
            floors=_FLOORS,
            skipped=skipped_capabilities(history, _HEADS),
        )


def _stretches(history: History, tag_model: str) -> Iterable[list[Operation]]:
    """Reads of one thing in one quiet stretch, two or more."""
    # Read-your-writes promises nothing about what two clients see of a tag, however long nobody writes it.
    are_tags_judged = tag_model != "read-your-writes"
    quiet = _Quiet(history, bound_ns(tag_model) or 0)
    groups: dict[tuple[str, bool, tuple[int, ...]], list[Operation]] = {}
    for one in history.operations:
        # What a fault of ours struck may have been answered by nobody but the proxy.
        if one.f not in _READS or one.kind is not Kind.OK or one.faults:
            continue
        if tag_of(one.key) is not None and not are_tags_judged:
            continue
        place = quiet.place_of(one)
        if place is not None:
            groups.setdefault((one.key, one.f in BLOB_READS, place), []).append(one)
    return (reads for reads in groups.values() if len(reads) > 1)


class _Quiet:
    """Which operations may change what a read asks for. Rather too many than too few.

    A blob or manifest: any write or delete of its digest, in whatever repository, since some registries show a
    repository what another one holds. A manifest, besides: any delete in its repository, and any change of a tag that
    it was put under, since some registries drop what no tag holds. A tag: its puts and deletes, and any delete of a
    manifest.
    """

    def __init__(self, history: History, lag_ns: int) -> None:
        def changes(group: Callable[[Operation], str | None]) -> dict[str, Changes]:
            return {key: Changes(ones, lag_ns=lag_ns) for key, ones in history.grouped(group).items()}

        def deletes(f: F) -> dict[str, Changes]:
            return changes(lambda one: _if_changed(one, repository_of(one.key), f))

        self._of_digest = changes(_changed_digest)
        self._of_tag = changes(lambda one: _if_changed(one, one.key, F.PUT_MANIFEST, F.DELETE_TAG))
        self._manifests_deleted = deletes(F.DELETE_MANIFEST)
        self._tags_deleted = deletes(F.DELETE_TAG)
        self._tags_of: dict[tuple[str, str | None], dict[str, None]] = {}
        for one in history.operations:
            if one.f is F.PUT_MANIFEST and tag_of(one.key) is not None:
                self._tags_of.setdefault((repository_of(one.key), one.asked.digest), {})[one.key] = None

    def place_of(self, read: Operation) -> tuple[int, ...] | None:
        """Equal for two reads of one thing exactly when nothing can have changed it from the first to the last."""
        stretches = []
        for changes in self._concerned(read):
            stretch = changes.stretch_of(read.start_ns, read.end_ns)
            if stretch is None:
                return None
            stretches.append(stretch)
        return tuple(stretches)

    def _concerned(self, read: Operation) -> Iterator[Changes]:
        repository, digest = repository_of(read.key), digest_of(read.key)
        if digest is None:
            yield self._of_tag.get(read.key, NO_CHANGES)
        else:
            yield self._of_digest.get(digest, NO_CHANGES)
        if read.f in MANIFEST_READS:
            yield self._manifests_deleted.get(repository, NO_CHANGES)
            if digest is not None:
                yield self._tags_deleted.get(repository, NO_CHANGES)
                for tag in self._tags_of.get((repository, digest), ()):
                    yield self._of_tag.get(tag, NO_CHANGES)


def _changed_digest(one: Operation) -> str | None:
    if one.f in _READS or one.f in (F.DELETE_TAG, F.LIST_TAGS, F.LIST_REFERRERS) or not may_have_happened(one):
        return None
    return one.asked.digest or digest_of(one.key)


def _if_changed(one: Operation, name: str, *kinds: F) -> str | None:
    return name if one.f in kinds and may_have_happened(one) else None


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
