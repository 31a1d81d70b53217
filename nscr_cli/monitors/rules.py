"""What is wrong with a registry that is being watched: one round of polls in, alerts and recoveries out. Pure.

A condition is something that is wrong now; it holds until the same endpoint answers and no longer shows it, so a
registry that falls silent while it is unhealthy has not recovered. Every rule is sound for a registry under load:
figures of two answers are compared only when nothing was committed between the rounds around them (`generation` stood
still).
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from nscr_cli.client.monitoring.documents import Health, Sessions, State
from nscr_cli.durations import show_duration
from nscr_cli.foreign_json import Unreadable, read_json

STATE = "/api/registry/state"
HEALTH = "/api/registry/health"
SESSIONS = "/api/registry/sessions"
ENDPOINTS = (STATE, HEALTH, SESSIONS)
NOT_ANSWERING = "not-answering"
RESTARTED = "restarted"
_LIMITED = 429
_CLOCKS_AGREE = 0.9  # how long something took, by two clocks
_STARTED_LATER_S = 1.0

SHAPES: Mapping[str, type[State] | type[Health] | type[Sessions]] = {STATE: State, HEALTH: Health, SESSIONS: Sessions}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll brought. Without a status there was no answer, and `error` says why.

    Attributes:
        is_unchanged: the registry said that an earlier answer still holds (304); status and body are that one's.
        age_s: how long ago the body came; only of one that is unchanged.
        retry_after_s: how long the registry asks to be left alone.
    """

    endpoint: str
    latency_ms: float
    status: int | None = None
    error: str | None = None
    body: bytes = b""
    is_unchanged: bool = False
    age_s: float = 0.0
    retry_after_s: float | None = None

    def document(self) -> State | Health | Sessions | None:
        """The body, where it has the documented shape.

        Nothing moved since an old one came, but time did: an upload that stood still stands still for longer. (The
        uptime is left as it was, for our clock and the registry's need not agree on how long that is.)
        """
        try:
            document = read_json(self.body, SHAPES[self.endpoint])
        except Unreadable:
            return None
        if self.age_s and isinstance(document, Sessions):
            return msgspec.structs.replace(document, timestamp=document.timestamp + round(self.age_s * 1000))
        return document


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One poll of each endpoint that is watched, all made at once. `at_s` is when it ended, on the watcher's clock."""

    at_s: float
    answers: Mapping[str, Answer]
    state: State | None = None
    health: Health | None = None
    sessions: Sessions | None = None

    @property
    def is_silent(self) -> bool:
        """No endpoint answered."""
        return all(answer.status is None for answer in self.answers.values())


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong now.

    Attributes:
        rule: short stable name, e.g. `not-answering`.
        endpoint: whose answer shows it.
        subject: which one, where a rule can be broken by several things at once.
        text: in words; may quote the registry.
        lasting: False for an instant, such as a restart, that cannot recover.
    """

    rule: str
    endpoint: str
    subject: str = ""
    text: str
    lasting: bool = True


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A condition began or ended; rule, endpoint and subject are the condition's.

    Attributes:
        recovered: it ended.
        is_failure: something is, or was, wrong; a restart is worth telling, but no failure.
    """

    at_s: float
    rule: str
    endpoint: str = ""
    subject: str = ""
    text: str
    recovered: bool = False
    is_failure: bool = True

    @property
    def is_alert(self) -> bool:
        """Something went wrong."""
        return self.is_failure and not self.recovered


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules remember between rounds: what is wrong since when, and the two rounds before.

    Attributes:
        uptime_ms: that it had at least, `uptime_at_s` into the watch.
    """

    since: Mapping[Condition, float] = {}
    previous: Round | None = None
    before: Round | None = None
    uptime_ms: int | None = None
    uptime_at_s: float = 0.0


def read_round(at_s: float, answers: Mapping[str, Answer]) -> Round:
    """A round with its answers decoded. A health document counts whatever its status, others only when it is 200."""
    documents = {
        endpoint: answer.document()
        for endpoint, answer in answers.items()
        if endpoint in SHAPES and (answer.status == 200 or endpoint == HEALTH)
    }
    state, health, sessions = (documents.get(endpoint) for endpoint in ENDPOINTS)
    return Round(
        at_s=at_s,
        answers=answers,
        state=state if isinstance(state, State) else None,
        health=health if isinstance(health, Health) else None,
        sessions=sessions if isinstance(sessions, Sessions) else None,
    )


def follow(
    memory: Memory, current: Round, *, stuck_after_s: float, besides: Iterable[Condition] = ()
) -> tuple[Memory, tuple[Notice, ...]]:
    """The memory after a round, and what is to be told about it.

    Args:
        besides: conditions that hold in this round, of what others watch; they are over once they are not among these.
    """
    found = (*_conditions(memory, current, stuck_after_s), *besides)
    found = tuple(each for each in found if not _was_only_told_to_wait(each, memory, current))
    held = {(each.rule, each.endpoint, each.subject): each for each in found}
    since: dict[Condition, float] = {}
    notices: list[Notice] = []
    for old, began in memory.since.items():
        name = (old.rule, old.endpoint, old.subject)
        if name in held:
            since[held.pop(name)] = began
        elif not _shows(old, current):
            since[old] = began
        else:
            text = f"{old.text}: over after {show_duration(current.at_s - began)}"
            notices.append(_notice(old, current.at_s, text, recovered=True))
    for new in held.values():
        notices.append(_notice(new, current.at_s, new.text))
        if new.lasting:
            since[new] = current.at_s
    told = Memory(since=since, previous=current, before=memory.previous)
    if current.health is None:
        uptime_ms, at_s = memory.uptime_ms, memory.uptime_at_s
    else:  # a 304 confirms an old body, and the process was up since, by our clock
        uptime_ms = least_uptime_ms(current.health.uptime, current.answers[HEALTH].age_s)
        at_s = current.at_s
    return msgspec.structs.replace(told, uptime_ms=uptime_ms, uptime_at_s=at_s), tuple(notices)


def _notice(condition: Condition, at_s: float, text: str, *, recovered: bool = False) -> Notice:
    return Notice(
        at_s=at_s,
        rule=condition.rule,
        endpoint=condition.endpoint,
        subject=condition.subject,
        text=text,
        recovered=recovered,
        is_failure=condition.lasting,
    )


def _was_only_told_to_wait(condition: Condition, memory: Memory, current: Round) -> bool:
    """The endpoint limits its clients, and was not asked since it said so: who waits as told may be answered again."""
    before = memory.previous.answers.get(condition.endpoint) if memory.previous is not None else None
    answer = current.answers.get(condition.endpoint)
    is_limited = condition.rule == "server-error" and answer is not None and answer.status == _LIMITED
    return is_limited and (before is None or before.status != _LIMITED)


def _shows(condition: Condition, current: Round) -> bool:
    """Whether this round could have shown that the condition still holds."""
    if condition.rule in (NOT_ANSWERING, "refused", "server-error"):
        answer = current.answers.get(condition.endpoint)
        return answer is not None and answer.status is not None
    return condition.endpoint not in SHAPES or _document(current, condition.endpoint) is not None


def _document(current: Round, endpoint: str) -> State | Health | Sessions | None:
    return {STATE: current.state, HEALTH: current.health, SESSIONS: current.sessions}[endpoint]


def _conditions(memory: Memory, current: Round, stuck_after_s: float) -> Iterator[Condition]:
    if current.is_silent:
        asked = HEALTH if HEALTH in current.answers else next(iter(current.answers))
        error = current.answers[asked].error or "no answer"
        yield Condition(rule=NOT_ANSWERING, endpoint=asked, subject="registry", text=f"the registry is silent: {error}")
        return
    for endpoint in ENDPOINTS:
        if endpoint in current.answers:
            yield from unusable(current.answers[endpoint], is_usable=_document(current, endpoint) is not None)
    if current.health is not None:
        yield from _health(current.health)
        if not current.answers[HEALTH].is_unchanged:  # what is confirmed is of the same life
            yield from _restart(memory, current, current.health)
    if current.state is not None:
        yield from _snapshot(current.state)
    if current.sessions is not None:
        yield from _sessions(current.sessions, stuck_after_s)
    yield from _disagreement(memory, current)


def unusable(answer: Answer, *, is_usable: bool) -> Iterator[Condition]:
    """What is wrong with an answer that has not the documented shape, or is none."""
    endpoint = answer.endpoint
    if answer.status is None:
        yield Condition(rule=NOT_ANSWERING, endpoint=endpoint, text=f"{endpoint}: {answer.error or 'no answer'}")
    elif is_usable:
        return
    elif answer.status in (401, 403):
        yield Condition(rule="refused", endpoint=endpoint, text=f"{endpoint} answers {answer.status}: credentials?")
    elif answer.status != 200:
        yield Condition(rule="server-error", endpoint=endpoint, text=f"{endpoint} answers {answer.status}")
    else:
        yield Condition(rule="malformed", endpoint=endpoint, text=f"{endpoint} has not the documented shape")


def _health(health: Health) -> Iterator[Condition]:
    failed = sorted(name for name, passed in health.checks.items() if not passed)
    if health.status != "healthy":
        because = [*(f"{name} failed" for name in failed), *health.warnings]
        text = f"status is {health.status}" + (f" ({'; '.join(because)})" if because else "")
        yield Condition(rule="unhealthy", endpoint=HEALTH, subject=health.status, text=text)
    elif failed:
        text = f"status is healthy, though {', '.join(failed)} failed"
        yield Condition(rule="contradiction", endpoint=HEALTH, subject="checks", text=text)


def least_uptime_ms(told_ms: int, age_s: float) -> int:
    """What an uptime that was told so long ago is by now, at least, whoever's clock is the faster one."""
    return told_ms + round(_CLOCKS_AGREE * 1000 * age_s)


