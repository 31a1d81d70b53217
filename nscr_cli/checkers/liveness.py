"""The liveness checker: a registry that nobody disturbs answers every request, and stays up.

Without faults, on this machine's loopback, there is nobody else to blame: a stall, a cut answer, a dropped connection
is the registry's. Over a network they may be the network's, and leave the verdict UNKNOWN. A connection that has served
may be closed at any time (RFC 9112, 9.5), and a request may cross that: then nobody read it, which wire/connection.py
tells where the system does. Of a large one, part may have been read, and its reader may have broken down; where the
system does not tell, one or two dropped connections prove nothing.

A registry that the run did not start may be started anew by whoever runs it: connections are refused meanwhile, and
those that were open are lost. Who did that we cannot know, so that it leaves the verdict UNKNOWN.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from nscr_cli.checkers.evidence import conclude
from nscr_cli.checkers.inventory import is_fresh
from nscr_cli.checkers.tally import Tallies, Tally
from nscr_cli.checkers.verdict import Finding, Result, judged
from nscr_cli.checkers.wording import seconds, told
from nscr_cli.history.history import History, Whole
from nscr_cli.history.ops import OK, Event
from nscr_cli.history.plan import RunPlan

_FLOORS = {"answered": 10}
_SHOWN = 5


class _Trouble(msgspec.Struct, frozen=True):
    """A way not to answer.

    Attributes:
        said: how an operation's error names it (client/completions.py).
        least: operations from which on it is a finding.
    """

    rule: str
    said: str
    least: int
    promise: str


_CUT = _Trouble("cut-answer", ", then ", 1, "an answer that has begun comes whole")
_DROPPED = _Trouble("dropped-connection", "connection closed", 3, "a connection with a request on it is not closed")
_REFUSED = _Trouble("refused-connection", "no connection", 3, "a registry that is up accepts connections")
_TROUBLES = (
    _CUT,
    _Trouble("stalled", "timed out", 1, "a request is answered within the time allowed"),
    _Trouble("malformed-answer", "malformed answer", 1, "an answer is HTTP"),
    _DROPPED,
    _REFUSED,
)
_LOST_IN_A_RESTART = (_CUT, _DROPPED)
_RESTART_S = 5  # from the first connection that is lost to one that is refused
# As wire/messages.py says it, of connections that had served before.
_CROSSED, _PERHAPS_CROSSED = "before the request was read", "before all of the request was read"
_OURS = ("Too many open files", "Cannot assign requested address", "No buffer space")


class LivenessChecker:
    """Judges whether the registry stayed up and answered."""

    @property
    def name(self) -> str:
        return "liveness"

    def check(self, plan: RunPlan, history: History) -> Result:
        return judged(self, plan, history)

    def begin(self, plan: RunPlan, whole: Whole) -> "_Liveness":
        return _Liveness(plan, whole)


class _Liveness:
    """What was not answered, counted by the way in which it was not."""

    def __init__(self, plan: RunPlan, whole: Whole) -> None:
        self._plan = plan
        self._whole = whole
        self._answered = 0
        self._is_ours = is_fresh(whole)
        self._troubles: Tallies[_Trouble] = Tallies(_SHOWN)
        self._crossed = Tally(1)
        self._perhaps_crossed = Tally(_SHOWN)
        self._lost: Tallies[tuple[_Trouble, int]] = Tallies(_SHOWN)  # by the second in which it was asked
        self._down: set[int] = set()  # seconds in which a connection was refused
        self._ours = Tally(1)

    def take(self, part: History) -> None:
        answered = 0
        for one in part.operations:
            answered += one.answered.status is not None
            # What a fault of ours struck proves nothing about the registry.
            if one.kind is OK or not one.error or one.faults:
                continue
            # Nor does a request that crossed the end of a connection which a fault of ours was about to close.
            if self._whole.closed.get(one.index) in self._whole.struck:
                continue
            trouble = _trouble_of(one.error)
            second = one.start_ns // 1_000_000_000
            if trouble is _REFUSED:
                self._down.add(second)
            if trouble is _DROPPED and one.error.endswith(_CROSSED):
                self._crossed.add(one)
            elif trouble is _DROPPED and one.error.endswith(_PERHAPS_CROSSED):
                self._perhaps_crossed.add(one)
            elif trouble in _LOST_IN_A_RESTART and not self._is_ours:
                self._lost.add((trouble, second), one)
            elif trouble is not None:
                self._troubles.add(trouble, one)
            if one.error.startswith("nscr failed"):
                self._ours.add(one)
        self._answered += answered

    def result(self) -> Result:
        deaths = [event for event in self._whole.events if event.name == "target-died"]
        findings: list[Finding] = []
        reasons: list[str] = []
        restarted = self._explained_by_restarts()
        troubles = self._troubles.by_group
        crossed = self._crossed.count + self._perhaps_crossed.count
        unanswered = crossed + sum(tally.count for tally in (*troubles.values(), *restarted.values()))
        if deaths:
            # What broke before its death was noticed, its death explains.
            findings.append(_death(deaths[0]))
        else:
            is_near = is_on_loopback(self._whole)
            for trouble in _TROUBLES:
                if trouble not in troubles:
                    continue
                finding = _finding(trouble, troubles[trouble])
                if is_near and troubles[trouble].count >= trouble.least:
                    findings.append(finding)
                else:
                    why = "too few to prove anything" if is_near else "the network may have done it"
                    reasons.append(f"{trouble.rule}: {finding.explanation} ({why})")
            for trouble, tally in restarted.items():
                why = "whoever runs it may have started it anew" if is_near else "the network may have done it"
                reasons.append(f"{trouble.rule}: {_finding(trouble, tally).explanation} ({why})")
        if self._perhaps_crossed.count >= _DROPPED.least:
            why = "a kept connection may be closed at any time, and a request may cross that"
            reasons.append(f"{_DROPPED.rule}: {_finding(_DROPPED, self._perhaps_crossed).explanation} ({why})")
        reasons.extend(f"{told(one)}" for one in self._ours.first)
        return conclude(
            "liveness",
            self._plan,
            findings=findings,
            evidence={"answered": self._answered, "unanswered": unanswered, "crossed-a-close": crossed},
            floors=_FLOORS,
            reasons=reasons,
        )

    def _explained_by_restarts(self) -> dict[_Trouble, Tally]:
        """What a restart by others explains: refused connections, and those that were lost near them."""
        explained: Tallies[_Trouble] = Tallies(_SHOWN)
        if not self._is_ours and _REFUSED in self._troubles.by_group:
            explained.merge(_REFUSED, self._troubles.by_group.pop(_REFUSED))
        for (trouble, second), tally in self._lost.by_group.items():
            is_near = any(abs(second - down) <= _RESTART_S for down in self._down)
            (explained if is_near else self._troubles).merge(trouble, tally)
        return explained.by_group


def _trouble_of(error: str) -> _Trouble | None:
    """The first that the error names, if it is one and not this machine's own."""
    if any(ours in error for ours in _OURS) or not any(trouble.said in error for trouble in _TROUBLES[1:]):
        return None
    return next(trouble for trouble in _TROUBLES if trouble.said in error)


def is_on_loopback(history: History | Whole) -> bool:
    """Nothing but this machine lies between us and the registry."""
    urls = [event.detail.get("url", "") for event in history.events if event.name == "target"]
    host = urlsplit(urls[0]).hostname if urls else None
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _death(event: Event) -> Finding:
    return Finding(
        checker="liveness",
        rule="target-died",
        key="registry",
        operations=(),
        clause="a registry that nobody disturbs stays up",
        explanation=f"at {seconds(event.time_ns)} the registry was found dead: {event.detail.get('detail', '')}",
    )


def _finding(trouble: _Trouble, tally: Tally) -> Finding:
    return Finding(
        checker="liveness",
        rule=trouble.rule,
        key=tally.key or "registry",
        operations=tuple(one.index for one in tally.first),
        clause=trouble.promise,
        explanation=f"{tally.count} operations, e.g. {told(tally.first[0])}",
    )
