"""A registry in memory that a run can be done to in virtual time, and a run of it from plan to folder.

Each operation takes effect at one instant between its invocation and its answer; faults are switched on by name, so
that tests see what the engine makes of a registry that dies, stalls, refuses or forgets.
"""

import errno
import hashlib
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from nscr_cli.client.target import Target
from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.judging import write_plan
from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.engine.recorder import Recorder
from nscr_cli.engine.run import Run
from nscr_cli.engine.scenario_file import load_scenario
from nscr_cli.engine.ungrouping import ungrouped
from nscr_cli.errors import ReportsUnwritable
from nscr_cli.history.history import History
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.journal import JOURNAL_FORMAT, JOURNAL_NAME, Header, JournalWriter, read_journal
from nscr_cli.history.keys import digest_of, repository_of, tag_of
from nscr_cli.history.ops import Answered, F, Kind, PushStyle, Reference, Referrer
from nscr_cli.history.plan import RunPlan, Scenario
from nscr_cli.targets.base import Running
from nscr_cli.workloads.catalogue import WORKLOADS

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIME_OUT_S = 30.0
ADDRESS = Target(scheme="http", host="127.0.0.1", port=5000)


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    answered: Answered
    error: str | None = None


class Stored(msgspec.Struct):
    """A manifest in the model."""

    size: int
    media_type: str
    references: tuple[Reference, ...]
    subject: str | None = None
    artifact_type: str | None = None


