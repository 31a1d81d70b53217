"""The uploads checker against simulated registries: right ones of every kind are, and broken ones are found.

Several clients are at one upload. The registry works on a chunk in pieces, at instants between its being asked and
answered or, where the client is gone, later. What it may do as it likes, each registry here does in its own way.
"""

import hashlib
import heapq
from collections.abc import Callable
from random import Random

import msgspec
import pytest

from nscr_cli.checkers.uploads import UploadsChecker
from nscr_cli.checkers.verdict import Result
from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, Event, F, Kind, Op, Phase
from nscr_cli.history.plan import RunPlan, Scenario

SIZE = 40
DIGEST = "sha256:" + hashlib.sha256(b"right").hexdigest()
KEY = f"r@{DIGEST}"


class Manner(msgspec.Struct, frozen=True):
    """What a registry may do as it likes; and its bug, if it has one."""

    streams: bool  # bytes show while they come
    keeps_part: bool  # of a body that broke off
    takes_twins: bool  # the same bytes at once from two
    after_refusal: str  # of a closing PUT: keep, drop or reset the upload
    other_length: str  # of a chunk that is not as long as it says: refuse, or take
    busy: int
    bug: str = ""


def manner(chance: Random, bug: str = "") -> Manner:
    return Manner(
        streams=chance.random() < 0.5,
        keeps_part=chance.random() < 0.5,
        takes_twins=chance.random() < 0.4,
        after_refusal=chance.choice(["keep", "drop", "reset"]),
        other_length=chance.choice(["refuse", "take"]),
        busy=chance.choice([409, 416, 429, 404]),
        bug=bug,
    )


class Registry:
    """One upload: its bytes as booleans, right or not."""

    def __init__(self, how: Manner) -> None:
        self.how = how
        self.bytes: list[bool] = []
        self.is_open = True
        self.acknowledged = 0
        self.writers: list[tuple[tuple[int, int] | None, bool]] = []

    def told(self) -> tuple[int, ...]:
        lie = -1 if self.how.bug == "status-behind" and len(self.bytes) > 2 else 0
        return (max(1, len(self.bytes) + lie),)

    def admit(self, asked: Asked) -> int | None:
        """The status of a refusal of a chunk, before any of it is read."""
        if not self.is_open:
            return 404
        span, size = asked.range, asked.size or 0
        is_twin = self.how.takes_twins and (span, asked.wrong_bytes) in self.writers
        is_twin = is_twin and span is not None and span[0] >= self.acknowledged
        if self.writers and not is_twin and self.how.bug != "two-writers":
            return self.how.busy
        if span is not None:
            is_next = span[0] == len(self.bytes) or is_twin
            if not is_next and self.how.bug != "any-order":
                return 416
            if span[1] + 1 - span[0] != size and self.how.other_length == "refuse":
                return 400
        return None

    def put(self, at: int, right: bool) -> None:
        """A byte at a place; two writers of the same put the same."""
        if self.how.bug in ("two-writers", "any-order"):
            self.bytes.append(right and at == len(self.bytes))
        elif at == len(self.bytes):
            self.bytes.append(right)

    def close(self, is_named_rightly: bool) -> int:
        if not self.is_open:
            return 404
        if self.writers:
            return self.how.busy
        if self.bytes == [True] * SIZE and is_named_rightly:
            self.is_open = False
            return 201
        if self.how.bug == "believes":
            self.is_open = False
            return 201
        if self.how.after_refusal == "drop":
            self.is_open = False
        elif self.how.after_refusal == "reset":
            self.bytes, self.acknowledged = [], 0
        return 400


