"""Errands that page through the many tags of one repository while others put and delete tags in it.

As many tags as the scenario says are there from the start and stay; a quarter as many come and go. Names are letters
and digits, with a letter of either case first: byte order and order without case differ, and no registry may order them
in a third way (spec.md#listing-tags).
"""

import re
from random import Random

from nscr_cli.generators import invocations
from nscr_cli.generators.documents import image
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import F, Kind, Op
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.pushes import after_blobs
from nscr_cli.workloads.steps import Step
from nscr_cli.workloads.world import World

_LETTERS = "aBcDeF"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_MOST_PAGES = 6
_LISTED_PAGES = 24
# What a registry may refuse or make of it what it likes; but for the two that are only very large.
_ODD_QUERIES = (
    "n=-1",
    "n=abc",
    "n=",
    "n=1.5",
    "n=0x10",
    "n=99999999999999999999999",
    "n=3&n=5",
    "n=%00",
    "last=%00",
    "last=",
    "last=..%2F..%2F",
    "last=%FF%FE",
    f"n=3&last={'z' * 300}",
)
_LARGE = 1_000_000
_OUTSIDERS = ("0", "Zzz", "zzzzz", "_", "m00001q")


def stock(world: World) -> tuple[Invocation, ...]:
    """The tags that stay, each over a small manifest of its own, in the first repository."""
    return tuple(
        invocations.put_manifest(
            world.repositories[0], _lasting(number), image(world.config, [], f"{world.seed}/stock/{number}")
        )
        for number in range(len(world.tags))
    )


def churn_tag(turn: Turn) -> Step:
    """A new manifest under a tag that comes and goes; often deleted again, by tag or by digest, and a page there."""
    chance = turn.chance("churn")
    world = turn.world
    repository = chance.choice((*[world.repositories[0]] * 5, *world.repositories))
    tag = _passing(chance.randrange(max(1, len(world.tags) // 4)))
    manifest = image(world.config, [], turn.nonce)
    deletes = [invocations.delete_tag(repository, tag)] * world.supports(F.DELETE_TAG)
    deletes += [invocations.delete_manifest(repository, manifest.digest)] * world.supports(F.DELETE_MANIFEST)
    look = Step(_page(repository, chance.randint(1, 9), _neighbour(turn, chance)))
    delete = Step(chance.choice(deletes), lambda _event: look) if deletes and chance.random() < 0.7 else look
    put = Step(
        invocations.put_manifest(repository, tag, manifest),
        lambda event: delete if event.kind is Kind.OK and chance.random() < 0.9 else None,
    )
    needed = [] if turn.memory.holds(repository, world.config.digest) else [world.config]
    return after_blobs(turn, repository, needed, lambda: put)


def list_all(turn: Turn) -> Step:
    """All tags, in pages of a size between a few and more than there are, or of the registry's own."""
    chance = turn.chance("list-all")
    many = len(turn.world.tags)
    size = chance.choice((None, 2 * many, _between(chance, max(1, many // _LISTED_PAGES), 2 * many)))
    return Step(invocations.list_tags(turn.world.repositories[0], size))


def page_through(turn: Turn) -> Step:
    """A few pages, each an operation of its own, from a tag that is there or is not, in pages of one tag and more."""
    chance = turn.chance("page")
    repository = chance.choice((*[turn.world.repositories[0]] * 5, *turn.world.repositories))
    size = chance.choice((0, _LARGE, *[_between(chance, 1, 2 * len(turn.world.tags))] * 18))
    last = chance.choice((None, _neighbour(turn, chance), _neighbour(turn, chance), chance.choice(_OUTSIDERS)))

    def page(after: str | None, left: int) -> Step:
        def then(event: Op) -> Step | None:
            names = (event.answered.tags if event.answered else None) or ()
            goes_on = event.answered is not None and (event.answered.has_next or len(names) == size)
            return page(names[-1], left - 1) if names and goes_on and left and _TAG.fullmatch(names[-1]) else None

        return Step(_page(repository, size, after), then)

    return page(last, _MOST_PAGES)


def ask_oddly(turn: Turn) -> Step:
    """A page by parameters that make no sense, of the tags or of the catalog: refused or answered, never an error."""
    chance = turn.chance("odd")
    repository = turn.world.repositories[0]
    query = chance.choice(_ODD_QUERIES)
    if turn.world.supports(F.LIST_CATALOG) and chance.random() < 0.3:
        return Step(invocations.list_catalog(repository, turn.world.namespace.prefix, query=query))
    return Step(invocations.list_odd_page(repository, query))


def list_catalog(turn: Turn) -> Step:
    """A page of the catalog, from our namespace on or from one of our repositories."""
    chance = turn.chance("catalog")
    world = turn.world
    last = chance.choice((world.namespace.path, *world.repositories))
    size = chance.choice((None, 1, 2, 3, 10))
    return Step(invocations.list_catalog(chance.choice(world.repositories), world.namespace.prefix, size, last))


def read_tag(turn: Turn) -> Step:
    """A tag that stays, or one that comes and goes."""
    chance = turn.chance("read")
    read = chance.choice([invocations.get_tag, invocations.head_tag])
    return Step(read(turn.world.repositories[0], _neighbour(turn, chance)))


def _page(repository: str, size: int, last: str | None) -> Invocation:
    """A page; one that is very large, or begins after what may not be there, a registry may refuse."""
    is_there = last is None or _is_lasting(last)
    if size < _LARGE and is_there:
        return invocations.list_page(repository, size, last)
    query = f"n={size}" if last is None else f"n={size}&last={last}"
    if last in _OUTSIDERS:
        return invocations.list_odd_page(repository, query)
    return invocations.list_odd_page(repository, query, size, last)


def _is_lasting(tag: str) -> bool:
    return tag[-1].isdigit() and tag not in _OUTSIDERS


def _lasting(number: int) -> str:
    return f"{_LETTERS[number % len(_LETTERS)]}{number:05d}"


def _passing(number: int) -> str:
    return f"{_LETTERS[(number + 1) % len(_LETTERS)]}{4 * number:05d}x"


def _neighbour(turn: Turn, chance: Random) -> str:
    """A tag that is there, or one that may be."""
    many = len(turn.world.tags)
    return _lasting(chance.randrange(many)) if chance.random() < 0.7 else _passing(chance.randrange(max(1, many // 4)))


def _between(chance: Random, least: int, most: int) -> int:
    """As many small as large ones, on a logarithmic scale."""
    drawn: float = least * (most / least) ** chance.random()
    return min(most, round(drawn))


ACTIONS = {
    "churn-tag": Action(summary="put a tag that comes and goes, delete it, list a page", begin=churn_tag),
    "list-all": Action(summary="list all tags, in pages of every size", begin=list_all, needs=(F.LIST_TAGS,)),
    "page-through": Action(
        summary="list page after page, each on its own, from any tag on",
        begin=page_through,
        needs=(F.LIST_TAGS,),
    ),
    "ask-oddly": Action(summary="list a page by parameters that make no sense", begin=ask_oddly, needs=(F.LIST_TAGS,)),
    "list-catalog": Action(summary="list a page of the catalog", begin=list_catalog, needs=(F.LIST_CATALOG,)),
    "read-tag": Action(summary="GET or HEAD a tag that stays or that comes and goes", begin=read_tag),
}