class ModelRegistry:
    """What a registry holds; atomic, so it is right by construction unless a fault says otherwise.

    Attributes:
        loses_every: every so many tag writes one is acknowledged and lost; 0 for none.
        is_stalled: nothing is answered any more.
        stalls_for_s: how long the next read of a tag takes; once.
        declines: operations answered 405.
        answers: decides how an operation is answered instead; None leaves it to the model.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, Content] = {}
        self.uploads: dict[str | None, bytes] = {}
        self.manifests: dict[str, Stored] = {}
        self.tags: dict[str, str] = {}
        self.loses_every = 0
        self.is_stalled = False
        self.stalls_for_s = 0.0
        self.declines: set[F] = set()
        self.answers: Callable[[Invocation], Completion | None] = lambda _invocation: None
        self.performed: list[Invocation] = []
        self._tag_writes = 0

    def perform(self, asked: Invocation) -> Completion:
        """Answer at once."""
        self.performed.append(asked)
        if asked.f in self.declines:
            answered = Answered(status=405, error_code="UNSUPPORTED")
            return Completion(kind=Kind.FAIL, answered=answered, error="405 UNSUPPORTED")
        completion = self.answers(asked) or _HANDLERS[asked.f](self, asked)
        if asked.f in _READS and completion.kind is Kind.OK and completion.answered.present is None:
            seen = msgspec.structs.replace(completion.answered, present=True)
            completion = msgspec.structs.replace(completion, answered=seen)
        return completion

    def push_blob(self, asked: Invocation) -> Completion:
        assert asked.content is not None
        if asked.content.digest != asked.asked.digest:
            return refused(400, "DIGEST_INVALID")
        self.blobs[asked.key] = asked.content
        size = asked.content.size
        offsets = (size // 2, size) if asked.asked.style is PushStyle.CHUNKED_PATCH else ()
        return ok(201, sent_offsets=offsets, stored_offsets=offsets, location=located(asked, "blobs"))

    def start_upload(self, asked: Invocation) -> Completion:
        self.uploads[asked.asked.upload] = b""
        return ok(202)

    def step_upload(self, asked: Invocation) -> Completion:
        """A step of an upload that was begun; through another repository there is none."""
        name = asked.asked.upload
        held = self.uploads.get(name) if asked.asked.source is None else None
        if held is None:
            return absent() if asked.f is F.GET_UPLOAD else refused(404, "BLOB_UPLOAD_UNKNOWN")
        if asked.f is F.CANCEL_UPLOAD:
            del self.uploads[name]
            return ok(204)
        if asked.content is not None and asked.asked.range is not None and asked.asked.range[0] != len(held):
            return refused(416, "BLOB_UPLOAD_INVALID")
        held += b"".join(asked.content.chunks()) if asked.content is not None else b""
        self.uploads[name] = held
        if asked.f is not F.FINISH_UPLOAD:
            return ok(204 if asked.f is F.GET_UPLOAD else 202, stored_offsets=(max(1, len(held)),))
        del self.uploads[name]
        blob = Content.of_bytes(held)
        if blob.digest != asked.asked.digest:
            return refused(400, "DIGEST_INVALID")
        self.blobs[asked.key] = blob
        return ok(201, location=located(asked, "blobs"))

    def mount_blob(self, asked: Invocation) -> Completion:
        content = self.blobs.get(f"{asked.asked.source}@{asked.asked.digest}")
        if content is None:
            return Completion(kind=Kind.FAIL, answered=Answered(status=202), error="202: not mounted")
        self.blobs[asked.key] = content
        return ok(201, location=located(asked, "blobs"))

    def get_blob(self, asked: Invocation) -> Completion:
        content = self.blobs.get(asked.key)
        if content is None:
            return absent()
        if asked.f is F.HEAD_BLOB:
            return ok(200, header_digest=content.digest, content_length=content.size, length=0)
        first, last = asked.asked.range or (0, content.size - 1)
        algorithm, _, _ = content.digest.partition(":")
        digest = hashlib.new(algorithm, b"".join(content.chunks(first, last + 1))).hexdigest()
        length = last - first + 1
        return ok(
            200 if asked.asked.range is None else 206,
            digest=f"{algorithm}:{digest}",
            header_digest=content.digest,
            length=length,
            content_length=length,
        )

    def delete_blob(self, asked: Invocation) -> Completion:
        return ok(202) if self.blobs.pop(asked.key, None) is not None else refused(404, "BLOB_UNKNOWN")

    def put_manifest(self, asked: Invocation) -> Completion:
        repository, digest = repository_of(asked.key), asked.asked.digest or ""
        for reference in asked.asked.references:
            known = self.manifests if reference.is_manifest else self.blobs
            if f"{repository}@{reference.digest}" not in known:
                return refused(404, "MANIFEST_BLOB_UNKNOWN")
        self.manifests[f"{repository}@{digest}"] = Stored(
            size=asked.asked.size or 0,
            media_type=asked.asked.media_type or "",
            references=asked.asked.references,
            subject=asked.asked.subject,
            artifact_type=asked.asked.artifact_type,
        )
        if tag_of(asked.key) is not None:
            self._tag_writes += 1
            if not self.loses_every or self._tag_writes % self.loses_every:
                self.tags[asked.key] = digest
        return ok(201, header_digest=digest, location=located(asked, "manifests"))

    def get_manifest(self, asked: Invocation) -> Completion:
        digest = self.tags.get(asked.key) if tag_of(asked.key) else digest_of(asked.key)
        stored = self.manifests.get(f"{repository_of(asked.key)}@{digest}")
        if stored is None:
            return absent()
        is_head = asked.f is F.HEAD_MANIFEST
        return ok(
            200,
            digest=None if is_head else digest,
            header_digest=digest,
            length=0 if is_head else stored.size,
            content_length=stored.size,
            media_type=stored.media_type,
            references=None if is_head else stored.references,
        )

    def delete_tag(self, asked: Invocation) -> Completion:
        return ok(202) if self.tags.pop(asked.key, None) is not None else refused(404, "MANIFEST_UNKNOWN")

    def delete_manifest(self, asked: Invocation) -> Completion:
        if self.manifests.pop(asked.key, None) is None:
            return refused(404, "MANIFEST_UNKNOWN")
        repository, digest = repository_of(asked.key), digest_of(asked.key)
        for key in [key for key, value in self.tags.items() if repository_of(key) == repository and value == digest]:
            del self.tags[key]
        return ok(202)

    def list_tags(self, asked: Invocation) -> Completion:
        return ok(200, tags=tuple(sorted(tag_of(key) or "" for key in self.tags if repository_of(key) == asked.key)))

    def list_page(self, asked: Invocation) -> Completion:
        names = self.list_tags(asked).answered.tags or ()
        after = [name for name in names if asked.asked.last is None or name > asked.asked.last]
        page = after[: asked.asked.page_size]
        return ok(200, tags=tuple(page), longest_page=len(page), has_next=bool(page) and len(page) < len(after))

    def list_catalog(self, asked: Invocation) -> Completion:
        names = sorted({repository_of(key) for key in (*self.blobs, *self.manifests)})
        after = [name for name in names if asked.asked.last is None or name > asked.asked.last]
        page = after[: asked.asked.page_size]
        return ok(200, repositories=tuple(page), longest_page=len(page), has_next=bool(page) and len(page) < len(after))

    def list_referrers(self, asked: Invocation) -> Completion:
        repository, subject = repository_of(asked.key), digest_of(asked.key)
        referrers = tuple(
            Referrer(digest_of(key) or "", stored.artifact_type)
            for key, stored in self.manifests.items()
            if repository_of(key) == repository and stored.subject == subject
        )
        return ok(200, referrers=referrers)


def located(asked: Invocation, kind: str) -> str:
    return f"/v2/{repository_of(asked.key)}/{kind}/{asked.asked.digest}"


_HANDLERS = {
    F.PUSH_BLOB: ModelRegistry.push_blob,
    F.START_UPLOAD: ModelRegistry.start_upload,
    F.PATCH_UPLOAD: ModelRegistry.step_upload,
    F.GET_UPLOAD: ModelRegistry.step_upload,
    F.FINISH_UPLOAD: ModelRegistry.step_upload,
    F.CANCEL_UPLOAD: ModelRegistry.step_upload,
    F.MOUNT_BLOB: ModelRegistry.mount_blob,
    F.GET_BLOB: ModelRegistry.get_blob,
    F.HEAD_BLOB: ModelRegistry.get_blob,
    F.DELETE_BLOB: ModelRegistry.delete_blob,
    F.PUT_MANIFEST: ModelRegistry.put_manifest,
    F.GET_MANIFEST: ModelRegistry.get_manifest,
    F.HEAD_MANIFEST: ModelRegistry.get_manifest,
    F.DELETE_TAG: ModelRegistry.delete_tag,
    F.DELETE_MANIFEST: ModelRegistry.delete_manifest,
    F.LIST_TAGS: ModelRegistry.list_tags,
    F.LIST_PAGE: ModelRegistry.list_page,
    F.LIST_CATALOG: ModelRegistry.list_catalog,
    F.LIST_REFERRERS: ModelRegistry.list_referrers,
}
_READS = frozenset(
    {
        F.GET_BLOB,
        F.HEAD_BLOB,
        F.GET_MANIFEST,
        F.HEAD_MANIFEST,
        F.LIST_TAGS,
        F.LIST_PAGE,
        F.LIST_CATALOG,
        F.LIST_REFERRERS,
        F.GET_UPLOAD,
    }
)


def ok(status: int, **facts: object) -> Completion:
    return Completion(kind=Kind.OK, answered=answered_with(status, exchanges=1, **facts))


def absent() -> Completion:
    answered = answered_with(404, present=False, exchanges=1)
    return Completion(kind=Kind.OK, answered=answered, error=None)


def refused(status: int, code: str) -> Completion:
    return Completion(kind=Kind.FAIL, answered=answered_with(status, error_code=code), error=f"{status} {code}")


def answered_with(status: int, **facts: object) -> Answered:
    return msgspec.convert({"status": status, **facts}, Answered, from_attributes=True)


class ModelClient:
    """A process's client: an operation takes effect somewhere within its time."""

    def __init__(self, registry: ModelRegistry, chance: Random) -> None:
        self._registry = registry
        self._chance = chance
        self.is_closed = False

    async def perform(self, invocation: Invocation, request_id: str) -> Completion:
        if self._registry.is_stalled:
            await trio.sleep(TIME_OUT_S)
            return Completion(kind=Kind.INFO, answered=Answered(), error="time-out")
        await trio.sleep(self._chance.uniform(0.0005, 0.01))
        if invocation.f is F.GET_MANIFEST:
            stall_s, self._registry.stalls_for_s = self._registry.stalls_for_s, 0.0
            await trio.sleep(stall_s)
        completion = self._registry.perform(invocation)
        await trio.sleep(self._chance.uniform(0.0005, 0.01))
        return completion

    async def aclose(self) -> None:
        self.is_closed = True
        await trio.lowlevel.checkpoint()


