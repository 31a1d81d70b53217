"""A run folder as a long run against an honest registry leaves it, made by simulation: the same for the same seed.

Clients in a closed loop, each operation taking effect at some instant of its interval. Memory is bounded by what the
registry holds, so that a journal of any length can be made: `python tests/benchmarks/synthetic_run.py FOLDER COUNT`.
"""

import hashlib
import heapq
import sys
from pathlib import Path
from random import Random

import msgspec

from nscr_cli.engine.judging import write_plan
from nscr_cli.history.journal import JOURNAL_FORMAT, JOURNAL_NAME, Header, JournalWriter
from nscr_cli.history.keys import digest_key, digest_of, repository_of, tag_key, tag_of
from nscr_cli.history.ops import Answered, Asked, Event, F, Kind, Op, Phase, PushStyle, Reference, Sample
from nscr_cli.history.plan import RunPlan, Scenario

RUN_ID = "20260101t000000z-000000"
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
_SHARES = (
    (F.GET_MANIFEST, 30),
    (F.HEAD_MANIFEST, 14),
    (F.PUT_MANIFEST, 14),
    (F.GET_BLOB, 16),
    (F.HEAD_BLOB, 6),
    (F.PUSH_BLOB, 13),
    (F.MOUNT_BLOB, 2),
    (F.DELETE_TAG, 2),
    (F.DELETE_MANIFEST, 1),
    (F.DELETE_BLOB, 1.7),
    (F.LIST_TAGS, 0.3),
)
_STYLES = list(PushStyle)
_UNANSWERED = 0.0005
_RECENT = 40
_REFUSED = {
    F.MOUNT_BLOB: "not mounted: 202",
    F.DELETE_TAG: "404 MANIFEST_UNKNOWN",
    F.DELETE_MANIFEST: "404 MANIFEST_UNKNOWN",
    F.DELETE_BLOB: "404 BLOB_UNKNOWN",
}


class Repository:
    """One repository as it is, and what was put there lately."""

    def __init__(self, name: str, tags: int) -> None:
        self.name = name
        self.tag_keys = [tag_key(name, f"tag-{number:04}") for number in range(tags)]
        self.tags: dict[str, str] = {}
        self.holders: dict[str, set[str]] = {}
        self.manifests: dict[str, Asked] = {}
        self.blobs: dict[str, int] = {}
        self.recent_blobs: list[str] = []
        self.recent_manifests: list[str] = []


