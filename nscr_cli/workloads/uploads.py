"""Errands that do an upload one step at a time, and disturb it as clients do that lost count, or their connection.

Chunks of 0, 1, 2 and more bytes; chunks repeated, overlapping, ahead of their turn, of another length than they say;
other bytes than the blob's; closing too early, with a wrong digest, with or without the last chunk, twice; use after a
cancel. After each refusal the upload is asked how much it holds, and goes on from there. A step that nobody answered is
taken up by another client, which asks before it sends (bugs E1 to E10 of docs/bugs.toml).
"""

from collections.abc import Callable
from random import Random

import msgspec

from nscr_cli.generators import invocations
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import Kind, Op, PushStyle
from nscr_cli.workloads import upload_endings
from nscr_cli.workloads.actor import Action, Turn
from nscr_cli.workloads.steps import Step
from nscr_cli.workloads.upload_endings import LEAST

_MOST_STEPS = 40
_LAST_STEP = 100
_MOST_TRIES = 3
_DISTURBANCES = {
    "none": 40,
    "ask": 8,
    "empty": 5,
    "repeat": 8,
    "overlap": 8,
    "ahead": 8,
    "longer": 6,
    "shorter": 4,
    "early": 3,
}
_ENDINGS = {"close": 40, "last-chunk": 20, "wrong-digest": 10, "twice": 10, "foreign": 10, "cancel": 10, "misplaced": 8}


def disturb_upload(turn: Turn) -> Step:
    """A blob of our own through a disturbed upload; then all of it is read."""
    chance = turn.chance("upload")
    size = turn.world.blob_size(chance)
    upload = Upload(
        turn=turn,
        label=f"{turn.process}.{turn.number}",
        repository=chance.choice(turn.world.repositories),
        blob=Content.seeded(f"{turn.nonce}/upload", size and max(size, LEAST)),
        ending=_drawn(chance, _ENDINGS),
    )
    return upload.start()


