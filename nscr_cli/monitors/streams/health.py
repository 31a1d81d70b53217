"""`nscr watch health`: the health document, with alerts while the status is another than healthy. Pure.

A registry without the monitoring API is asked for `/v2/` instead, which says at least that it works and lets us in.
"""

from nscr_cli.durations import show_duration
from nscr_cli.monitors.probing import V2, probe_conditions, why_absent
from nscr_cli.monitors.rules import HEALTH, Answer
from nscr_cli.monitors.streams.report import Cell, Gathered, Report
from nscr_cli.ui import printable


class HealthFollower:
    """Asks for one small document, or for `/v2/`."""

    name = "health"
    columns: tuple[str, ...] = (
        "status", "uptime_s", "checks", "checks_failed", "repositories", "manifests", "blobs", "open_uploads",
        "log_stream_clients", "warnings",
    )  # fmt: skip

    def __init__(self) -> None:
        self._gathered = Gathered()
        self._has_answered = False
        self._is_probed = False

    def wanted(self) -> tuple[str, ...]:
        """See Follower."""
        if not self._gathered.answers:
            return (V2,) if self._is_probed else (HEALTH,)
        first = self._gathered.answers[0]
        is_absent = not self._has_answered and why_absent({HEALTH: first}) is not None
        return (V2,) if is_absent and len(self._gathered.answers) == 1 else ()

    def take(self, answer: Answer) -> None:
        """See Follower."""
        self._gathered.answers.append(answer)

    def finish(self, at_s: float) -> Report:
        """See Follower."""
        answer = self._gathered.answers[-1]
        if answer.endpoint == V2:
            return self._probed(at_s, answer)
        self._has_answered |= answer.status is not None
        current, notices = self._gathered.judged(at_s, {HEALTH: answer})
        health = current.health
        if health is None:
            return self._gathered.report(at_s, dict.fromkeys(self.columns), notices=notices)
        uptime_s = round(health.uptime / 1000 + answer.age_s, 3)
        failed = sorted(name for name, passed in health.checks.items() if not passed)
        metrics = health.metrics
        figures: dict[str, Cell] = {
            "status": health.status,
            "uptime_s": uptime_s,
            "checks": len(health.checks),
            "checks_failed": ", ".join(failed),
            "repositories": metrics.total_repositories,
            "manifests": metrics.total_manifests,
            "blobs": metrics.total_blobs,
            "open_uploads": metrics.active_sessions,
            "log_stream_clients": metrics.log_stream_clients,
            "warnings": "; ".join(health.warnings),
        }
        texts = [
            printable(health.status, limit=20),
            f"up {show_duration(uptime_s)}",
            f"checks {len(health.checks) - len(failed)}/{len(health.checks)}",
            *(f"failed {printable(name)}" for name in failed),
            f"uploads {metrics.active_sessions:,}",
            *(f"warning {printable(warning)}" for warning in health.warnings),
        ]
        warnings: list[dict[str, Cell]] = [{"text": warning} for warning in health.warnings]
        return self._gathered.report(at_s, figures, texts=texts, lists={"warnings": warnings}, notices=notices)

    def _probed(self, at_s: float, answer: Answer) -> Report:
        if not self._has_answered:
            self._is_probed = self._has_answered = answer.status == 200
        _, notices = self._gathered.judged(at_s, {V2: answer}, probe_conditions({V2: answer}))
        figures: dict[str, Cell] = dict.fromkeys(self.columns)
        texts: list[str] = []
        if answer.status is not None:
            is_up = answer.status == 200
            figures |= {"checks": 1, "checks_failed": "" if is_up else V2}
            texts = ["up" if is_up else f"{V2} answers {answer.status}", "without a monitoring API"]
        return self._gathered.report(at_s, figures, texts=texts, notices=notices)
