"""The first answer of a registry decides what there is to watch; if there is nothing, here is why. Pure."""

from collections.abc import Mapping

from nscr_cli.durations import show_duration
from nscr_cli.errors import NscrError, TargetRefused, TargetUnreachable
from nscr_cli.monitors.rules import Answer
from nscr_cli.monitors.watching import Watching

FIRST_ANSWER_WITHIN_S = 5.0


def nothing_to_watch(watching: Watching, answers: Mapping[str, Answer]) -> NscrError | None:
    """Why there is nothing to watch, judged by the first answer; None once there was one."""
    if watching.answered_s is not None:
        return None
    statuses = {answer.status for answer in answers.values()} - {None}
    if not statuses:
        return _unreachable(watching, next(iter(answers.values())).error or "no answer")
    if statuses <= {401, 403}:
        return TargetRefused(
            f"{watching.url} wants other credentials: HTTP {min(filter(None, statuses))}",
            hint="give --username and NSCR_PASSWORD (or --password-stdin)",
        )
    if 200 not in statuses and max(filter(None, statuses)) < 500:
        return TargetRefused(
            f"{watching.url} is no registry: {watching.absence}, and /v2/ answers {min(filter(None, statuses))}",
            hint="does --registry-url lack a path, or name something else?",
        )
    return None


def is_given_up(watching: Watching, passed_s: float) -> bool:
    """There is nothing to watch of it, and waiting longer is of no use."""
    if isinstance(watching.error, TargetUnreachable):
        return passed_s >= FIRST_ANSWER_WITHIN_S
    return watching.error is not None


def never_answered(watching: Watching, total_s: float | None) -> NscrError:
    """What the last whole round said; where time ended before there was one, that."""
    within = f" within {show_duration(total_s)}" if total_s is not None else ""
    return watching.error or _unreachable(watching, f"no answer{within}")


def _unreachable(watching: Watching, why: str) -> NscrError:
    return TargetUnreachable(f"{watching.url}: {why}", hint="is it running, and is --registry-url right?")