class NoMonitoring:
    """A registry without the monitoring API."""

    async def poll(self, path: str) -> "NoMonitoring":
        await trio.lowlevel.checkpoint()
        return self

    status = 404
    body = b"404 page not found"
    error = None


class ModelTarget:
    """The model as a target, and as the wiring that leads to it."""

    def __init__(self) -> None:
        self.registry = ModelRegistry()
        self.death = trio.Event()
        self.is_up = False
        self._chance = Random("model")

    def silence(self) -> Completion:
        """The answer that did not come."""
        return Completion(kind=Kind.INFO, answered=Answered(), error="no answer")

    def turn_away(self, retry_after_s: float) -> None:
        """Answer everything 429 from now on."""
        answered = Answered(status=429, retry_after_s=retry_after_s)
        self.registry.answers = lambda _asked: Completion(kind=Kind.FAIL, answered=answered, error="429")

    @asynccontextmanager
    async def running(self, run_folder: Path) -> AsyncIterator[Running]:
        self.is_up = True
        try:
            yield Running(address=ADDRESS, credentials=None, is_fresh=False, wait_death=self._wait_death)
        finally:
            self.is_up = False

    async def _wait_death(self) -> str:
        await self.death.wait()
        return "was killed by SIGKILL"

    def open_client(self, running: Running, process: int) -> ModelClient:
        return ModelClient(self.registry, self._chance)

    @asynccontextmanager
    async def open_poller(self, running: Running) -> AsyncIterator[NoMonitoring]:
        yield NoMonitoring()