class Simulation:
    """Draws what is asked, and answers as a registry that keeps every promise."""

    def __init__(self, chance: Random, *, repositories: int, tags: int) -> None:
        self._chance = chance
        namespace = f"nscr-torture/{RUN_ID}"
        each = -(-tags // repositories)
        self.repositories = {
            name: Repository(name, each) for name in (f"{namespace}/repository-{n}" for n in range(repositories))
        }
        self._all = list(self.repositories.values())
        self._kinds = [f for f, share in _SHARES for _ in range(round(10 * share))]
        self._made = 0

    def first(self) -> list[tuple[F, str, Asked]]:
        """Blobs for every repository, before anything refers to any."""
        return [self._push(repository) for repository in self._all for _ in range(10)]

    def last(self) -> list[tuple[F, str, Asked]]:
        """A read of every tag, and a list of every repository."""
        reads = [(F.GET_MANIFEST, key, Asked()) for one in self._all for key in one.tag_keys]
        return [*reads, *((F.LIST_TAGS, one.name, Asked()) for one in self._all)]

    def ask(self) -> tuple[F, str, Asked]:
        """The next operation."""
        chance = self._chance
        repository = chance.choice(self._all)
        f = chance.choice(self._kinds)
        match f:
            case F.PUT_MANIFEST:
                return self._put(repository)
            case F.PUSH_BLOB:
                return self._push(repository)
            case F.MOUNT_BLOB:
                source = chance.choice(self._all)
                digest = chance.choice(source.recent_blobs)
                asked = Asked(digest=digest, size=_size(digest), source=source.name)
                return f, digest_key(repository.name, digest), asked
            case F.GET_BLOB | F.HEAD_BLOB | F.DELETE_BLOB:
                digest = chance.choice(repository.recent_blobs)
                size = _size(digest) if f is not F.DELETE_BLOB else None
                return f, digest_key(repository.name, digest), Asked(digest=digest, size=size)
            case F.LIST_TAGS:
                return f, repository.name, Asked()
            case F.DELETE_MANIFEST if repository.recent_manifests:
                digest = chance.choice(repository.recent_manifests)
                return f, digest_key(repository.name, digest), Asked(digest=digest)
            case F.GET_MANIFEST if repository.recent_manifests and chance.random() < 0.2:
                digest = chance.choice(repository.recent_manifests)
                return f, digest_key(repository.name, digest), Asked(digest=digest)
            case F.DELETE_TAG:
                return f, chance.choice(repository.tag_keys), Asked()
        return (f if f is F.HEAD_MANIFEST else F.GET_MANIFEST), chance.choice(repository.tag_keys), Asked()

    def _push(self, repository: Repository) -> tuple[F, str, Asked]:
        digest = self._digest("blob")
        asked = Asked(digest=digest, size=_size(digest), style=self._chance.choice(_STYLES))
        return F.PUSH_BLOB, digest_key(repository.name, digest), asked

    def _put(self, repository: Repository) -> tuple[F, str, Asked]:
        chosen = {self._chance.choice(repository.recent_blobs) for _ in range(3)}
        edges = tuple(Reference(one, False, repository.blobs[one]) for one in sorted(chosen) if one in repository.blobs)
        asked = Asked(digest=self._digest("manifest"), size=500, media_type=MEDIA_TYPE, references=edges)
        return F.PUT_MANIFEST, self._chance.choice(repository.tag_keys), asked

    def _digest(self, kind: str) -> str:
        self._made += 1
        return f"sha256:{hashlib.sha256(f'{kind} {self._made}'.encode()).hexdigest()}"

    def apply(self, f: F, key: str, asked: Asked) -> tuple[Kind, Answered]:
        """Take effect, and say what is answered."""
        repository = self.repositories[repository_of(key)]
        digest = asked.digest or ""
        match f:
            case F.PUSH_BLOB | F.MOUNT_BLOB:
                return self._bring(f, repository, digest, asked)
            case F.GET_BLOB | F.HEAD_BLOB:
                size = repository.blobs.get(digest)
                if size is None:
                    return _absent("BLOB_UNKNOWN")
                got = {"digest": digest, "length": size} if f is F.GET_BLOB else {}
                return _ok(200, present=True, header_digest=digest, content_length=size, **got)
            case F.PUT_MANIFEST:
                return self._name(repository, key, digest, asked)
            case F.GET_MANIFEST | F.HEAD_MANIFEST:
                return self._read(f, repository, key)
            case F.LIST_TAGS:
                tags = tuple(sorted(tag_of(one) or "" for one in repository.tags))
                return _ok(200, present=True, tags=tags, longest_page=len(tags))
            case F.DELETE_BLOB:
                return _ok(202) if repository.blobs.pop(digest, None) is not None else _fail("BLOB_UNKNOWN")
            case F.DELETE_TAG:
                held = repository.tags.pop(key, None)
                if held is None:
                    return _fail("MANIFEST_UNKNOWN")
                repository.holders[held].discard(key)
                return _ok(202)
        if repository.manifests.pop(digest, None) is None:
            return _fail("MANIFEST_UNKNOWN")
        for tag in repository.holders.pop(digest, ()):
            del repository.tags[tag]
        return _ok(202)

    def _bring(self, f: F, repository: Repository, digest: str, asked: Asked) -> tuple[Kind, Answered]:
        if f is F.MOUNT_BLOB and digest not in self.repositories[asked.source or ""].blobs:
            return Kind.FAIL, Answered(status=202, request_id="", exchanges=1)
        repository.blobs[digest] = asked.size or 0
        _remember(repository.recent_blobs, digest)
        location = f"/v2/{repository.name}/blobs/{digest}"
        sent = (asked.size or 0,) if asked.style is PushStyle.CHUNKED_PATCH else ()
        return _ok(201, header_digest=digest, location=location, sent_offsets=sent, stored_offsets=sent)

    def _name(self, repository: Repository, key: str, digest: str, asked: Asked) -> tuple[Kind, Answered]:
        repository.manifests[digest] = asked
        held = repository.tags.get(key)
        if held is not None:
            repository.holders[held].discard(key)
        repository.tags[key] = digest
        repository.holders.setdefault(digest, set()).add(key)
        _remember(repository.recent_manifests, digest)
        return _ok(201, header_digest=digest, location=f"/v2/{repository.name}/manifests/{tag_of(key)}")

    def _read(self, f: F, repository: Repository, key: str) -> tuple[Kind, Answered]:
        digest = digest_of(key) or repository.tags.get(key)
        asked = repository.manifests.get(digest or "")
        if asked is None:
            return _absent("MANIFEST_UNKNOWN")
        got = {"digest": digest, "length": 500, "references": asked.references} if f is F.GET_MANIFEST else {}
        return _ok(200, present=True, header_digest=digest, content_length=500, media_type=MEDIA_TYPE, **got)


def _size(digest: str) -> int:
    return int(digest[-4:], 16)


def _remember(recent: list[str], digest: str) -> None:
    recent.append(digest)
    if len(recent) > _RECENT:
        del recent[0]


def _ok(status: int, **fields: object) -> tuple[Kind, Answered]:
    return Kind.OK, Answered(status=status, request_id="", exchanges=1, **fields)  # type: ignore[arg-type]


def _absent(code: str) -> tuple[Kind, Answered]:
    return Kind.OK, Answered(status=404, present=False, error_code=code, request_id="", exchanges=1)


def _fail(code: str) -> tuple[Kind, Answered]:
    return Kind.FAIL, Answered(status=404, error_code=code, request_id="", exchanges=1)


class Clients:
    """Plays the clients on one clock, and writes what they do."""

    def __init__(self, journal: JournalWriter, simulation: Simulation, chance: Random, clients: int) -> None:
        self._journal = journal
        self._simulation = simulation
        self._chance = chance
        self._clients = clients
        self._processes = clients
        self._index = 0
        self.now = 1_000_000_000

    def play(self, phase: Phase, count: int, asks: list[tuple[F, str, Asked]] | None = None) -> None:
        """Operations of one phase, to the last answer."""
        waiting = iter(asks) if asks is not None else None
        events: list[tuple[int, int, int, str]] = [(self.now + n, n, n, "start") for n in range(self._clients)]
        number = self._clients
        begun: dict[int, Op] = {}
        answers: dict[int, tuple[Kind, Answered]] = {}
        while events:
            self.now, _, process, what = heapq.heappop(events)
            if what == "start":
                if count == 0:
                    continue
                count -= 1
                f, key, asked = next(waiting) if waiting is not None else self._simulation.ask()
                begun[process] = self._write(process, Kind.INVOKE, f, key, phase, asked=asked)
                took = 200_000 + int(4_800_000 * self._chance.random())
                heapq.heappush(events, (self.now + took // 2, number, process, "effect"))
                heapq.heappush(events, (self.now + took, number + 1, process, "end"))
                number += 2
            elif what == "effect":
                op = begun[process]
                answers[process] = self._simulation.apply(op.f, op.key, op.asked or Asked())
            else:
                op = begun.pop(process)
                kind, answered = answers.pop(process)
                if phase is Phase.MAIN and self._chance.random() < _UNANSWERED:
                    self._write(process, Kind.INFO, op.f, op.key, phase, answered=Answered(), error="given up")
                    process = self._processes
                    self._processes += 1
                else:
                    named = msgspec.structs.replace(answered, request_id=f"{RUN_ID}-{op.index}.1")
                    error = _REFUSED[op.f] if kind is Kind.FAIL else None
                    self._write(process, kind, op.f, op.key, phase, answered=named, error=error)
                heapq.heappush(events, (self.now + 20_000, number, process, "start"))
                number += 1

    def _write(
        self,
        process: int,
        kind: Kind,
        f: F,
        key: str,
        phase: Phase,
        *,
        asked: Asked | None = None,
        answered: Answered | None = None,
        error: str | None = None,
    ) -> Op:
        op = Op(
            index=self._index,
            process=process,
            kind=kind,
            f=f,
            key=key,
            phase=phase,
            intended_ns=self.now - 10_000,
            time_ns=self.now,
            asked=asked,
            answered=answered,
            error=error,
        )
        self._index += 1
        self._journal.take(op)
        if self._index % 1000 == 0:
            self._journal.flush()
        return op


def write_synthetic_run(
    folder: Path, operations: int, *, repositories: int = 8, tags: int = 1000, clients: int = 64, seed: int = 1
) -> None:
    """Plan and journal of a run with so many operations in its main phase."""
    plan = RunPlan(
        run_id=RUN_ID,
        scenario_name="mixed",
        scenario=Scenario(title="synthetic", description="made by a script", workload="mixed"),
        seed=seed,
        workers=clients,
        duration_s=60.0,
        registry_url="http://127.0.0.1:5000",
        namespace=f"nscr-torture/{RUN_ID}",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0.1.0",
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_plan(folder, plan)
    chance = Random(seed)
    simulation = Simulation(chance, repositories=repositories, tags=tags)
    with (folder / JOURNAL_NAME).open("wb") as file:
        journal = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0.1.0", run_id=RUN_ID))
        play = Clients(journal, simulation, chance, clients)

        def event(name: str, **detail: str) -> None:
            journal.append(Event(name=name, time_ns=play.now, detail=detail))

        event("target", url="http://127.0.0.1:5000", fresh="yes", monitoring="yes")
        first, last = simulation.first(), simulation.last()
        event("phase", phase="seed")
        play.play(Phase.SEED, len(first), first)
        event("phase", phase="main")
        play.play(Phase.MAIN, operations)
        journal.append(msgspec.structs.replace(_quiet(simulation, play.now)[-1], quiet=False))
        play.now += 1_000
        event("phase", phase="final")
        play.play(Phase.FINAL, len(last), last)
        for sample in _quiet(simulation, play.now):
            journal.append(sample)
        event("finished")


def _quiet(simulation: Simulation, now: int) -> list[Sample]:
    """What the monitoring API says in the end, of every repository and in total."""
    samples = []
    for repository in simulation.repositories.values():
        tags = [{"tag": tag_of(key), "hasManifest": True, "digest": digest} for key, digest in repository.tags.items()]
        document = {"name": repository.name, "tagCount": len(tags), "tags": tags, "timestamp": 1}
        samples.append((f"/api/registry/repositories/{repository.name}", document))
    digests = {digest for repository in simulation.repositories.values() for digest in repository.blobs}
    health = {
        "status": "healthy",
        "timestamp": 1,
        "uptime": 1,
        "registryVersion": "0",
        "checks": {"repositoryListing": True, "statisticsAccess": True, "databaseConnectivity": True},
        "metrics": {
            "totalRepositories": sum(bool(one.manifests) for one in simulation.repositories.values()),
            "totalManifests": sum(len(one.manifests) for one in simulation.repositories.values()),
            "totalBlobs": len(digests),
            "activeSessions": 0,
            "logStreamClients": 0,
        },
        "warnings": [],
    }
    samples.append(("/api/registry/health", health))
    return [
        Sample(
            endpoint=endpoint,
            start_ns=now + 1 + 2 * number,
            end_ns=now + 2 + 2 * number,
            quiet=True,
            status=200,
            body=msgspec.Raw(msgspec.json.encode(document)),
        )
        for number, (endpoint, document) in enumerate(samples)
    ]


if __name__ == "__main__":
    write_synthetic_run(Path(sys.argv[1]), int(sys.argv[2]), repositories=int((*sys.argv, "8")[3]))
