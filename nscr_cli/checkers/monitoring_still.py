"""Whether all answers of the monitoring API tell the same while nothing changes. Pure.

Once nothing of ours is going on, the state is asked for first and last. Where both answers tell the same figures and
the same `generation`, which grows with every committed change, nothing changed in between, whoever else uses the
registry; leases that end only ever add to the blobs that are unreferenced. So what was answered in between must agree.
"""

from collections.abc import Iterable, Sequence

import msgspec

from nscr_cli.checkers.refusals import UNSERVED
from nscr_cli.history.figures import Figures, read_figures
from nscr_cli.history.ops import Sample

_STATE = "/api/registry/state"
FURTHER = frozenset({"/api/registry/repositories", "/api/registry/storage", "/api/web/status"})
_ANSWERED = 200
_NOT_FOUND = 404
# An upload of others opens and ends without a committed change.
_OF_OTHERS = ("sessions",)
_COMPARED = (
    "repositories", "manifests", "blobs", "unreferenced_blobs", "orphaned_manifests", "space_to_free", "sessions",
    "total_bytes", "unique_bytes",
)  # fmt: skip


def disagreements(samples: Sequence[Sample], *, is_ours: bool) -> Iterable[tuple[Sample, str]]:
    """Answers that differ from the state before and after them, and why.

    Args:
        is_ours: nobody else uses the registry.
    """
    quiet = [sample for sample in samples if sample.quiet]
    states = [sample for sample in quiet if sample.endpoint == _STATE and sample.status == _ANSWERED]
    if len(states) < 2 or states[0].end_ns >= states[-1].start_ns:
        return
    told = read_figures(_STATE, states[0].body)
    if _steady(told) != _steady(read_figures(_STATE, states[-1].body)) or (told.generation is None and not is_ours):
        return
    names = [name for name in _COMPARED if is_ours or name not in _OF_OTHERS]
    for sample in quiet:
        is_between = states[0].end_ns < sample.start_ns and sample.end_ns < states[-1].start_ns
        if is_between and sample.status == _ANSWERED:
            figures = read_figures(sample.endpoint, sample.body)
            for name in names:
                known, said = getattr(told, name), getattr(figures, name)
                if None not in (known, said) and said != known:
                    yield sample, f"{name} is {said}, and the state before and after it, unchanged, has {known}"


def errors_of_further(samples: Sequence[Sample], *, is_ours: bool) -> Iterable[tuple[Sample, str]]:
    """Error statuses of endpoints that only our own registry promises to have."""
    for sample in samples:
        if sample.endpoint in FURTHER and sample.status is not None:
            is_broken = sample.status >= 500 and sample.status not in UNSERVED
            if is_broken or (is_ours and sample.status == _NOT_FOUND):
                yield sample, f"answered {sample.status}"


def _steady(figures: Figures) -> Figures:
    """But for what passes by itself."""
    return msgspec.structs.replace(figures, uptime_ms=None, log_stream_clients=None)
