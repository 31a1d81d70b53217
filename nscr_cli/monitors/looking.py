"""Looks at what the tags of a watched registry reach, and at its repositories' details: a few requests now and then.

reach.py and details_rules.py say what to ask and what follows; here it is asked, one request after the other, each
within a bound. After a walk there is a rest, longer where nothing was committed meanwhile.
"""

from typing import Protocol
from urllib.parse import quote

import trio

from nscr_cli.client.completions import Completion
from nscr_cli.client.monitoring.documents import RepositoryDetails, State
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.keys import digest_key, tag_key
from nscr_cli.history.ops import Asked, F, Kind
from nscr_cli.monitors.details_rules import DetailsWatch, details_path
from nscr_cli.monitors.polling import Poller
from nscr_cli.monitors.reach import Edge, Lookout, Moment, Question, Recheck, Seen, moment_of
from nscr_cli.monitors.rules import STATE
from nscr_cli.monitors.watching import Watching

MOST_QUESTIONS = 8
ATTEMPTS = 3
_BOUND_S = 5.0
_LOOK_EVERY_S = 1.0
_SHORTEST_REST_S = 5.0
_REST_INTERVALS = 5
_QUIET_RESTS = 6


class Reader(Protocol):
    """Reads of one registry; never raises for what the registry does."""

    async def manifest(self, repository: str, reference: str) -> Seen: ...
    async def blob(self, repository: str, digest: str) -> Seen: ...


class RegistryReader:
    """Reads by /v2."""

    def __init__(self, registry: RegistryClient) -> None:
        self._registry = registry

    async def manifest(self, repository: str, reference: str) -> Seen:
        """A manifest by tag or digest, and what it names."""
        is_digest = ":" in reference
        key = digest_key(repository, reference) if is_digest else tag_key(repository, reference)
        completion = await self._read(F.GET_MANIFEST, key, reference if is_digest else None)
        if completion is None:
            return Seen()
        answered = completion.answered
        edges = tuple(Edge(each.digest, each.is_manifest) for each in answered.references or ())
        return Seen(is_there=_is_there(completion), digest=answered.digest, edges=edges)

    async def blob(self, repository: str, digest: str) -> Seen:
        """Whether a blob is there."""
        completion = await self._read(F.HEAD_BLOB, digest_key(repository, digest), digest)
        return Seen(is_there=_is_there(completion) if completion is not None else None)

    async def _read(self, f: F, key: str, digest: str | None) -> Completion | None:
        with trio.move_on_after(_BOUND_S):
            return await perform(self._registry, Invocation(f=f, key=key, asked=Asked(digest=digest)))
        return None


def _is_there(completion: Completion) -> bool | None:
    return completion.answered.present if completion.kind is Kind.OK else None


async def keep_looking(watching: Watching, poller: Poller, reader: Reader, interval_s: float) -> None:
    """Look, for as long as the registry is watched; what is found is left with `watching`."""
    lookout, details = Lookout(), DetailsWatch()
    rest = _Rest(max(_SHORTEST_REST_S, _REST_INTERVALS * interval_s))
    while True:
        await trio.sleep(max(_LOOK_EVERY_S, interval_s))
        state = watching.state
        if state is None:
            continue
        details.settle(state, watching.rounds)
        await _ask_details(watching, poller, details, state)
        if lookout.is_done and rest.is_over(state):
            lookout.begin(state)
        if await look_around(lookout, reader, poller):
            rest.begin(state)
        watching.found = (*details.conditions, *lookout.conditions)


class _Rest:
    """The time between two walks; several times as long while nothing is committed."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._began_s = -float("inf")
        self._generation: int | None = None

    def begin(self, state: State) -> None:
        """A walk ended, which was over at least what this state tells of."""
        self._began_s = trio.current_time()
        self._generation = state.generation

    def is_over(self, state: State) -> bool:
        """Whether to walk again, now that the registry is in this state."""
        is_quiet = state.generation is not None and state.generation == self._generation
        return trio.current_time() - self._began_s >= self._least_s * (_QUIET_RESTS if is_quiet else 1)


async def look_around(lookout: Lookout, reader: Reader, poller: Poller) -> bool:
    """Ask a few questions of a walk, and make sure of what they make suspect; whether that ended the walk."""
    if lookout.is_done:
        return False
    for _ in range(MOST_QUESTIONS):
        await _settle_suspicions(lookout, reader, poller)
        question = lookout.next_question()
        if question is None:
            break
        lookout.take(question, await _ask(reader, question), trio.current_time())
    await _settle_suspicions(lookout, reader, poller)
    return lookout.is_done


async def _settle_suspicions(lookout: Lookout, reader: Reader, poller: Poller) -> None:
    while (suspect := lookout.next_suspect()) is not None:
        await _make_sure(lookout, suspect, reader, poller)


async def _make_sure(lookout: Lookout, suspect: Question, reader: Reader, poller: Poller) -> None:
    for _ in range(ATTEMPTS):
        found = Recheck(
            before=await _moment(poller),
            tag_first=await reader.manifest(suspect.repository, suspect.tag),
            way=tuple([await reader.manifest(suspect.repository, digest) for digest in suspect.way]),
            suspect=await _ask(reader, suspect),
            tag_again=await reader.manifest(suspect.repository, suspect.tag),
            after=await _moment(poller),
        )
        if lookout.conclude(suspect, found, trio.current_time()):
            return


async def _ask(reader: Reader, question: Question) -> Seen:
    if question.edge is None:
        return await reader.manifest(question.repository, question.tag)
    if question.edge.is_manifest:
        return await reader.manifest(question.repository, question.edge.digest)
    return await reader.blob(question.repository, question.edge.digest)


async def _moment(poller: Poller) -> Moment | None:
    with trio.move_on_after(_BOUND_S):
        polled = await poller.poll(STATE)
        if polled.status == 200:
            try:
                return moment_of(read_json(polled.body, State))
            except Unreadable:
                return None
    return None


async def _ask_details(watching: Watching, poller: Poller, details: DetailsWatch, state: State) -> None:
    repository = details.next_repository(state)
    if repository is None:
        return
    rounds = watching.rounds
    with trio.move_on_after(_BOUND_S):
        polled = await poller.poll(details_path(quote(repository, safe="/")))
        if polled.status != 200:
            return
        try:
            document = read_json(polled.body, RepositoryDetails)
        except Unreadable:
            return
        details.take(repository, document, state, rounds)
