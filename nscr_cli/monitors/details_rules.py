"""Does what a registry says of one repository agree with itself, and with its state? Pure.

One answer is one snapshot and must agree with itself always. It is compared with the state only where the answers to
the state before and after it are of one generation: nothing was committed in between.
"""

from collections import deque
from collections.abc import Iterator

from nscr_cli.client.monitoring.documents import RepositoryDetails, State
from nscr_cli.monitors.rules import STATE, Condition

_ROUNDS_UNTIL_LATER = 2


class DetailsWatch:
    """The repositories whose details are asked for in turn, and what is wrong with them. Mutable, but pure."""

    def __init__(self) -> None:
        self._turn: deque[str] = deque()
        self._within: dict[str, tuple[Condition, ...]] = {}
        self._against: dict[str, tuple[Condition, ...]] = {}
        self._asked: tuple[str, RepositoryDetails, State, int] | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What the last answers showed."""
        return tuple(each for found in (self._within, self._against) for some in found.values() for each in some)

    def next_repository(self, state: State) -> str | None:
        """Whose details to ask for, each in turn; what was found of one that is gone is over."""
        if not self._turn:
            self._turn.extend(each.name for each in state.repositories)
            for found in (self._within, self._against):
                for gone in found.keys() - set(self._turn):
                    del found[gone]
        return self._turn.popleft() if self._turn else None

    def take(self, repository: str, details: RepositoryDetails, before: State, rounds: int) -> None:
        """Details came; `before` is the state of the last round, `rounds` in number, before they were asked for."""
        self._within[repository] = tuple(within_details(repository, details))
        self._asked = repository, details, before, rounds

    def settle(self, after: State, rounds: int) -> None:
        """Compare what came with a state that was surely asked for later: not of the round that was under way then."""
        if self._asked is None or rounds < self._asked[3] + _ROUNDS_UNTIL_LATER:
            return
        repository, details, before, _ = self._asked
        self._asked = None
        self._against[repository] = tuple(against_state(repository, details, before, after))


def details_path(repository: str) -> str:
    """Where the details of a repository are."""
    return f"/api/registry/repositories/{repository}"


def within_details(repository: str, details: RepositoryDetails) -> Iterator[Condition]:
    """What one answer says of itself."""
    path, listed = details_path(repository), [tag.tag for tag in details.tags]
    if details.tag_count != len(listed):
        text = f"{repository}: its details have tagCount {details.tag_count}, {len(listed)} tags are listed"
        yield Condition(rule="contradiction", endpoint=path, subject="tagCount", text=text)
    if len(set(listed)) != len(listed):
        twice = next(tag for tag in listed if listed.count(tag) > 1)
        text = f"{repository}: its details list the tag {twice} more than once"
        yield Condition(rule="contradiction", endpoint=path, subject="tags", text=text)


def against_state(repository: str, details: RepositoryDetails, before: State, after: State) -> Iterator[Condition]:
    """What the details and the states around them say of the tags of a repository."""
    if before.generation is None or before.generation != after.generation:
        return
    if after.health.uptime < before.health.uptime:  # another life of the process, which may count anew
        return
    said = next((each for each in after.repositories if each.name == repository), None)
    if said is None:
        return
    details_tags, state_tags = {tag.tag for tag in details.tags}, set(said.tags)
    if details_tags == state_tags:
        return
    only = ", ".join(sorted(details_tags ^ state_tags)[:3])
    text = (
        f"{repository}: {STATE} lists {len(state_tags)} tags, its details {len(details_tags)}; they differ in {only}, "
        "and nothing changed meanwhile"
    )
    yield Condition(rule="contradiction", endpoint=details_path(repository), subject="state", text=text)
