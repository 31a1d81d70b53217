"""What the end-to-end probes of a registry say: alerts and recoveries, a line, a document. Pure.

Each step is a rule of its own. It is broken until a later probe makes that step and succeeds: one that could not push
says nothing about pulling.
"""

from collections.abc import Callable

from nscr_cli.durations import show_duration, show_milliseconds
from nscr_cli.monitors.round_trip import RoundTrip, Step
from nscr_cli.monitors.rules import Notice
from nscr_cli.monitors.streams.lines import STREAM_FORMAT
from nscr_cli.ui import printable


class ProbeRules:
    """Follows the probes of one registry."""

    def __init__(self, repository: str) -> None:
        self._endpoint = f"/v2/{repository}"
        self._since: dict[Step, tuple[float, str]] = {}

    def follow(self, at_s: float, made: RoundTrip) -> tuple[Notice, ...]:
        """What is to be told after one more probe."""
        return tuple(notice for step in Step if (notice := self._follow(at_s, step, made)) is not None)

    def _follow(self, at_s: float, step: Step, made: RoundTrip) -> Notice | None:
        rule = f"probe-{step}"
        if step in made.failures:
            if step in self._since:
                return None
            text = f"the probe's {_MEANING[step]} failed: {made.failures[step]}"
            self._since[step] = at_s, text
            return Notice(at_s=at_s, rule=rule, endpoint=self._endpoint, text=text)
        if step not in made.seconds or made.is_throttled or step not in self._since:
            return None
        began, text = self._since.pop(step)
        text = f"{text}: over after {show_duration(at_s - began)}"
        return Notice(at_s=at_s, rule=rule, endpoint=self._endpoint, text=text, recovered=True)


_MEANING = {
    Step.PUSH: "push",
    Step.VISIBLE: "look at the tag that it had pushed",
    Step.PULL: "pull of the image that it had pushed",
    Step.KEPT: "pull of the image of the probe before",
}


def probe_line(made: RoundTrip, at_s: float, clock: Callable[[float], str], url: str | None) -> str:
    """A probe as one line of a log."""
    head = f"{clock(at_s)} {printable(url)}" if url is not None else clock(at_s)
    steps = " ".join(
        f"{step} {'failed' if step in made.failures else show_milliseconds(seconds * 1000)}"
        for step, seconds in made.seconds.items()
    )
    return f"{head} PROBE {_outcome(made)} {steps}".rstrip()


def probe_document(made: RoundTrip, at_s: float, clock: Callable[[float], str], url: str) -> dict[str, object]:
    """A probe as one document of a stream."""
    return {
        "format": STREAM_FORMAT,
        "view": "probe",
        "event": "probe",
        "utc": clock(at_s),
        "elapsed_s": round(at_s, 3),
        "registry": url,
        "outcome": _outcome(made),
        **{f"{step}_ms": round(made.seconds[step] * 1000, 3) if step in made.seconds else None for step in Step},
        "failures": {str(step): why for step, why in made.failures.items()},
    }


def _outcome(made: RoundTrip) -> str:
    return "ok" if made.is_ok else "throttled" if made.is_throttled else "failed"