def _restart(memory: Memory, current: Round, health: Health) -> Iterator[Condition]:
    """Its uptime fell; or it was silent, and has not been up for as long as that lasted."""
    if memory.uptime_ms is None:
        return
    if health.uptime < memory.uptime_ms:
        was, now = show_duration(memory.uptime_ms / 1000), show_duration(health.uptime / 1000)
        yield Condition(rule=RESTARTED, endpoint=HEALTH, text=f"uptime fell from {was} to {now}", lasting=False)
        return
    if memory.previous is None or not memory.previous.is_silent:
        return
    slowest_s = max((answer.latency_ms or 0.0 for answer in current.answers.values()), default=0.0) / 1000
    passed_s = current.at_s - slowest_s - memory.uptime_at_s
    if health.uptime < memory.uptime_ms + 1000 * (_CLOCKS_AGREE * passed_s - _STARTED_LATER_S):
        since, up = show_duration(passed_s), show_duration(health.uptime / 1000)
        text = f"it is up for {up}, and {since} ago it was up for {show_duration(memory.uptime_ms / 1000)}"
        yield Condition(rule=RESTARTED, endpoint=HEALTH, text=text, lasting=False)


def _snapshot(state: State) -> Iterator[Condition]:
    pairs = [
        ("totalRepositories", state.summary.total_repositories, "repositories", len(state.repositories)),
        ("activeSessions.count", state.active_sessions.count, "sessions", len(state.active_sessions.sessions)),
    ]
    for field, said, what, listed in pairs:
        if said != listed:
            text = f"{STATE}: {field} says {said}, {listed} {what} are listed"
            yield Condition(rule="contradiction", endpoint=STATE, subject=field, text=text)
    for repository in state.repositories:
        if repository.tag_count != len(repository.tags):
            text = f"{STATE}: {repository.name} has tagCount {repository.tag_count}, {len(repository.tags)} are listed"
            yield Condition(rule="contradiction", endpoint=STATE, subject=repository.name, text=text)


