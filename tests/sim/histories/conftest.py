"""A registry that is simulated in a few lines, with bugs that can be switched on, and the histories that it makes.

Each operation takes effect at a random instant of its interval, or for `info` at any later one or never.
"""

import hashlib
from collections.abc import Callable
from random import Random

import msgspec
import pytest

from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, Event, F, Kind, Op, Phase, PushStyle, Reference, Sample
from nscr_cli.history.plan import RunPlan, Scenario

Simulate = Callable[..., History]
_SIZE = 5


class SimulatedRegistry:
    """Blobs, manifests and tags, exactly as promised, but for the bug that is asked for.

    Args:
        bug: name of a planted bug, or "" for none.
        share: how often it strikes.
    """

    def __init__(self, random: Random, bug: str, share: float) -> None:
        self._random = random
        self._bug = bug
        self._share = share
        self._blobs: set[str] = set()
        self._committed: set[str] = set()
        self._told: dict[str, object] = {}
        self._manifests: dict[str, tuple[Reference, ...]] = {}
        self._tags: dict[str, str] = {}
        self._graves: list[tuple[str, str]] = []

    def apply(self, f: F, key: str, asked: Asked) -> tuple[Kind, Answered]:
        repository = key.partition("@")[0].partition(":")[0]
        digest = asked.digest or ""
        match f:
            case F.PUSH_BLOB:
                self._committed.add(digest)
                if not self._strikes("lost-blob"):
                    self._blobs.add(key)
                return _ok(201, header_digest=digest, location=f"/v2/{repository}/blobs/{digest}")
            case F.DELETE_BLOB:
                return self._delete_blob(key)
            case F.GET_BLOB | F.HEAD_BLOB:
                return self._read_blob(f, key, digest)
            case F.PUT_MANIFEST:
                self._manifests[f"{repository}@{digest}"] = asked.references
                if ":" in key.partition("@")[0] and not self._strikes("lost-tag"):
                    self._tags[key] = digest
                return _ok(201, header_digest=digest, location=f"/v2/{repository}/manifests/{digest}")
            case F.DELETE_TAG:
                return self._delete_tag(key)
            case F.DELETE_MANIFEST:
                return self._delete_manifest(repository, key, digest)
            case F.GET_MANIFEST | F.HEAD_MANIFEST:
                return self._read_manifest(f, key)
            case _:
                tags = sorted(tag.partition(":")[2] for tag in self._tags if tag.partition(":")[0] == repository)
                if tags and self._strikes("short-list"):
                    tags.pop()
                return _ok(200, tags=tuple(tags), present=True)

    def _delete_blob(self, key: str) -> tuple[Kind, Answered]:
        if key not in self._blobs:
            return Kind.FAIL, Answered(status=404)
        if not self._strikes("undead-blob"):
            self._blobs.discard(key)
        return _ok(202)

    def _read_blob(self, f: F, key: str, digest: str) -> tuple[Kind, Answered]:
        if key not in self._blobs:
            return _ok(404, present=False)
        if f is F.HEAD_BLOB:
            return _ok(200, present=True, header_digest=digest, content_length=_SIZE)
        if self._strikes("truncated-blob"):
            return _ok(200, present=True, digest=_digest("half"), length=2, content_length=2)
        return _ok(200, present=True, digest=digest, header_digest=digest, length=_SIZE, content_length=_SIZE)

    def _delete_tag(self, key: str) -> tuple[Kind, Answered]:
        if self._graves and self._strikes("undead-tag"):
            tag, digest = self._graves.pop()
            self._tags.setdefault(tag, digest)
        if key not in self._tags:
            return Kind.FAIL, Answered(status=404)
        self._graves.append((key, self._tags.pop(key)))
        return _ok(202)

    def _delete_manifest(self, repository: str, key: str, digest: str) -> tuple[Kind, Answered]:
        if self._manifests.pop(key, None) is None:
            return Kind.FAIL, Answered(status=404)
        for tag in [tag for tag, held in self._tags.items() if tag.startswith(f"{repository}:") and held == digest]:
            if not self._strikes("tag-outlives-manifest"):
                del self._tags[tag]
        if self._strikes("delete-takes-more"):
            self._tags = {tag: held for tag, held in self._tags.items() if not tag.startswith(f"{repository}:")}
        return _ok(202)

    def _read_manifest(self, f: F, key: str) -> tuple[Kind, Answered]:
        digest = key.partition("@")[2] if "@" in key else self._tags.get(key)
        repository = key.partition("@")[0].partition(":")[0]
        if digest is None or ("@" in key and f"{repository}@{digest}" not in self._manifests):
            return _ok(404, present=False)
        seen = digest if f is F.GET_MANIFEST else None
        return _ok(200, present=True, digest=seen, header_digest=digest)

    def tell(self, endpoint: str) -> dict[str, object]:
        """The answer of the monitoring API at this moment; with the bug `stale-state`, sometimes the one before."""
        names = sorted({key.partition("@")[0] for key in self._manifests})
        tags = {
            name: {
                key.partition(":")[2]: held for key, held in sorted(self._tags.items()) if key.startswith(f"{name}:")
            }
            for name in names
        }
        blobs = [{"digest": digest, "size": _SIZE, "created": 0} for digest in sorted(self._committed)]
        if endpoint == "/api/registry/state":
            told: dict[str, object] = {
                "summary": {
                    "totalRepositories": len(names),
                    "totalManifests": len(self._manifests),
                    "totalBlobs": len(blobs),
                    "unreferencedBlobs": len(blobs),
                    "orphanedManifests": 0,
                    "estimatedSpaceToFree": _SIZE * len(blobs),
                },
                "registryVersion": "2.0",
                "repositories": [
                    {"name": name, "tagCount": len(tags[name]), "tags": list(tags[name])} for name in names
                ],
                "activeSessions": {"count": 0, "sessions": []},
                "health": {"status": "healthy", "uptime": 0, "logStreamClients": 0},
            }
        elif endpoint == "/api/registry/blobs":
            told = {"totalBlobs": len(blobs), "blobs": blobs}
        else:
            name = endpoint.removeprefix("/api/registry/repositories/")
            if name not in names:
                return {"error": "unknown repository", "message": name}
            details = [{"tag": tag, "hasManifest": True, "digest": held} for tag, held in tags[name].items()]
            told = {"name": name, "tagCount": len(details), "tags": details}
        told["timestamp"] = 0
        told = self._told.get(endpoint, told) if self._strikes("stale-state") else told  # type: ignore[assignment]
        self._told[endpoint] = told
        return told

    def _strikes(self, bug: str) -> bool:
        return bug == self._bug and self._random.random() < self._share


