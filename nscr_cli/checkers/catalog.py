"""The catalog checker: pages of the registry's repositories, as far as they are ours (Docker's `_catalog`).

The presence of a repository says that it is there, its absence says nothing: a registry may show each user another
catalog. Only of one that the run started itself is it known that it shows all that has content, and that nobody else
was there before. A repository that lost everything may be listed or not (bug H4 of docs/bugs.toml): it is counted.
"""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from nscr_cli.checkers.evidence import conclude, skipped_capabilities
from nscr_cli.checkers.inventory import is_fresh, may_have_happened
from nscr_cli.checkers.name_order import has_duplicates, is_after, is_not_after, is_unsorted
from nscr_cli.checkers.verdict import Finding, Result, Verdict, judged
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import History, Operation, Whole
from nscr_cli.history.keys import digest_key, repository_of, tag_of
from nscr_cli.history.ops import F, Kind
from nscr_cli.history.plan import RunPlan

_CATALOG = "Docker Registry HTTP API V2, catalog: repositories, each once, in lexical order, at most n, after last"
_SET = "Docker Registry HTTP API V2, catalog: what is listed is there; what the run's own registry holds is listed"
_FLOORS = {"catalogs": 3}


class CatalogChecker:
    """Judges every answered page of the catalog."""

    @property
    def name(self) -> str:
        return "catalog"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Catalog":
        return _Catalog(plan, whole)


class _Catalog:
    """Of each repository little is kept, and all pages, which are few: a page is judged by all repositories."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._pages: list[Operation] = []
        self._ours: dict[str, _Repository] = {}

    def take(self, part: History) -> None:
        self._pages += (one for one in part.of(F.LIST_CATALOG) if one.kind is Kind.OK)
        self._ours |= _repositories(part)

    def result(self) -> Result:
        pages = sorted(self._pages, key=attrgetter("start_ns", "index"))
        ours = dict(sorted(self._ours.items()))
        skipped = skipped_capabilities(self._whole, (F.LIST_CATALOG,))
        if skipped and not pages:
            return Result(checker="catalog", verdict=Verdict.UNKNOWN, skipped=skipped, is_skipped=True)
        is_ours = is_fresh(self._whole)
        findings: list[Finding] = list(_form(pages))
        if is_ours:
            findings.extend(_members(pages, ours))
        return conclude(
            "catalog",
            self._plan,
            findings=findings,
            evidence={
                "catalogs": len(pages),
                "ours-listed": sum(len(one.answered.repositories or ()) for one in pages),
                "repositories-of-strangers": sum(
                    (one.answered.longest_page or 0) > len(one.answered.repositories or ()) for one in pages
                ),
                "missing-elsewhere": 0 if is_ours else sum(1 for page in pages for _ in _missing(page, ours)),
                "ghosts": sum(
                    name in ours and ours[name].is_emptied for one in pages for name in one.answered.repositories or ()
                ),
            },
            floors=_FLOORS,
            skipped=skipped,
        )


class _Repository(msgspec.Struct):
    """What is known of a repository.

    Attributes:
        touched_ns: when anything was first asked of it.
        proof: a put under a tag that nothing may have deleted.
        is_emptied: manifests were put, and nothing is left that nothing may have deleted.
    """

    touched_ns: int
    proof: Operation | None = None
    is_emptied: bool = False


def _repositories(history: History) -> dict[str, _Repository]:
    deleted = {one.key for one in history.operations if one.f in (F.DELETE_TAG, F.DELETE_MANIFEST)}
    known: dict[str, _Repository] = {}
    puts: dict[str, list[Operation]] = {}
    for one in history.operations:
        if one.f is F.LIST_CATALOG:
            continue
        repository = repository_of(one.key)
        known.setdefault(repository, _Repository(touched_ns=one.start_ns))
        if one.f is F.PUT_MANIFEST and may_have_happened(one):
            puts.setdefault(repository, []).append(one)
    for repository, written in puts.items():
        lasting = [
            one
            for one in written
            if one.kind is Kind.OK
            and tag_of(one.key) is not None
            and one.key not in deleted
            and digest_key(repository, one.asked.digest or "") not in deleted
        ]
        known[repository].proof = min(lasting, key=lambda one: one.end_ns, default=None)
        known[repository].is_emptied = not lasting
    return known


def _form(pages: list[Operation]) -> Iterable[Finding]:
    """The first page of each kind that is wrong in itself."""
    for rule, is_wrong in (
        ("duplicate-repository", lambda one: has_duplicates(one.answered.repositories or ())),
        ("unsorted-catalog", lambda one: is_unsorted(one.answered.repositories or ())),
        ("long-page", _is_long),
        ("page-begins-too-early", _is_early),
    ):
        wrong = [one for one in pages if is_wrong(one)]
        if wrong:
            yield _finding(rule, wrong[0], wrong[:1], _CATALOG, f"{len(wrong)} pages, e.g. {_shown(wrong[0])}.")


def _is_long(page: Operation) -> bool:
    size, longest = page.asked.page_size, page.answered.longest_page
    return size is not None and longest is not None and longest > size


def _is_early(page: Operation) -> bool:
    return any(is_not_after(name, page.asked.last) for name in page.answered.repositories or ())


def _members(pages: list[Operation], ours: dict[str, _Repository]) -> Iterable[Finding]:
    """For every repository the first page that lacks it though it has content, and that has it though nobody asked."""
    seen: set[str] = set()
    for page in pages:
        for name, proof in _missing(page, ours):
            if name not in seen:
                seen.add(name)
                why = f"{told(proof)}. Nothing can have deleted it since, and yet {name} is not in {_shown(page)}."
                yield _finding("missing-repository", page, [proof, page], _SET, why, name)
        for name in page.answered.repositories or ():
            known = ours.get(name)
            if (known is None or known.touched_ns > page.end_ns) and name not in seen:
                seen.add(name)
                yield _finding(
                    "phantom-repository", page, [page], _SET, f"nobody ever asked for {name}: {_shown(page)}.", name
                )


def _missing(page: Operation, ours: dict[str, _Repository]) -> Iterable[tuple[str, Operation]]:
    """Repositories with content that belong on this page and are not on it, each with the proof."""
    names, asked, answered = page.answered.repositories or (), page.asked, page.answered
    if asked.page_query is not None or is_unsorted(names):
        return
    is_cut = answered.has_next or (asked.page_size is not None and (answered.longest_page or 0) >= asked.page_size)
    if is_cut and not names:
        return
    for name, known in ours.items():
        proof = known.proof
        if proof is None or name in names or not name.startswith(asked.prefix or ""):
            continue
        is_within = is_after(name, asked.last) and (not is_cut or is_after(names[-1], name))
        if is_within and proof.end_ns < page.start_ns:
            yield name, proof


def _shown(page: Operation) -> str:
    asked = page.asked.page_query or f"n={page.asked.page_size}&last={page.asked.last}"
    return f"{told(page)} to {asked}: [{', '.join(page.answered.repositories or ())}]"


def _finding(
    rule: str, page: Operation, operations: list[Operation], clause: str, explanation: str, key: str | None = None
) -> Finding:
    indexes = tuple(sorted({one.index for one in operations}))
    return Finding(
        checker="catalog", rule=rule, key=key or page.key, operations=indexes, clause=clause, explanation=explanation
    )