def _sessions(sessions: Sessions, stuck_after_s: float) -> Iterator[Condition]:
    said, listed = sessions.total_active_sessions, len(sessions.active_sessions)
    if said != listed:
        text = f"{SESSIONS}: totalActiveSessions says {said}, {listed} are listed"
        yield Condition(rule="contradiction", endpoint=SESSIONS, subject="totalActiveSessions", text=text)
    for session in sessions.active_sessions:
        idle_s = (sessions.timestamp - session.last_activity) / 1000
        if idle_s >= stuck_after_s:
            text = f"upload {session.id} stands still for {show_duration(idle_s)}"
            yield Condition(rule="stuck-session", endpoint=SESSIONS, subject=session.id, text=text)


def _disagreement(memory: Memory, current: Round) -> Iterator[Condition]:
    """The round before, between two of one generation, must tell one story: whatever it saw, nothing was committed."""
    before, middle = memory.before, memory.previous
    if before is None or middle is None or middle.state is None or middle.health is None:
        return
    generations = {each.state.generation if each.state is not None else None for each in (before, middle, current)}
    uptimes = [each.state.health.uptime for each in (before, middle, current) if each.state is not None]
    if len(generations) != 1 or None in generations or uptimes != sorted(uptimes):
        return  # something was committed, or counts anew since a restart
    summary, metrics = middle.state.summary, middle.health.metrics
    for what, said, answered in (
        ("repositories", summary.total_repositories, metrics.total_repositories),
        ("manifests", summary.total_manifests, metrics.total_manifests),
        ("blobs", summary.total_blobs, metrics.total_blobs),
    ):
        if said != answered:
            text = f"{what}: {STATE} says {said}, {HEALTH} says {answered}, and nothing changed meanwhile"
            yield Condition(rule="contradiction", endpoint=HEALTH, subject=what, text=text)