class Play:
    """Clients at one upload, on a clock of whole numbers."""

    def __init__(self, seed: int, bug: str = "") -> None:
        self.chance = Random(seed)
        self.registry = Registry(manner(self.chance, bug))
        self.queue: list[tuple[int, int, Callable[[], None]]] = []
        self.entries: list[tuple[int, int, Op]] = []
        self.count = 0
        self.now = 0

    def at(self, time: int, deed: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.queue, (time, self.count, deed))

    def run(self) -> History:
        self.record(0, F.START_UPLOAD, Asked(digest=DIGEST, size=SIZE, upload="u"), 1, Kind.OK, Answered(status=202))
        for process in range(1, 1 + self.chance.choice([1, 1, 2, 3])):
            self.at(2 + process, lambda process=process: self.ask(process, 0))  # type: ignore[misc]
        while self.queue:
            self.now, _, deed = heapq.heappop(self.queue)
            deed()
        ordered = [entry for _, _, entry in sorted(self.entries, key=lambda one: one[:2])]
        numbered = [msgspec.structs.replace(entry, index=number) for number, entry in enumerate(ordered)]
        return History([Event(name="target", time_ns=0, detail={"fresh": "no"}), *numbered])

    def record(self, process: int, f: F, asked: Asked, start: int, kind: Kind, answered: Answered) -> None:
        shared = {"index": 0, "process": process, "f": f, "key": KEY, "phase": Phase.MAIN, "intended_ns": start}
        self.entries.append((start, 1, Op(kind=Kind.INVOKE, time_ns=start, asked=asked, **shared)))
        stamp = self.now if self.now > start else start + 1
        self.entries.append((stamp, 0, Op(kind=kind, time_ns=stamp, answered=answered, **shared)))

    def ask(self, process: int, number: int) -> None:
        """The next operation of a client; another one takes its place where nobody answers."""
        if number > 14 or self.now > 400:
            return
        chance, start = self.chance, self.now
        kind = chance.choices(["patch", "get", "finish", "cancel"], [60, 25, 12, 3])[0]
        is_lost = chance.random() < 0.12
        asked = Asked(digest=DIGEST, size=SIZE, upload="u")

        def end(f: F, status: int, **facts: object) -> None:
            is_read = f is F.GET_UPLOAD
            is_ok = status in (201, 202, 204) or (is_read and status == 404)
            outcome = Kind.OK if is_ok else Kind.FAIL
            present = status != 404 if is_read and is_ok else None
            code = "DIGEST_INVALID" if status == 400 and f is F.FINISH_UPLOAD else None
            answered = Answered(status=status, present=present, error_code=code, **facts)  # type: ignore[arg-type]
            if is_lost:
                outcome, answered = (Kind.FAIL if is_read else Kind.INFO), Answered()
            self.record(process, f, sent, start, outcome, answered)
            next_process = process + 10 if outcome is Kind.INFO else process
            self.at(self.now + chance.randint(1, 4), lambda: self.ask(next_process, number + 1))

        registry, sent = self.registry, asked
        later = self.now + chance.randint(1, 5)
        match kind:
            case "get":

                def get() -> None:
                    if registry.is_open:
                        end(F.GET_UPLOAD, 204, stored_offsets=registry.told())
                    else:
                        end(F.GET_UPLOAD, 404)

                self.at(later, get)
            case "cancel":

                def cancel() -> None:
                    was_open, registry.is_open = registry.is_open, registry.how.bug == "undead" and registry.is_open
                    end(F.CANCEL_UPLOAD, 204 if was_open else 404)

                self.at(later, cancel)
            case "finish":
                wrong = chance.random() < 0.2
                sent = msgspec.structs.replace(asked, wrong_bytes=wrong)
                self.at(later, lambda: end(F.FINISH_UPLOAD, registry.close(not wrong)))
            case _:
                sent = self.chunk(asked)
                self.patch(sent, is_lost, end)

    def chunk(self, asked: Asked) -> Asked:
        """Mostly the next one, as far as the client can guess."""
        chance = self.chance
        held = len(self.registry.bytes)
        first = held if chance.random() < 0.75 else chance.randrange(SIZE)
        first = min(first, SIZE - 1)
        size = min(chance.choice([1, 2, chance.randint(1, SIZE), SIZE]), SIZE - first)
        last = first + size - 1 + (chance.choice([-1, 1]) if chance.random() < 0.1 and size > 1 else 0)
        return msgspec.structs.replace(asked, size=size, range=(first, last), wrong_bytes=chance.random() < 0.05)

    def patch(self, sent: Asked, is_lost: bool, end: Callable[..., None]) -> None:
        registry, chance = self.registry, self.chance
        assert sent.range is not None
        span, size, entry = sent.range, sent.size or 0, (sent.range, sent.wrong_bytes)
        cut = chance.randint(0, size) if is_lost and chance.random() < 0.7 else size

        def begin() -> None:
            status = registry.admit(sent)
            if status is not None:
                end(F.PATCH_UPLOAD, status)
                return
            registry.writers.append(entry)
            begun = len(registry.bytes) if registry.how.bug == "two-writers" else span[0]
            if is_lost:  # the client is gone at some instant of it; the registry may hear of that much later
                self.at(self.now + chance.randint(0, 3), lambda: end(F.PATCH_UPLOAD, 499))
            pieces = sorted(self.now + chance.randint(1, 8 if not is_lost else 30) for _ in range(3))
            ends = [cut // 3, 2 * cut // 3, cut]
            for number, time in enumerate(pieces):
                bounds = (ends[number - 1] if number else 0, ends[number])
                self.at(time, lambda bounds=bounds: write(begun, *bounds) if registry.how.streams else None)  # type: ignore[misc]
            self.at(pieces[-1] + 1, lambda: finish(begun))

        def write(begun: int, low: int, high: int) -> None:
            for at in range(begun + low, begun + high):
                registry.put(at, not sent.wrong_bytes)

        def finish(begun: int) -> None:
            registry.writers.remove(entry)
            is_whole = cut == size
            if registry.is_open and (is_whole or registry.how.keeps_part):
                write(begun, 0, cut) if not registry.how.streams else None
            elif registry.how.streams and not is_whole and len(registry.bytes) > begun and not registry.writers:
                del registry.bytes[max(begun, registry.acknowledged) :]
            if is_lost:
                return
            if registry.is_open:
                registry.acknowledged = max(registry.acknowledged, begun + size)
                end(F.PATCH_UPLOAD, 202, stored_offsets=registry.told())
            else:
                end(F.PATCH_UPLOAD, 404)

        self.at(self.now + chance.randint(1, 3), begin)


def judge(seed: int, bug: str = "") -> Result:
    scenario = Scenario(title="", description="", workload="uploads")
    plan = RunPlan(
        run_id="run", scenario_name="t", scenario=scenario, seed=0, workers=1, duration_s=1, registry_url=None,
        namespace="r", started_utc="2026-01-01T00:00:00Z", nscr="0",
    )  # fmt: skip
    return UploadsChecker().check(plan, Play(seed, bug).run())


def test_whatever_a_right_registry_does_there_is_no_finding() -> None:
    evidence = 0
    for seed in range(600):
        result = judge(seed)
        assert result.findings == (), f"seed {seed}: {result.findings}"
        evidence += result.evidence["offsets"]
    assert evidence > 1000


@pytest.mark.parametrize(
    ("bug", "rules"),
    [
        ("status-behind", {"wrong-range", "untrue-status"}),
        ("any-order", {"out-of-order-accepted"}),
        ("two-writers", {"wrong-range", "untrue-status", "refused-write", "mixed-chunks"}),
        ("believes", {"wrong-bytes-accepted"}),
        ("undead", {"undead-upload"}),
    ],
)
def test_a_broken_registry_is_found(bug: str, rules: set[str]) -> None:
    found = {finding.rule for seed in range(200) for finding in judge(seed, bug).findings}
    assert found & rules, found
