"""What is seen to be broken while a run goes on. Pure.

Only what the checkers will say too, of the whole history: single answers are judged by their own rules, and what takes
several operations to see only where those alone decide it (online_registers.py, online_holdings.py). Everything else
waits for the judge. `asked` and `ended` run once an operation, beside the load: nearly all answers are seen to be plain
at a glance, and only of the others an operation is made that can be judged.
"""

from collections.abc import Iterable, Iterator

from nscr_cli.checkers.contents import Contents, Ranges
from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.checkers.inventory import BLOB_READS, BLOB_WRITES, DELETES, MANIFEST_READS, found
from nscr_cli.checkers.monitoring import wrong_by_itself
from nscr_cli.checkers.protocol import USUAL_STATUS, wrong_in
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import operations_of
from nscr_cli.history.ops import OK, Event, F, Op, Sample
from nscr_cli.monitors.online_holdings import Holdings
from nscr_cli.monitors.online_registers import Registers
from nscr_cli.monitors.progress import Broken

_OF_TAGS, _WRITES, _READS, _DELETES = 1, 2, 4, 8
_KINDS = (
    (_OF_TAGS, MANIFEST_READS | {F.PUT_MANIFEST, F.DELETE_TAG, F.DELETE_MANIFEST}),
    (_WRITES, BLOB_WRITES | {F.PUT_MANIFEST}),
    (_READS, BLOB_READS | MANIFEST_READS),
    (_DELETES, DELETES),
)
_ROLES = {f: sum(role for role, kinds in _KINDS if f in kinds) for f in F}
_LONGEST = 256 * 1024  # bytes of a document that is decoded beside the load
_NOTHING: tuple[Broken, ...] = ()


class OnlineRules:
    """Judges entries as they are recorded.

    Args:
        judges: names of the checkers that will judge the run; what is none of theirs is not told.
        namespace: left out of the keys that are told.
        tag_model: what the scenario promises of tags; where it allows for a lag, nothing is missing at once.
        sees_all: all operations of the run pass by here; else nothing is said that another one could explain.
    """

    def __init__(self, judges: Iterable[str], *, namespace: str, tag_model: str, sees_all: bool) -> None:
        self._judges = frozenset(judges)
        self._namespace = namespace
        self._asked: dict[int, Op] = {}
        sees_registers = sees_all and tag_model == "linearizable" and "tags" in self._judges
        sees_holdings = sees_all and bound_ns(tag_model) is None and "blobs" in self._judges
        self._registers = Registers() if sees_registers else None
        self._holdings = Holdings() if sees_holdings else None
        self._is_monitored = False

    def asked(self, invocation: Op) -> None:
        """An operation begins."""
        self._asked[invocation.process] = invocation
        role = _ROLES[invocation.f]
        if role & _OF_TAGS and self._registers is not None:
            self._registers.asked(invocation)
        if role & _DELETES and self._holdings is not None:
            self._holdings.deleting(invocation)

    def ended(self, completion: Op) -> tuple[Broken, ...]:
        """An operation ended; what it shows to be broken."""
        invocation = self._asked.pop(completion.process, None)
        if invocation is None:
            return _NOTHING
        seen = _NOTHING if is_plain(completion) else tuple(self._single(invocation, completion))
        role = _ROLES[completion.f]
        if role & _OF_TAGS and self._registers is not None:
            why = self._registers.ended(invocation, completion)
            if why is not None:
                seen = (*seen, self._broken("tags", "lost-or-stale", completion.key, why, completion.time_ns))
        if self._holdings is not None and (completion.kind is OK or role & _DELETES):
            if role & _DELETES:
                self._holdings.deleted(completion)
            elif role & _WRITES:
                self._holdings.written(invocation, completion)
            elif role & _READS and completion.answered is not None and completion.answered.present is False:
                lost = self._holdings.missed(invocation, completion)
                if lost is not None:
                    seen = (*seen, self._broken("blobs", *lost, completion.time_ns))
        return seen

    def noted(self, event: Event) -> tuple[Broken, ...]:
        """Something happened to the run itself."""
        if event.name == "target":
            self._is_monitored = event.detail.get("monitoring") == "yes" and "monitoring" in self._judges
            if self._holdings is not None:
                self._holdings.is_ours = event.detail.get("fresh") == "yes"
        elif event.name == "target-died" and "liveness" in self._judges:
            why = event.detail.get("detail", "")
            return (self._broken("liveness", "target-died", "registry", why, event.time_ns),)
        return _NOTHING

    def sampled(self, sample: Sample) -> tuple[Broken, ...]:
        """The monitoring API was polled; a very long answer waits for the judge."""
        if not self._is_monitored or len(sample.body) > _LONGEST:
            return _NOTHING
        return tuple(
            self._broken("monitoring", rule, sample.endpoint, why, sample.end_ns)
            for rule, why in wrong_by_itself(sample)
        )

    def _single(self, invocation: Op, completion: Op) -> Iterator[Broken]:
        """What one answer shows by itself."""
        (one,) = operations_of((invocation, completion))
        if "protocol" in self._judges:
            for rule, _, why in wrong_in(one, {}, {}):
                yield self._broken("protocol", rule, one.key, f"{one.f} {why}", completion.time_ns)
        if "blobs" in self._judges and _ROLES[one.f] & _READS and "@" in one.key and found(one):
            # Of a registry that is not ours a range may come in part: nothing is lost by taking each for one.
            finding = Contents({}, Ranges(), is_ours=False).judge(one)
            if finding is not None:
                why = finding.explanation.removeprefix(f"{told(one)}: ")
                yield self._broken("blobs", finding.rule, one.key, f"{one.f}: {why}", completion.time_ns)

    def _broken(self, checker: str, rule: str, key: str, why: str, now_ns: int) -> Broken:
        shown = key.removeprefix(self._namespace)
        shown = key if shown == key else shown.lstrip("/-")
        name, at, digest = shown.partition("@")
        algorithm, colon, encoded = digest.partition(":")
        shown = f"{name}{at}{algorithm}{colon}{encoded[:12]}"
        return Broken(checker=checker, rule=rule, key=shown, text=why, first_s=now_ns / 1e9)


def is_plain(completion: Op) -> bool:
    """A glance that is enough to see that nothing is wrong with an answer by itself: nearly all are of this kind."""
    answered = completion.answered
    if answered is None or answered.status is None:
        return True
    status = answered.status
    if completion.kind is not OK:
        return status < 500
    if answered.present is False:
        return status == 404
    if status != USUAL_STATUS[completion.f]:
        return False
    digest, said, key = answered.digest, answered.header_digest, completion.key
    if "@" in key:
        if (digest is not None and not key.endswith(digest)) or (said is not None and not key.endswith(said)):
            return False
    elif said is not None and digest is not None and said != digest:
        return False
    # Without a digest no body was read, and its length says nothing.
    return digest is None or answered.length == answered.content_length or answered.content_length is None
