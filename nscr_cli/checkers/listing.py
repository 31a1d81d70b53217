"""The listing checker: a list of tags is the set of the tags that exist, in order, each once (spec.md#listing-tags).

A listing takes an interval; what was there throughout it must be listed, what was not there at any of its instants must
not. Order: the specification says lexical, which is read both as byte order and as case-insensitive; either is right.
"""

from collections.abc import Iterable

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import found_nothing
from nscr_cli.checkers.name_order import has_duplicates, is_unsorted
from nscr_cli.checkers.pages import Pages
from nscr_cli.checkers.presence import Begun, Ended, Presence
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import FAIL, OK, F
from nscr_cli.history.plan import RunPlan

_SET = "spec.md#listing-tags: the list holds the tags of the repository"
_ORDER = "spec.md#listing-tags: tags are listed in lexical order, each once"
_PAGE = "spec.md#listing-tags: a list that was asked for with n holds at most n tags"
_NONE = "spec.md#listing-tags: when n is zero, the list is empty and has no Link"
_NAME = "spec.md#listing-tags: name is that of the repository"
_LAST = "spec.md#listing-tags: a page begins after the tag that last names, not with it"
LISTS = (F.LIST_TAGS, F.LIST_PAGE)
_FLOORS = {"lists": 3, "pages": 0}
_SHOWN_TAGS = 6
_PUT, _DELETE_TAG = F.PUT_MANIFEST, F.DELETE_TAG


class ListingChecker:
    """Judges every answered list of tags against what was written, deleted and read."""

    @property
    def name(self) -> str:
        return "listing"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Listing":
        return _Listing(plan, whole)


