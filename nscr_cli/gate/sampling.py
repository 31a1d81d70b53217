"""Which blobs are read where not all of them are. Pure: the same seed chooses the same of the same blobs.

By a keyed hash, and not by a stream of random numbers, so that neither the order in which a walk meets the blobs nor
its concurrency matters.
"""

import hashlib
import math
from collections.abc import Iterable

from nscr_cli.gate.subjects import Subject


def sampled(subjects: Iterable[Subject], *, percent: float, seed: int) -> list[Subject]:
    """So many per cent of them, rounded up: where there is any, at least one."""
    ranked = sorted(subjects, key=lambda subject: (_rank(subject, seed), subject.key))
    return ranked[: math.ceil(len(ranked) * percent / 100)]


def _rank(subject: Subject, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{subject.key}".encode()).digest()
