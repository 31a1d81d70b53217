"""Asks the monitoring API and /v2 around it, in rounds, until a round shows nothing wrong or the same in each.

Thin: monitoring_rules.py, totals.py and wellbeing.py judge. A registry without the API is no fault; one whose API does
not let us in is told.
"""

from collections.abc import Iterable
from functools import partial

import msgspec
import trio

from nscr_cli.client.monitoring import Monitoring, Poll
from nscr_cli.gate.asking import TOTALS, Asker
from nscr_cli.gate.crew import Crew
from nscr_cli.gate.monitoring_rules import BOUNDS, STATE, Round, Suspicion, focus_on, still_tags, suspicions
from nscr_cli.gate.offered import why_absent
from nscr_cli.gate.survey import Survey
from nscr_cli.gate.totals import Snapshot, agreed, is_still
from nscr_cli.gate.wellbeing import health_suspicions, session_suspicions

PAUSES_S = (0.3, 0.5, 0.8, 1.3)
SNAPSHOT_TRIES = 100
_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501
SNAPSHOT_PAUSE_S = 0.03


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the comparison.

    Attributes:
        absent: why there is nothing to compare with; None where there is.
        lasting: what every round showed.
        unseen: what the last round got no answer to, and why.
        repositories, tags: compared, because they held still.
        moving: tags that were not, because they changed.
        blobs: whose listing was compared.
        undecided: answers of which it could not be told whether their counts agree with the state's.
        snapshots: that the registry held still for.
        health_checks, sessions: how many the last answers listed; None where they could not be read.
        orphaned, unreferenced: the least that any answer said; None where none did.
        manifests: the most that any answer counted, tagged or not; None where none did.
        sparse: the most indexes that any answer called sparse; None where that is not told.
    """

    absent: str | None = None
    lasting: tuple[Suspicion, ...] = ()
    unseen: tuple[str, ...] = ()
    repositories: int = 0
    tags: int = 0
    moving: int = 0
    blobs: int = 0
    undecided: tuple[str, ...] = ()
    snapshots: int = 0
    health_checks: int | None = None
    sessions: int | None = None
    orphaned: int | None = None
    unreferenced: int | None = None
    manifests: int | None = None
    sparse: int | None = None


async def compare(
    monitoring: Monitoring, crew: Crew, survey: Survey, *, is_whole: bool, max_session_age_s: float
) -> Told:
    """Compare the API with what the survey saw and with /v2 as it is now.

    Args:
        is_whole: the survey covers every repository that the catalog lists.
    """
    state = await _served(monitoring, STATE)
    if state.status is not None and state.status >= _SERVER_ERROR and state.status != _NOT_IMPLEMENTED:
        # Who has no such API says 404; this one may have it, and nobody has seen what it would say.
        return Told(unseen=(f"{STATE}: answers {state.status}",))
    absent = await why_absent(state, partial(_served, monitoring))
    if absent is not None:
        return Told(absent=absent)
    asker = Asker(monitoring, crew, survey, is_whole=is_whole)
    rounds = [await asker.round(is_first=True)]
    for pause_s in PAUSES_S:
        if not asker.unseen:
            break
        await trio.sleep(pause_s)
        rounds = [await asker.round()]
    lasting = _by_key(_shown(rounds[0], max_session_age_s))
    for pause_s in PAUSES_S:
        if not lasting:
            break
        await trio.sleep(pause_s)
        narrow = await asker.round(focus_on(lasting.values()))
        shown = [one for one in _shown(narrow, max_session_age_s) if one.rule not in BOUNDS]
        rounds.append(narrow)
        if any(one.rule in BOUNDS for one in lasting.values()):
            wide = await asker.round()
            shown += [one for one in suspicions(wide) if one.rule in BOUNDS]
        lasting = {key: one for key, one in _by_key(shown).items() if key in lasting}
    if rounds[-1].state is None and STATE not in asker.unseen:
        # Its form is wrong, which is told: nothing can be compared with it, however still the registry is.
        return _told(rounds, tuple(lasting.values()), 0, [], asker.unseen)
    totals, undecided, snapshots = await _totals(asker)
    return _told(rounds, (*lasting.values(), *totals), snapshots, undecided, asker.unseen)


async def _served(monitoring: Monitoring, path: str) -> Poll:
    """The first answer that is no server error, or the last one."""
    poll = await monitoring.poll(path)
    for pause_s in PAUSES_S:
        if poll.status is None or poll.status < _SERVER_ERROR or poll.status == _NOT_IMPLEMENTED:
            break
        await trio.sleep(pause_s)
        poll = await monitoring.poll(path)
    return poll


def _by_key(shown: Iterable[Suspicion]) -> dict[tuple[str, str, str], Suspicion]:
    return {(one.check, one.rule, one.key): one for one in shown}


def _shown(seen: Round, max_session_age_s: float) -> list[Suspicion]:
    return [
        *suspicions(seen),
        *health_suspicions(seen.health),
        *session_suspicions(seen.sessions, most_idle_ms=round(max_session_age_s * 1000)),
    ]


async def _totals(asker: Asker) -> tuple[list[Suspicion], list[str], int]:
    """What counts contradict each other, the answers of which that could not be decided, and the snapshots of all.

    A busy registry holds still for moments only, so it is tried again until every answer is decided or no try is left.
    """
    snapshots: dict[str, list[Snapshot]] = {path: [] for path in TOTALS}
    undecided = list(TOTALS)
    for _ in range(SNAPSHOT_TRIES):
        for path, snapshot in (await asker.snapshots(undecided)).items():
            if is_still(snapshot):
                snapshots[path].append(snapshot)
            elif snapshot.between is None and path not in asker.unseen:
                undecided.remove(path)  # rounds tell what is wrong with it
        undecided = [path for path in undecided if not agreed(snapshots[path])[1]]
        if not undecided:
            break
        await trio.sleep(SNAPSHOT_PAUSE_S)
    suspicions = [one for path in TOTALS for one in agreed(snapshots[path])[0]]
    return suspicions, undecided, sum(map(len, snapshots.values()))


def _told(
    rounds: list[Round],
    lasting: tuple[Suspicion, ...],
    snapshots: int,
    undecided: list[str],
    unseen: dict[str, str],
) -> Told:
    whole, last = rounds[0], rounds[-1]
    still = still_tags(whole.tags_before, whole.tags_after)
    tags = sum(map(len, still.values()))
    summaries = [seen.state.summary for seen in rounds if seen.state is not None]
    return Told(
        lasting=lasting,
        unseen=tuple(f"{path}: {why}" for path, why in unseen.items()),
        repositories=sum(bool(tags) for tags in still.values()),
        tags=tags,
        moving=sum(map(len, whole.tags_before.values())) - tags,
        blobs=len(whole.present) if whole.blobs is not None else 0,
        undecided=tuple(undecided),
        snapshots=snapshots,
        health_checks=len(last.health.checks) if last.health is not None else None,
        sessions=len(last.sessions.active_sessions) if last.sessions is not None else None,
        orphaned=min((summary.orphaned_manifests for summary in summaries), default=None),
        unreferenced=min((summary.unreferenced_blobs for summary in summaries), default=None),
        manifests=max((summary.total_manifests for summary in summaries), default=None),
        sparse=max((one.sparse_manifests for one in summaries if one.sparse_manifests is not None), default=None),
    )
