"""`nscr watch state`: totals of the registry, and whether its tags still have their manifests. Pure.

What a state says of repositories is only their names, so their details are asked for as well: some in each round, in
turn, those again first that looked wrong; none while the registry says that nothing changed since all were looked at. A
tag without a manifest counts when two answers in a row show it.
"""

from collections.abc import Iterator
from urllib.parse import quote

from nscr_cli.client.monitoring.documents import RepositoryDetails, State
from nscr_cli.durations import show_duration
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.monitors.dashboards import show_bytes
from nscr_cli.monitors.rules import STATE, Answer, Condition, least_uptime_ms
from nscr_cli.monitors.streams.report import Cell, Gathered, Report
from nscr_cli.ui import printable

DETAILS_A_ROUND = 16
AT_ONCE = 4
_DETAILS = "/api/registry/repositories/"
_MISSING = "missing-manifest"


class StateFollower:
    """Asks for the state, then for the details of some repositories."""

    name = "state"
    columns: tuple[str, ...] = (
        "status", "uptime_s", "repositories", "tags", "manifests", "blobs", "unreferenced_blobs",
        "orphaned_manifests", "space_to_free", "open_uploads", "generation", "repositories_checked",
        "repositories_unchecked", "tags_without_manifest",
    )  # fmt: skip

    def __init__(self) -> None:
        self._gathered = Gathered()
        self._state: State | None = None
        self._uptime_ms: int | None = None
        self._due: dict[str, None] = {}
        self._wrong: dict[str, dict[str, int]] = {}
        self._contradictions: dict[str, str] = {}
        self._asked: dict[str, str] = {}
        self._looked_at = 0
        self._left = 0

    def wanted(self) -> tuple[str, ...]:
        """See Follower."""
        if not self._gathered.answers:
            self._left, self._looked_at = DETAILS_A_ROUND, 0
            self._asked.clear()
            return (STATE,)
        if self._state is None:
            return ()
        # Those that are wrong come first, and yet never all there is to look at.
        asked = set(self._asked.values())
        again = [name for name in (*self._wrong, *self._contradictions) if name not in asked]
        room = max(0, DETAILS_A_ROUND // 2 - len(asked))
        names = list(dict.fromkeys([*again[:room], *self._due]))[: min(AT_ONCE, self._left)]
        self._left -= len(names)
        paths = {f"{_DETAILS}{quote(name, safe='/')}": name for name in names}
        self._asked |= paths
        for name in names:
            self._due.pop(name, None)
        return tuple(paths)

    def take(self, answer: Answer) -> None:
        """See Follower."""
        if not self._gathered.answers:
            document = answer.document() if answer.status == 200 else None
            self._state = document if isinstance(document, State) else None
            if self._state is not None:
                self._note_names(self._state, is_unchanged=answer.is_unchanged)
        elif answer.endpoint in self._asked:
            self._look(self._asked[answer.endpoint], answer)
        self._gathered.answers.append(answer)

    def finish(self, at_s: float) -> Report:
        """See Follower."""
        answer, state = self._gathered.answers[0], self._state
        _, notices = self._gathered.judged(at_s, {STATE: answer}, [*self._conditions(answer)])
        if state is None:
            return self._gathered.report(at_s, dict.fromkeys(self.columns), notices=notices)
        uptime_s = round(state.health.uptime / 1000 + answer.age_s, 3)
        summary = state.summary
        missing = sum(seen >= 2 for tags in self._wrong.values() for seen in tags.values())
        figures: dict[str, Cell] = {
            "status": state.health.status,
            "uptime_s": uptime_s,
            "repositories": summary.total_repositories,
            "tags": sum(repository.tag_count for repository in state.repositories),
            "manifests": summary.total_manifests,
            "blobs": summary.total_blobs,
            "unreferenced_blobs": summary.unreferenced_blobs,
            "orphaned_manifests": summary.orphaned_manifests,
            "space_to_free": summary.estimated_space_to_free,
            "open_uploads": state.active_sessions.count,
            "generation": state.generation,
            "repositories_checked": self._looked_at,
            "repositories_unchecked": len(self._due),
            "tags_without_manifest": missing,
        }
        texts = [
            printable(state.health.status, limit=20),
            f"up {show_duration(uptime_s)}",
            *(f"{name} {figures[name]:,}" for name in ("repositories", "tags", "manifests", "blobs")),
            f"unreferenced {summary.unreferenced_blobs:,}",
            f"orphaned {summary.orphaned_manifests:,}",
            f"to-free {show_bytes(summary.estimated_space_to_free)}",
            f"uploads {state.active_sessions.count:,}",
            f"checked {self._looked_at:,}",
        ]
        return self._gathered.report(at_s, figures, texts=texts, notices=notices)

    def _note_names(self, state: State, *, is_unchanged: bool) -> None:
        names = dict.fromkeys(repository.name for repository in state.repositories)
        # What is due keeps its turn; what changed we cannot tell, so everything is due after a change.
        self._due = {name: None for name in self._due if name in names} | ({} if is_unchanged else names)
        self._wrong = {name: tags for name, tags in self._wrong.items() if name in names}
        self._contradictions = {name: said for name, said in self._contradictions.items() if name in names}

    def _look(self, name: str, answer: Answer) -> None:
        if answer.status == 404:  # it was deleted since
            self._wrong.pop(name, None)
            self._contradictions.pop(name, None)
            return
        details = _details(answer) if answer.status == 200 else None
        if details is None:
            self._due[name] = None
            return
        self._looked_at += 1
        before = self._wrong.pop(name, {})
        missing = {tag.tag: before.get(tag.tag, 0) + 1 for tag in details.tags if not tag.has_manifest}
        if missing:
            self._wrong[name] = missing
        self._contradictions.pop(name, None)
        if details.tag_count != len(details.tags):
            self._contradictions[name] = f"tagCount says {details.tag_count}, {len(details.tags)} tags are listed"

    def _conditions(self, answer: Answer) -> Iterator[Condition]:
        for name, tags in self._wrong.items():
            for tag in sorted(tag for tag, seen in tags.items() if seen >= 2):
                text = f"tag {name}:{tag} has no manifest"
                yield Condition(rule=_MISSING, endpoint=f"{_DETAILS}{name}", subject=f"{name}:{tag}", text=text)
        for name, said in self._contradictions.items():
            yield Condition(
                rule="contradiction", endpoint=f"{_DETAILS}{name}", subject=name, text=f"{_DETAILS}{name}: {said}"
            )
        if self._state is None:
            return
        health, former_ms = self._state.health, self._uptime_ms
        if health.status != "healthy":
            text = f"status is {health.status}"
            yield Condition(rule="unhealthy", endpoint=STATE, subject=health.status, text=text)
        if former_ms is not None and health.uptime < former_ms and not answer.is_unchanged:
            text = f"uptime fell from {show_duration(former_ms / 1000)} to {show_duration(health.uptime / 1000)}"
            yield Condition(rule="restarted", endpoint=STATE, text=text, lasting=False)
        self._uptime_ms = least_uptime_ms(health.uptime, answer.age_s)


def _details(answer: Answer) -> RepositoryDetails | None:
    try:
        return read_json(answer.body, RepositoryDetails)
    except Unreadable:
        return None