def _nothing() -> None:
    """Nothing follows."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """How far an upload has come, and what is still to be done to it.

    Attributes:
        label: unique to this blob within the run; each upload of it is named after it.
        ending: what is done once all bytes but those of the last chunk are there.
        number: steps so far: each draws from a stream of its own.
        tries: uploads that were begun for the blob.
        held: bytes that the registry holds, as far as the client knows.
        is_gentle: chunks are not disturbed, but sent once more where nobody answered.
        is_calm: nothing is disturbed any more.
        after: what follows once the blob is there and was read.
    """

    turn: Turn
    label: str
    repository: str
    blob: Content
    ending: str = "close"
    number: int = 0
    tries: int = 0
    held: int = 0
    is_gentle: bool = False
    is_calm: bool = False
    after: Callable[[], Step | None] = _nothing

    def start(self) -> Step:
        """Begin an upload; after too many in vain, push the blob as a whole."""
        begun = msgspec.structs.replace(self, tries=self.tries + 1, held=0, number=self.number + 1)
        if self.number > _LAST_STEP:
            return self._give_up()
        if begun.tries > _MOST_TRIES:
            return begun._push_whole()
        start = invocations.start_upload(self.repository, self.blob, begun.name)

        def then(event: Op) -> Step | None:
            if event.kind is not Kind.OK:
                return None
            if event.answered is not None and event.answered.least_chunk:
                return begun.finish(0)  # chunks of our sizes are not for this registry
            return begun._go_on()

        return Step(start, then, resumed=lambda _event: begun.start())

    def taken_up(self, tries: int) -> Step:
        """Go on with the upload that was the blob's so-many-th, whoever began it."""
        return msgspec.structs.replace(self, tries=tries).ask()

    @property
    def name(self) -> str:
        """Of the upload at hand; unique within the run."""
        return f"{self.label}.{self.tries}"

    def _go_on(self) -> Step:
        """Another chunk, or the end."""
        now = msgspec.structs.replace(self, number=self.number + 1)
        chance = now.chance()
        if now.number > _MOST_STEPS:
            now = msgspec.structs.replace(now, is_calm=True)
        left = self.blob.size - self.held
        disturbance = "none" if now.is_calm or now.is_gentle else _drawn(chance, _DISTURBANCES)
        length = left if now.is_calm else min(left, _length(chance, left))
        is_last = length == left
        if self.ending == "cancel" and not self.held and chance.random() < 0.3:
            return now._end()  # some clients give up before they have sent anything
        if is_last and (left == 0 or self.ending in ("last-chunk", "foreign", "cancel", "misplaced")):
            return now._end()
        first, end = self.held, self.held + length
        match disturbance:
            case "ask":
                return now.ask()
            case "empty":
                return now._try(self.held, self.held, None)
            case "repeat" if self.held:
                return now._try(max(0, self.held - length), self.held)
            case "overlap" if self.held:
                return now._try(chance.randrange(self.held), end)
            case "ahead" if length > 1:
                return now._try(first + chance.randrange(1, length), end)
            case "longer":
                return now._try(first, end, (first, end))
            case "shorter" if length > 1:
                return now._try(first, end, (first, end - 2))
            case "early" if self.held < self.blob.size:
                return upload_endings.close_early(now)
        return now._send(first, end)

    def _send(self, first: int, end: int) -> Step:
        """A chunk in its place."""
        sent = msgspec.structs.replace(self, held=end)
        return Step(
            self.patch(first, end, (first, end - 1)),
            lambda event: sent._go_on() if event.kind is Kind.OK else self.ask(),
            # Some clients ask first how much is there, some send the same again.
            resumed=lambda _event: self.ask() if self.chance("again").random() < 0.6 else self._try(first, end),
        )

    def _try(self, first: int, end: int, span: tuple[int, int] | None = (-1, -1)) -> Step:
        """A chunk that is out of order, or is not what its Content-Range says; then look what became of it."""
        said = (first, end - 1) if span == (-1, -1) else span
        is_out_of_order = first != self.held

        def then(event: Op) -> Step:
            if event.kind is Kind.OK and is_out_of_order:
                return Step(invocations.cancel_upload(self.repository, self.blob, self.name))
            return self.ask()

        return Step(self.patch(first, end, said), then, resumed=lambda _event: self.ask())

    def ask(self) -> Step:
        """How much is there? Go on from what the registry says; where it says nothing, begin anew."""
        asking = msgspec.structs.replace(self, number=self.number + 1)
        if self.number > _LAST_STEP:
            return self._give_up()

        def then(event: Op) -> Step | None:
            if _is_unanswered(event) and asking.number <= _MOST_STEPS:
                return asking.ask()
            stored = event.answered.stored_offsets[-1:] if event.answered is not None else ()
            if event.kind is not Kind.OK or not stored or not 0 <= stored[0] <= self.blob.size:
                return asking.start()
            told = stored[0]
            if told == 1 and self.held != 1 and (self.held == 0 or asking.chance("ambiguous").random() < 0.5):
                told = 0  # `0-0` is one byte or none: one of the two, and a refusal says which
            return msgspec.structs.replace(asking, held=told)._go_on()

        return Step(
            invocations.get_upload(self.repository, self.blob, self.name), then, resumed=lambda _event: asking.ask()
        )

    def _end(self) -> Step:
        """All that is left."""
        left_from = self.held if self.held < self.blob.size else None
        match self.ending:
            case "wrong-digest":
                return upload_endings.claim_another(self)
            case "foreign" if left_from is not None:
                return upload_endings.send_foreign(self, left_from)
            case "cancel":
                return upload_endings.cancel(self, left_from)
            case "misplaced" if left_from is not None:
                return upload_endings.close_misplaced(self, left_from)
        return self.finish(left_from)

    def finish(self, last_from: int | None) -> Step:
        """Close it, and read the blob; begin anew where that is refused and the blob is not there."""
        finish = invocations.finish_upload(self.repository, self.blob, self.name, last_from)
        read = self.read()
        head = invocations.head_blob(self.repository, self.blob.digest, self.blob.size)
        calm = msgspec.structs.replace(self, is_calm=True, ending="close", number=self.number + 1)
        if self.number > _LAST_STEP:
            return self._give_up()

        def then(event: Op) -> Step:
            if event.kind is Kind.OK:
                return Step(finish, lambda _event: read) if self.ending == "twice" else read
            return Step(head, lambda seen: read if seen.answered and seen.answered.present else calm.start())

        return Step(finish, then, resumed=lambda _event: calm.finish(last_from))

    def _push_whole(self) -> Step:
        style = self.turn.chance("whole").choice(self.turn.world.push_styles or (PushStyle.POST_PUT,))
        read = self.read()
        push = invocations.push_blob(self.repository, self.blob, style)
        return Step(push, lambda event: read if event.kind is Kind.OK else None)

    def _give_up(self) -> Step:
        return Step(invocations.cancel_upload(self.repository, self.blob, self.name))

    def read(self) -> Step:
        """Read the blob, and go on with what comes after it."""
        read = invocations.get_blob(self.repository, self.blob.digest, self.blob.size)
        return Step(read, lambda _event: self.after())

    def patch(self, first: int, end: int, span: tuple[int, int] | None) -> Invocation:
        """The bytes from `first` up to, not including, `end`; what Content-Range says of them is `span`."""
        chunk = invocations.part_of(self.blob, first, end)
        return invocations.patch_upload(self.repository, self.blob, self.name, chunk, span)

    def chance(self, *purpose: str) -> Random:
        """A stream of this step's own."""
        return self.turn.chance("upload", self.number, *purpose)


def _is_unanswered(event: Op) -> bool:
    return event.kind is Kind.FAIL and (event.answered is None or event.answered.status is None)


def _length(chance: Random, left: int) -> int:
    """Of a chunk: one or two bytes, or a part of what is left, a power of two among them, or all of it."""
    power = 1 << (max(1, left).bit_length() - 1)
    return chance.choice([1, 2, 3, chance.randint(1, max(1, left)), max(1, left // 2), power, max(1, left)])


def _drawn(chance: Random, weights: dict[str, int]) -> str:
    (name,) = chance.choices(list(weights), list(weights.values()))
    return name


ACTIONS = {
    "disturb-upload": Action(
        summary="do an upload step by step, with chunks out of order and out of shape, and read the blob",
        begin=disturb_upload,
        needs=(PushStyle.CHUNKED_PATCH,),
    ),
}
