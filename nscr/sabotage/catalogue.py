"""The catalogue of sabotages as data: what each breaks, which known bugs it is like, and how it is put in.

`python -m nscr --list-sabotages --json` prints it, so that a tester needs no import of this package.
`mimics` are row ids of docs/bugs.toml.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from nscr.sabotage.forgotten_condition import ForgottenCondition
from nscr.sabotage.in_front import in_front_of
from nscr.sabotage.late_tag import LateTag
from nscr.sabotage.leaked_descriptor import leaked_descriptor
from nscr.sabotage.lost_tag import LostTag
from nscr.sabotage.one_lock import OneLock
from nscr.sabotage.shifted_range import shifted_range
from nscr.sabotage.skipped_tag import SkippedTag
from nscr.sabotage.slow_answers import Application, slow_answers
from nscr.sabotage.stale_summary import StaleSummary
from nscr.sabotage.truncated_blob import truncated_blob
from nscr.sabotage.undead_tag import UndeadTag
from nscr.stores.base import ManifestIndex, Stores


@dataclass(frozen=True, slots=True)
class Sabotage:
    name: str
    description: str
    mimics: tuple[str, ...]
    breaks: tuple[str, ...]
    wrap: Callable[[Stores], Stores] = lambda stores: stores
    wrap_application: Callable[[Application], Application] = lambda application: application

    def describe(self) -> dict[str, object]:
        return {
            "name": self.name,
            "description": self.description,
            "mimics": list(self.mimics),
            "breaks": list(self.breaks),
        }


def _of_manifests(sabotage: Callable[[ManifestIndex], object]) -> Callable[[Stores], Stores]:
    return lambda stores: replace(stores, manifests=in_front_of(stores.manifests, sabotage(stores.manifests)))


_ALL = (
    Sabotage(
        "forgotten-condition",
        "One conditional tag write in five is done whatever its If-Match or If-None-Match says.",
        mimics=("B4", "B11"),
        breaks=("a write whose condition does not hold is not performed",),
        wrap=lambda stores: replace(
            stores, manifests=in_front_of(stores.manifests, ForgottenCondition(stores.manifests))
        ),
    ),
    Sabotage(
        "late-tag",
        "One tag write in five is not seen by the next two reads of that tag, as from a copy that lags.",
        mimics=("G1",),
        breaks=("a tag that was written and acknowledged is read by everybody from then on",),
        wrap=_of_manifests(LateTag),
    ),
    Sabotage(
        "leaked-descriptor",
        "One blob download in four leaves its file open for ever.",
        mimics=("M4", "M5"),
        breaks=("what was opened to answer a request is closed once it is answered, however that ended",),
        wrap=lambda stores: replace(stores, content=leaked_descriptor(stores.content)),
    ),
    Sabotage(
        "lost-tag",
        "One tag write in twenty is acknowledged and lost: the manifest is stored, the tag stays where it was.",
        mimics=("B1", "B2"),
        breaks=("a tag that was written and acknowledged is read back until it is written or deleted again",),
        wrap=_of_manifests(LostTag),
    ),
    Sabotage(
        "one-lock",
        "All repositories share one lock for their manifests, and one manifest write in forty keeps it for 20 seconds.",
        mimics=("M1", "M2"),
        breaks=("what is done to one repository does not hold up those who ask for another",),
        wrap=_of_manifests(OneLock),
    ),
    Sabotage(
        "shifted-range",
        "One blob download in five is one byte off, if it is of a range that does not begin at the start.",
        mimics=("C13", "K1"),
        breaks=("206 serves the bytes of the range that its Content-Range gives",),
        wrap=lambda stores: replace(stores, content=shifted_range(stores.content)),
    ),
    Sabotage(
        "skipped-tag",
        "One page of tags in ten that begins after a tag lacks the first one that follows.",
        mimics=("J1", "J4"),
        breaks=("a tag that is there all the while is on one of the pages of a list",),
        wrap=_of_manifests(SkippedTag),
    ),
    Sabotage(
        "slow-answers",
        "Each answer is held back, so that clients wait three tenths longer: slower, but right.",
        mimics=("M8",),
        breaks=("a new build answers as soon as the one before it",),
        wrap_application=slow_answers,
    ),
    Sabotage(
        "stale-summary",
        "As long as an upload is open, the totals of the monitoring API are those of the last time that none was.",
        mimics=("A8",),
        breaks=("an answer of the monitoring API is one snapshot, of now, under load as well",),
        wrap=lambda stores: replace(stores, census=in_front_of(stores.census, StaleSummary(stores.census))),
    ),
    Sabotage(
        "truncated-blob",
        "One blob download in fifty is served short, with status 200 and a Content-Length that matches the short body.",
        mimics=("C1", "C2", "C3"),
        breaks=("the bytes of a blob that is served with 200 hash to its digest",),
        wrap=lambda stores: replace(stores, content=truncated_blob(stores.content)),
    ),
    Sabotage(
        "undead-tag",
        "A deleted tag comes back, with the manifest that it held, after a few more requests to manifests or tags.",
        mimics=("H2", "H3"),
        breaks=("a tag whose deletion was acknowledged stays absent until it is written again",),
        wrap=_of_manifests(UndeadTag),
    ),
)

CATALOGUE: dict[str, Sabotage] = {sabotage.name: sabotage for sabotage in _ALL}