@pytest.fixture
def plan() -> RunPlan:
    """A plan whose scenario asks for no evidence beyond the defaults."""
    return RunPlan(
        run_id="run",
        scenario_name="simulated",
        scenario=Scenario(title="", description="", workload="mixed"),
        seed=0,
        workers=8,
        duration_s=1,
        registry_url=None,
        namespace="r",
        started_utc="2026-01-01T00:00:00Z",
        nscr="0",
    )


@pytest.fixture
def simulate() -> Simulate:
    """`simulate(seed, count=..., clients=..., endless=..., bug=..., share=..., polls=...)`: the history of a run."""
    return _simulate


def _simulate(
    seed: int,
    *,
    count: int,
    clients: int = 6,
    endless: float = 0.01,
    bug: str = "",
    share: float = 0.1,
    polls: int = 0,
) -> History:
    random = Random(seed)
    registry = SimulatedRegistry(random, bug, share)
    written: list[str] = []
    plans = _schedule(random, count, clients, endless)
    # What takes effect first is decided first; a completion knows what its operation then saw.
    effects: dict[int, tuple[Kind, Answered]] = {}
    asks = [_ask(random, written, number) for number in range(len(plans))]
    # A stream of its own: that somebody watches changes nothing of what is watched.
    samples = _polls(Random(f"{seed} polls"), polls, max(end for _, _, end, _, _ in plans))
    told: list[Sample] = []
    for number, (_, _, _, point, is_endless) in sorted(enumerate(plans), key=lambda one: one[1][3]):
        while samples and samples[0][0] < point:
            told.append(_sample(registry, *samples.pop(0)))
        f, key, asked = asks[number]
        happens = not is_endless or random.random() < 0.5
        effects[number] = registry.apply(f, key, asked) if happens else (Kind.INFO, Answered())
        if is_endless:
            effects[number] = (Kind.INFO, Answered())
    entries: list[tuple[int, int, Op]] = []
    for number, (process, start, end, _, _) in enumerate(plans):
        f, key, asked = asks[number]
        kind, answered = effects[number]
        common = {"process": process, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": start}
        entries.append((start, 1, Op(index=2 * number, kind=Kind.INVOKE, time_ns=start, asked=asked, **common)))
        entries.append((end, 0, Op(index=2 * number + 1, kind=kind, time_ns=end, answered=answered, **common)))
    entries.sort(key=lambda one: one[:2])
    told.extend(_sample(registry, *sample) for sample in samples)
    monitoring = "yes" if polls else "no"
    target = Event(name="target", time_ns=0, detail={"fresh": "yes", "monitoring": monitoring, "url": "http://[::1]:1"})
    return History([target, *told, *(op for _, _, op in entries)])


def _polls(random: Random, count: int, until: int) -> list[tuple[int, int, int, str]]:
    """(instant at which it is answered, start, end, endpoint) of every poll, by that instant."""
    endpoints = ("state", "state", "blobs", "repositories/r/one", "repositories/r/two")
    polls = []
    for _ in range(count):
        start = random.randint(0, until)
        end = start + random.randint(1, 12)
        polls.append((random.randint(start, end), start, end, f"/api/registry/{random.choice(endpoints)}"))
    return sorted(polls)


def _sample(registry: SimulatedRegistry, _point: int, start: int, end: int, endpoint: str) -> Sample:
    told = registry.tell(endpoint)
    status = 404 if "error" in told else 200
    return Sample(
        endpoint=endpoint, start_ns=start, end_ns=end, status=status, body=msgspec.Raw(msgspec.json.encode(told))
    )


def _schedule(random: Random, count: int, clients: int, endless: float) -> list[tuple[int, int, int, int, bool]]:
    """(process, start, end, instant of effect, is endless) of every operation, closed loop per client."""
    free = [0] * clients
    process = list(range(clients))
    plans = []
    for _ in range(count):
        client = min(range(clients), key=lambda one: free[one])
        start = free[client] + random.randint(1, 4)
        end = start + random.randint(1, 12)
        is_endless = random.random() < endless
        point = random.randint(start, end + 60) if is_endless else random.randint(start, end)
        plans.append((process[client], start, end, point, is_endless))
        free[client] = end
        if is_endless:
            process[client] += clients
    return plans


def _ask(random: Random, written: list[str], number: int) -> tuple[F, str, Asked]:
    repository = random.choice(["r/one", "r/two"])
    tag = f"{repository}:{random.choice(['a', 'b'])}"
    blob = _digest(f"blob {random.randrange(6)}")
    manifest = random.choice(written[-8:]) if written else _digest("nothing")
    draw = random.random()
    if draw < 0.2:
        digest = _digest(f"manifest {number}")
        written.append(digest)
        key = tag if random.random() < 0.8 else f"{repository}@{digest}"
        return F.PUT_MANIFEST, key, Asked(digest=digest, size=7)
    if draw < 0.3:
        asked = Asked(digest=blob, size=_SIZE, style=random.choice(list(PushStyle)))
        return F.PUSH_BLOB, f"{repository}@{blob}", asked
    choices = [
        (F.GET_MANIFEST, tag, None),
        (F.GET_MANIFEST, tag, None),
        (F.HEAD_MANIFEST, tag, None),
        (F.DELETE_TAG, tag, None),
        (F.GET_MANIFEST, f"{repository}@{manifest}", manifest),
        (F.DELETE_MANIFEST, f"{repository}@{manifest}", manifest),
        (F.GET_BLOB, f"{repository}@{blob}", blob),
        (F.HEAD_BLOB, f"{repository}@{blob}", blob),
        (F.DELETE_BLOB, f"{repository}@{blob}", blob),
        (F.LIST_TAGS, repository, None),
    ]
    f, key, digest = random.choice(choices)
    return f, key, Asked(digest=digest)


def _ok(status: int, **fields: object) -> tuple[Kind, Answered]:
    return Kind.OK, Answered(status=status, **fields)


def _digest(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