class FillingDisk(io.BytesIO):
    """A file on a disk that is full after so many writes."""

    def __init__(self, path: Path, writes: int) -> None:
        super().__init__()
        self._path = path
        self._writes = writes

    def write(self, data: Any) -> int:
        if self._writes == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._writes -= 1
        with self._path.open("ab") as file:
            return file.write(data)


class Conducted(msgspec.Struct):
    """A run that is over."""

    plan: RunPlan
    folder: Path
    history: History
    failure: ReportsUnwritable | None


EVERY_ACTION = dict.fromkeys(WORKLOADS["mixed"].actions, 1)


# A moment on a busy machine is enough.
LITTLE = {
    "tags.writes-read-back": 1,
    "blobs.read-back": 1,
    "closure.images-pulled-whole": 0,
    "listing.lists": 1,
    "agreement.head-and-get": 1,
    "uploads.offsets": 0,
}


@pytest.fixture
def modelled() -> Callable[[str], Scenario]:
    """A shipped scenario, of which `mixed` is left with what the model registry knows."""

    def load(name: str) -> Scenario:
        scenario = load_scenario(name)
        if name != "mixed":
            return scenario
        weights = {action: weight for action, weight in scenario.weights.items() if action in EVERY_ACTION}
        return msgspec.structs.replace(scenario, workload="mixed", weights=weights, evidence=LITTLE)

    return load


@pytest.fixture
def target() -> ModelTarget:
    return ModelTarget()


@pytest.fixture
def conduct(target: ModelTarget, tmp_path: Path) -> Callable[..., Conducted]:
    """Runs a plan against `target` in virtual time and gives what it left behind.

    Args of the function: `meanwhile`, an async function that runs beside it; `fails_after`, writes until the report
    disk is full; `keys`, of the scenario; everything else is a flag.
    """

    def run(
        meanwhile: Callable[[Run], Awaitable[None]] | None = None,
        *,
        seed: int = 1,
        duration_s: float = 5.0,
        fails_after: int = -1,
        keys: dict[str, Any] | None = None,
        **flags: Any,
    ) -> Conducted:
        facts = {"title": "t", "description": "d", "workload": "mixed", "weights": EVERY_ACTION} | (keys or {})
        scenario = Scenario(**facts)
        given = Flags(seed=seed, workers=4, duration_s=duration_s, **flags)
        plan = make_plan("test", scenario, given, started=STARTED, chance=Random(seed))
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        write_plan(folder, plan)
        header = Header(format=JOURNAL_FORMAT, nscr=plan.nscr, run_id=plan.run_id)
        journal = JournalWriter(FillingDisk(folder / JOURNAL_NAME, fails_after), header)
        clock = trio.testing.MockClock(autojump_threshold=0)
        with ungrouped():
            failure = trio.run(_conduct, plan, target, journal, folder, meanwhile, clock=clock)
        return Conducted(plan, folder, History(read_journal(folder / JOURNAL_NAME)), failure)

    return run


async def _conduct(
    plan: RunPlan,
    target: ModelTarget,
    journal: JournalWriter,
    folder: Path,
    meanwhile: Callable[[Run], Awaitable[None]] | None,
) -> ReportsUnwritable | None:
    clock = RunClock()
    recorder = Recorder(journal, clock, observe=lambda _entry: None, on_failure=lambda: run.abandon())
    run = Run(
        plan,
        workload=WORKLOADS[plan.scenario.workload],
        target=target,
        wiring=target,
        recorder=recorder,
        clock=clock,
        folder=folder,
    )
    async with trio.open_nursery() as nursery:
        if meanwhile is not None:
            nursery.start_soon(meanwhile, run)
        await run.conduct()
        nursery.cancel_scope.cancel()
    return recorder.failure
