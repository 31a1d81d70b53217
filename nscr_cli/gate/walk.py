"""Walks everything that tags reach: tags, manifests, their children and blobs, each once a repository.

Thin: it asks, asks again where something looked wrong, and leaves the judging to rules.py. Somebody else may be
writing, so what looked wrong is put aside and looked at again in rounds, with growing pauses between them, together
with all that led to it: it counts only if it was wrong every time, and if every time a tag still led there. All that is
put aside waits together, so that the rounds take a few seconds, however much is wrong.
"""

from collections.abc import Iterable, Sequence

import trio

from nscr_cli.client.registry import RegistryClient
from nscr_cli.gate.crew import Crew
from nscr_cli.gate.looking import is_needed, list_tags, look, pause
from nscr_cli.gate.rules import is_absent, is_present, persisting, problems_of
from nscr_cli.gate.subjects import Problem, Sight, Subject, Thing
from nscr_cli.gate.survey import Survey

PAUSES_S = (0.15, 0.3, 0.5, 0.8, 1.2)


class Walk:
    """A walk through some repositories, whose findings go to a survey.

    Args:
        reads_bytes: of every blob; else only of those that `read` is asked for later.
    """

    def __init__(self, crew: Crew, survey: Survey, *, reads_bytes: bool) -> None:
        self._crew = crew
        self._survey = survey
        self._reads_bytes = reads_bytes
        self._looks: dict[str | Subject, list[tuple[Problem, ...]]] = {}
        self._put_aside: list[str | Subject] = []

    async def repositories(self, names: Sequence[str]) -> None:
        """Look at every tag of the repositories and at all that they reach."""
        await self._in_rounds(names)

    async def read(self, blobs: Sequence[Subject]) -> None:
        """Read the bytes of these blobs, which were only asked for before."""
        self._reads_bytes = True
        await self._in_rounds(blobs)

    async def _in_rounds(self, tasks: Sequence[str | Subject]) -> None:
        number = 0
        while tasks:
            await self._crew.work_off(tasks, self._visit)
            tasks, self._put_aside = self._put_aside, []
            if tasks:
                await trio.sleep(PAUSES_S[min(number, len(PAUSES_S) - 1)])
            number += 1
        self._looks.clear()

    async def _visit(self, registry: RegistryClient, task: str | Subject) -> Iterable[str | Subject]:
        if isinstance(task, str):
            return await self._list(registry, task)
        sight = await look(registry, task, reads_bytes=self._reads_bytes)
        problems = problems_of(task, sight)
        looks = [*self._looks.get(task, ()), problems]
        if not all(problem.is_proven for problem in problems):
            if not await is_needed(registry, self._survey, task):
                self._looks.pop(task, None)
                return self._survey.add_vanished(task)
            if len(looks) <= len(PAUSES_S):
                return await self._again(task, looks, sight)
        return self._survey.add_sight(task, sight, persisting(looks), sights=len(looks))

    async def _list(self, registry: RegistryClient, repository: str) -> Iterable[str | Subject]:
        listed = await list_tags(registry, repository)
        looks = [*self._looks.get(repository, ()), ()]
        if not (is_present(listed) or is_absent(listed)) and len(looks) <= len(PAUSES_S):
            return await self._again(repository, looks, Sight(listed, listed, listed))
        return self._survey.add_repository(repository, listed)

    async def _again(
        self, task: str | Subject, looks: list[tuple[Problem, ...]], sight: Sight
    ) -> Iterable[str | Subject]:
        """Put aside; who was told to wait, waits right now, and so asks nothing else meanwhile."""
        self._looks[task] = looks
        self._put_aside.append(task)
        await pause(sight.get)
        return ()


def unread(survey: Survey) -> list[Subject]:
    """The blobs that are there."""
    return [subject for subject, _ in survey.present(Thing.BLOB)]
