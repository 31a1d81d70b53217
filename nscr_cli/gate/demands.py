"""What a gate is asked to look at, and what it must find. Values only; flags and files become one of these."""

from enum import StrEnum

import msgspec

DEFAULT_SESSION_AGE_S = 3600.0


class Expectation(StrEnum):
    """Whether something has to be so.

    JUDGED: what the registry says of itself counts, where it says anything. REQUIRED: where it does not say, nothing
    is proven. IGNORED: it is told, and no more.
    """

    JUDGED = "judged"
    REQUIRED = "required"
    IGNORED = "ignored"


class Demands(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at, and the limits of what may be found.

    Attributes:
        is_deep: the bytes of every blob are read and hashed.
        sample_percent: so many of the blobs are; the rest, like all of them otherwise, is asked for by HEAD.
        seed: of the sample.
        max_orphaned: manifests that lack what they refer to, as the monitoring API counts them. None: 0, where it
            does.
        max_unreferenced: blobs that no manifest refers to; None: any number.
        max_session_age_s: an upload in which nothing happened for longer is stuck.
        health: of the registry, as it tells it.
        are_sparse_allowed: an index may lack children; None: as the monitoring API says, else that is undecided.
    """

    is_deep: bool = False
    sample_percent: float | None = None
    seed: int = 0
    max_orphaned: int | None = None
    max_unreferenced: int | None = None
    max_session_age_s: float = DEFAULT_SESSION_AGE_S
    health: Expectation = Expectation.JUDGED
    are_sparse_allowed: bool | None = None

    @property
    def reads_blobs(self) -> bool:
        """The bytes of some blob are read."""
        return self.is_deep or self.sample_percent is not None

    @property
    def needs_monitoring(self) -> tuple[str, ...]:
        """Demands that only the monitoring API can meet, by their flags."""
        asked = {
            "--max-orphaned": self.max_orphaned is not None,
            "--max-unreferenced": self.max_unreferenced is not None,
            "--require-healthy": self.health is Expectation.REQUIRED,
        }
        return tuple(flag for flag, is_asked in asked.items() if is_asked)
