"""What a registry says of its own health, and of uploads that are open. Pure."""

from collections.abc import Iterator
from itertools import pairwise

from nscr_cli.client.monitoring import Health, Session, Sessions
from nscr_cli.gate.monitoring_rules import HEALTH, SESSIONS, Suspicion
from nscr_cli.gate.subjects import Check


def health_suspicions(health: Health | None) -> Iterator[Suspicion]:
    """A registry that does not call itself healthy, or does so although a check failed."""
    if health is None:
        return
    failed = sorted(name for name, passed in health.checks.items() if not passed)
    if health.status != "healthy" or failed:
        details = "; ".join([*(f"{name} failed" for name in failed), *health.warnings]) or "no reason given"
        explanation = f"status is {health.status!r}: {details}"
        yield Suspicion(check=Check.HEALTH, rule="unhealthy", key=HEALTH, explanation=explanation)


def session_suspicions(sessions: Sessions | None, *, most_idle_ms: int) -> Iterator[Suspicion]:
    """Uploads that contradict their count, and those in which nothing happened for longer than `most_idle_ms`."""
    if sessions is None:
        return
    if sessions.total_active_sessions != len(sessions.active_sessions):
        listed = f"{len(sessions.active_sessions)} are listed"
        yield _session("session-count", SESSIONS, f"totalActiveSessions is {sessions.total_active_sessions}, {listed}")
    identifiers = sorted(session.id for session in sessions.active_sessions)
    for one, other in pairwise(identifiers):
        if one == other:
            yield _session("double-session", one, "listed twice")
    for session in sessions.active_sessions:
        idle_ms = sessions.timestamp - session.last_activity
        if idle_ms > most_idle_ms:
            yield _session("stuck-session", session.id, _stuck(session, idle_ms))


def _session(rule: str, key: str, explanation: str) -> Suspicion:
    return Suspicion(check=Check.SESSIONS, rule=rule, key=key, explanation=explanation)


def _stuck(session: Session, idle_ms: int) -> str:
    where = f" of {session.repository}" if session.repository is not None else ""
    return f"an upload{where} in which nothing happened for {idle_ms / 1000:,.0f} s"
