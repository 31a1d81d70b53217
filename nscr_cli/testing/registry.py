"""The reference registry beside a test: a child process, watched from a thread of its own, ended when the test is over.

The thread runs trio: it holds the process (which dies with the thread, see targets/parent_death.py) and, where
something is to go wrong on the way, the fault proxy. What the test reads and does is synchronous.
"""

import hashlib
import itertools
import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import trio

from nscr_cli.client.auth import authorization
from nscr_cli.client.monitoring import Monitor
from nscr_cli.client.target import Credentials, Target
from nscr_cli.errors import TargetUnreachable, UsageError
from nscr_cli.nemesis.exchange import Strike
from nscr_cli.nemesis.proxy import Proxy
from nscr_cli.targets.base import Running
from nscr_cli.targets.reference import LOG_NAME, ReferenceTarget, Setting
from nscr_cli.testing.faults import Misbehaviour, named

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
TAGS_AT_ONCE = 32


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of registry.

    Attributes:
        sabotage: known bugs of registries to build in, see `python -m nscr --list-sabotages`.
        username, password: asked of every client; one without the other is not enough.
        faults: what goes wrong on the way to it (faults.py).
        settings: keys of docs/settings.md and their values.
        seed: what faults with a share draw from.
    """

    sabotage: Sequence[str] = ()
    username: str | None = None
    password: str | None = None
    faults: Sequence[Misbehaviour] = ()
    settings: Mapping[str, Setting] = {}
    seed: int = 1

    @property
    def credentials(self) -> Credentials | None:
        """What clients have to give."""
        if (self.username is None) != (self.password is None):
            raise UsageError("a user name without a password, or the other way round", hint="give both or neither")
        return None if self.username is None else Credentials(self.username, self.password or "")


class RunningRegistry:
    """A registry that answers.

    Attributes:
        url: where clients reach it, faults on the way included.
        host, port: the same in parts.
        direct_url: where it is reached past all faults.
        username, password: what it asks for; None where it asks for nothing.
        monitor: its monitoring API, past all faults.
        data: its data folder.
        log: the file of what it printed.
        strikes: what went wrong on the way so far, in order.
    """

    def __init__(
        self, address: Target, *, port: int, credentials: Credentials | None, folder: Path, strikes: list[Strike]
    ) -> None:
        self.host = address.host
        self.port = port
        self.url = f"{address.scheme}://{address.host}:{port}"
        self.direct_url = address.url
        self.username = credentials.username if credentials is not None else None
        self.password = credentials.password if credentials is not None else None
        self.data = folder / "data"
        self.log = folder / LOG_NAME
        self.strikes = strikes
        # Whose certificate it has is the test's business; that it is ours we know.
        self.monitor = Monitor(self.direct_url, self.username, self.password, is_verified=False)
        self._headers = dict(authorization(credentials))
        self._numbers = itertools.count(1)

    @property
    def host_port(self) -> str:
        """Host and port, as images are named: `{host_port}/team/app:1.0`."""
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"<RunningRegistry {self.url}>"

    def new_repository(self) -> str:
        """A name that nobody has yet, for tests that share a registry."""
        return f"test/{next(self._numbers)}"

    def push(self, repository: str, *tags: str, layers: Sequence[bytes] = ()) -> str:
        """Push a small image past all faults, under any number of tags; the digest of its manifest."""
        with httpx.Client(
            base_url=f"{self.direct_url}/v2/{repository}/",
            headers=self._headers,
            verify=False,  # noqa: S501 - it is our own child, on loopback
            trust_env=False,
        ) as client:
            for blob in (b"{}", *layers):
                client.post("blobs/uploads/", params={"digest": _digest(blob)}, content=blob).raise_for_status()
            manifest = json.dumps({
                "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": _descriptor(EMPTY_TYPE, b"{}"),
                "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
            }).encode()  # fmt: skip
            digest = _digest(manifest)
            for start in range(0, max(1, len(tags)), TAGS_AT_ONCE):
                client.put(
                    f"manifests/{digest}", params={"tag": list(tags[start : start + TAGS_AT_ONCE])}, content=manifest,
                    headers={"Content-Type": MANIFEST_TYPE},
                ).raise_for_status()  # fmt: skip
        return digest


@contextmanager
def running_registry(folder: Path, options: Options) -> Iterator[RunningRegistry]:
    """A registry for as long as the block runs; data, log and settings lie in `folder`.

    Raises:
        UsageError: options that do not make sense.
        TargetUnreachable: it did not start, or had died when the block ended.
    """
    life = _Life(folder, options)
    thread = threading.Thread(target=life.live, name="nscr-registry", daemon=True)
    thread.start()
    try:
        registry = life.wait_ready()
        with registry.monitor:
            yield registry
    finally:
        life.end()
        thread.join()
    life.raise_what_went_wrong()
    if life.death is not None:
        raise TargetUnreachable(f"the registry {life.death}", hint=f"its log is {registry.log}")


class _Life:
    """Of one registry, in its thread."""

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._ready = queue.SimpleQueue[RunningRegistry | BaseException]()
        self._token: trio.lowlevel.TrioToken | None = None
        self._is_over = trio.Event()
        self.death: str | None = None

    def live(self) -> None:
        try:
            trio.run(self._live)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the test waits for it
            self._ready.put(error)

    def wait_ready(self) -> RunningRegistry:
        ready = self._ready.get()
        if isinstance(ready, BaseException):
            raise ready
        return ready

    def raise_what_went_wrong(self) -> None:
        """After the thread has ended: an error that it had once the registry was ready."""
        if not self._ready.empty():
            self.wait_ready()

    def end(self) -> None:
        if self._token is not None:
            with suppress(trio.RunFinishedError):  # it did not come up, and has said why
                trio.from_thread.run_sync(self._is_over.set, trio_token=self._token)

    async def _live(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        target = ReferenceTarget(
            self._options.sabotage,
            data=self._folder / "data",
            credentials=self._options.credentials,
            settings=self._options.settings,
        )
        strikes: list[Strike] = []
        async with target.running(self._folder) as running:
            address = running.address
            proxy = self._proxy(address, strikes) if self._options.faults else None
            await self._serve(running, proxy, strikes)
        self.death = target.death

    async def _serve(self, running: Running, proxy: Proxy | None, strikes: list[Strike]) -> None:
        address = running.address
        async with trio.open_nursery() as nursery:
            port = address.port if proxy is None else await nursery.start(proxy.serve)
            self._ready.put(
                RunningRegistry(
                    address, port=port, credentials=running.credentials, folder=self._folder, strikes=strikes
                )
            )
            await self._is_over.wait()
            nursery.cancel_scope.cancel()

    def _proxy(self, address: Target, strikes: list[Strike]) -> Proxy:
        if address.scheme != "http":
            raise UsageError("faults on the way to a registry with TLS", hint="leave out tls_cert, or the faults")
        faults = named(tuple(self._options.faults))
        proxy = Proxy(
            address.host,
            address.port,
            faults=[one.fault for one in faults],
            seed=self._options.seed,
            report=strikes.append,
            replies={one.fault.name: one.reply for one in faults if one.reply is not None},
        )
        proxy.arm()
        return proxy


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