class _Listing:
    """A list is of one repository."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._findings: list[Finding] = []
        self._evidence = dict.fromkeys(
            ("lists", "tags-listed", "pages", "pages-refused", "pages-after-what-may-be-gone", "links-to-nothing"), 0
        )

    def take(self, part: History) -> None:
        lists, pages = _by_repository(part.of(F.LIST_TAGS)), _by_repository(part.of(F.LIST_PAGE))
        tags = part.shared(TagPresence)
        for repository in dict.fromkeys((*lists, *pages)):
            listed, paged = lists.get(repository, []), pages.get(repository, [])
            self._findings += _form([*listed, *paged])
            self._findings += _names([*listed, *paged])
            self._findings += _sizes([*listed, *paged])
            of_lists = list(_members(repository, listed, tags))
            self._findings += of_lists
            known = {(finding.rule, finding.key) for finding in of_lists}
            judge = Pages(repository, tags)
            self._findings += (one for one in _on_pages(repository, paged, judge) if (one.rule, one.key) not in known)
            self._evidence["lists"] += len(listed)
            self._evidence["tags-listed"] += sum(len(one.answered.tags or ()) for one in listed)
            self._evidence["pages"] += len(paged)
            self._evidence["pages-after-what-may-be-gone"] += sum(not judge.is_anchored(one) for one in paged)
            self._evidence["links-to-nothing"] += sum(map(judge.leads_to_nothing, paged))
        self._evidence["pages-refused"] += sum(one.kind is FAIL for one in part.of(F.LIST_PAGE))
        self._findings += _listed_but_not_there(part, tags)

    def result(self) -> Result:
        return conclude(
            "listing",
            self._plan,
            findings=self._findings,
            evidence=self._evidence,
            floors=_FLOORS,
            skipped=skipped_capabilities(self._whole, (F.LIST_TAGS,)),
        )


def _by_repository(lists: Iterable[Operation]) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for one in lists:
        if one.kind is OK:
            groups.setdefault(one.key, []).append(one)
    return groups


class TagPresence:
    """Presence of tags, whatever they name, by repository and tag; from puts, deletes, reads and lists.

    One for all checkers of a history: `history.shared(TagPresence)`.
    """

    def __init__(self, history: History) -> None:
        self._operations: dict[str, list[Operation]] = {}
        self._put: dict[str, list[str]] = {}
        put: set[str] = set()
        for one in history.of(_PUT, F.GET_MANIFEST, F.HEAD_MANIFEST, _DELETE_TAG):
            key = one.key
            if "@" not in key:
                self._operations.setdefault(key, []).append(one)
                if one.f is _PUT and key not in put and one.kind is not FAIL:
                    put.add(key)
                    self._put.setdefault(repository_of(key), []).append(key)
        self._deletes: dict[str, list[Operation]] = {}
        for one in history.of(F.DELETE_MANIFEST):
            if one.kind is not FAIL:
                self._deletes.setdefault(one.key, []).append(one)
        self._lists: dict[str, list[Operation]] = {}
        for one in history.of(*LISTS):
            if one.kind is OK:
                for tag in set(one.answered.tags or ()):
                    self._lists.setdefault(tag_key(one.key, tag), []).append(one)
        self._presence: dict[str, Presence] = {}

    def keys_of(self, repository: str) -> list[str]:
        """Tags of a repository that anybody put."""
        return self._put.get(repository, [])

    def operations_of(self, key: str) -> list[Operation]:
        """All operations that name this tag."""
        return self._operations.get(key, [])

    def of(self, key: str) -> Presence:
        """Presence of one tag."""
        if key not in self._presence:
            self._presence[key] = self._judge(key)
        return self._presence[key]

    def _judge(self, key: str) -> Presence:
        puts: list[Operation] = []
        deletes: list[Operation] = []
        proofs: list[Operation] = []
        absences: list[Operation] = []
        for one in self._operations.get(key, ()):
            if one.f is _PUT or one.f is _DELETE_TAG:
                if one.kind is not FAIL:
                    (puts if one.f is _PUT else deletes).append(one)
                    if one.kind is OK:
                        (proofs if one.f is _PUT else absences).append(one)
            elif one.kind is OK:
                (absences if one.answered.present is False else proofs).append(one)
        repository = repository_of(key)
        written = {one.asked.digest for one in puts}
        by_digest = [one for digest in written for one in self._deletes.get(digest_key(repository, digest or ""), ())]
        # A delete by digest surely clears the tag where nothing else can have been put there by the time it ended.
        absences += [one for one in by_digest if one.kind is OK and self._is_sure(one, puts)]
        return Presence(
            proofs=Ended([*proofs, *self._lists.get(key, ())]),
            writes=Begun(puts),
            removals=[Begun([*deletes, *by_digest])],
            absences=Ended(absences),
        )

    @staticmethod
    def _is_sure(delete: Operation, puts: list[Operation]) -> bool:
        digest = digest_of(delete.key)
        return all(put.start_ns > delete.end_ns or put.asked.digest == digest for put in puts)


def _form(lists: list[Operation]) -> Iterable[Finding]:
    """The first list that names a tag twice, and the first that is not in order."""
    for rule, is_wrong in (("duplicate-tag", has_duplicates), ("unsorted-listing", is_unsorted)):
        wrong = [one for one in lists if is_wrong(one.answered.tags or ())]
        if wrong:
            yield _finding(rule, wrong[0].key, wrong[:1], _ORDER, f"{len(wrong)} lists, e.g. {_shown(wrong[0])}.")


def _sizes(lists: list[Operation]) -> Iterable[Finding]:
    """The first list with a page that is longer than was asked for; and the first page of none with a Link."""
    linked = [one for one in lists if one.asked.page_size == 0 and one.answered.has_next]
    if linked:
        yield _finding("link-after-nothing", linked[0].key, linked[:1], _NONE, f"{told(linked[0])}, with a Link.")
    for one in lists:
        longest, asked = one.answered.longest_page, one.asked.page_size
        if longest is not None and asked is not None and longest > asked:
            why = f"a page of {longest} tags, where at most {asked} were asked for: {_shown(one)}."
            yield _finding("long-page", one.key, [one], _PAGE, why)
            return


def _names(lists: list[Operation]) -> Iterable[Finding]:
    """The first list that gives the repository another name."""
    wrong = [one for one in lists if one.answered.other_name is not None]
    if wrong:
        why = f"{len(wrong)} lists name another one, {wrong[0].answered.other_name!r}, e.g. {_shown(wrong[0])}."
        yield _finding("wrong-name", wrong[0].key, wrong[:1], _NAME, why)


def _members(repository: str, lists: list[Operation], tags: TagPresence) -> Iterable[Finding]:
    """For every tag the first list that lacks it though it was there, and the first that has it though it was not."""
    put = {tag_of(key): key for key in tags.keys_of(repository)}
    contents = [(one, frozenset(one.answered.tags or ())) for one in lists]
    for tag, key in put.items():
        presence = tags.of(key)
        for one, listed in contents:
            if tag in listed:
                witness = presence.must_lack(one.start_ns, one.end_ns)
                rule, why = "ghost-tag", "Nothing can have put the tag back since, and yet it is listed"
            else:
                witness = presence.must_hold(one.start_ns, one.end_ns)
                rule, why = "missing-tag", "Nothing can have deleted the tag since, and yet it is not listed"
            if witness is not None:
                yield _finding(rule, key, [witness, one], _SET, f"{told(witness)}. {why}: {_shown(one)}.")
                break
    strangers: dict[str, Operation] = {}
    for one, listed in contents:
        for tag in listed - put.keys():
            strangers.setdefault(tag, one)
    for tag, one in sorted(strangers.items()):
        yield _finding(
            "phantom-tag", tag_key(repository, tag), [one], _SET, f"nobody ever put this tag: {_shown(one)}."
        )


def _on_pages(repository: str, pages: list[Operation], judge: Pages) -> Iterable[Finding]:
    """For every tag the first page that wrongly lacks or has it; and the first that begins too early."""
    seen: set[tuple[str, str]] = set()

    def is_news(rule: str, key: str) -> bool:
        return (rule, key) not in seen and not seen.add((rule, key))  # type: ignore[func-returns-value]

    for page in pages:
        for rule, wrong, why in (
            ("missing-tag", judge.missing(page), "Nothing can have deleted the tag since, and yet it is not listed"),
            ("ghost-tag", judge.ghosts(page), "Nothing can have put the tag back since, and yet it is listed"),
        ):
            for key, witness in wrong:
                if is_news(rule, key):
                    yield _finding(rule, key, [witness, page], _SET, f"{told(witness)}. {why}: {_shown(page)}.")
        for name in judge.strangers(page):
            key = tag_key(repository, name)
            if is_news("phantom-tag", key):
                yield _finding("phantom-tag", key, [page], _SET, f"nobody ever put this tag: {_shown(page)}.")
        early = judge.too_early(page)
        if early is not None and is_news("page-begins-too-early", repository):
            why = f"{early!r} does not come after {page.asked.last!r}: {_shown(page)}."
            yield _finding("page-begins-too-early", repository, [page], _LAST, why)


def _listed_but_not_there(history: History, tags: TagPresence) -> Iterable[Finding]:
    """For every tag the first read that did not find it after a list had it; what was put, the tags checker judges."""
    seen: set[str] = set()
    for one in history.of(F.GET_MANIFEST, F.HEAD_MANIFEST):
        if not found_nothing(one) or "@" in one.key or one.key in seen:
            continue
        proof = tags.of(one.key).must_hold(one.start_ns, one.end_ns)
        if proof is not None and proof.f in LISTS:
            seen.add(one.key)
            why = f"{_shown(proof)}. Nothing can have deleted the tag since, and yet: {told(one)}."
            yield _finding("listed-but-not-there", one.key, [proof, one], _SET, why)


def _shown(one: Operation) -> str:
    tags = one.answered.tags or ()
    more = f" and {len(tags) - _SHOWN_TAGS} more" if len(tags) > _SHOWN_TAGS else ""
    return f"{told(one)}{_asked(one)}: [{', '.join(tags[:_SHOWN_TAGS])}{more}]"


def _asked(one: Operation) -> str:
    """What page was asked for."""
    query = one.asked.page_query
    words = [query] if query is not None else []
    if query is None and one.asked.page_size is not None:
        words.append(f"n={one.asked.page_size}")
    if query is None and one.asked.last is not None:
        words.append(f"last={one.asked.last}")
    return f" to {'&'.join(words)}" if words else ""


def _finding(rule: str, key: str, operations: list[Operation], clause: str, explanation: str) -> Finding:
    indexes = tuple(sorted({one.index for one in operations}))
    return Finding(checker="listing", rule=rule, key=key, operations=indexes, clause=clause, explanation=explanation)
