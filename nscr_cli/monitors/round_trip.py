"""The end-to-end probe: a tiny image is pushed, seen by its tag, pulled, and pulled again before the next one takes its
place; then it is deleted, where the registry allows that.

Every image is new and every byte that comes back is hashed. A registry that needs a moment until others see what was
acknowledged is given one, which is measured. Nothing is written outside the probe's own repository.
"""

from collections.abc import Mapping
from enum import StrEnum
from random import Random

import msgspec
import trio

from nscr_cli.client.completions import Completion
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.generators.documents import Manifest, configuration, image
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_key, tag_key
from nscr_cli.history.ops import Asked, F, Kind, PushStyle

TAG = "probe"
VISIBLE_WITHIN_S = 10.0
KEPT_WITHIN_S = 2.0  # it was pulled before: nobody needs to be waited for again
_LOOK_EVERY_S = 0.1
_LAYER_BYTES = 1024
_MOST_LEFT = 8


class Step(StrEnum):
    """What a probe does, in order; its rule is `probe-` and this."""

    PUSH = "push"
    VISIBLE = "visible"
    PULL = "pull"
    KEPT = "kept"


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """How a probe went.

    Attributes:
        seconds: of each step that was made.
        failures: why a step failed, in words that may quote the registry.
        is_throttled: the registry asked us to come less often (429): that is no failure, and no success.
        retry_after_s: how long it asks to be left alone.
    """

    seconds: Mapping[Step, float]
    failures: Mapping[Step, str]
    is_throttled: bool = False
    retry_after_s: float | None = None

    @property
    def is_ok(self) -> bool:
        """Everything worked."""
        return not self.failures and not self.is_throttled


class _Image(msgspec.Struct, frozen=True, kw_only=True):
    blobs: tuple[Content, ...]
    manifest: Manifest


class _Failed(Exception):
    pass


class _Throttled(Exception):
    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class Prober:
    """Probes one registry.

    Args:
        repository: nobody else's.
        chance: what makes images unlike all others.
    """

    def __init__(self, registry: RegistryClient, repository: str, chance: Random) -> None:
        self.repository = repository
        self._registry = registry
        self._chance = chance
        self._kept: _Image | None = None
        self._pushed: list[_Image] = []
        self._tag = TAG
        self._lost_pushes = 0

    async def run(self) -> RoundTrip:
        """One probe."""
        new = self._image()
        seconds: dict[Step, float] = {}
        failures: dict[Step, str] = {}
        self._pushed.append(new)
        try:
            for step in (Step.PUSH, Step.VISIBLE, Step.PULL):
                if not await self._made(step, new, seconds, failures):
                    break
            if self._kept is not None:
                await self._made(Step.KEPT, self._kept, seconds, failures)
        except _Throttled as throttled:
            self._forget_oldest()
            return RoundTrip(seconds=seconds, failures={}, is_throttled=True, retry_after_s=throttled.retry_after_s)
        if Step.PULL in seconds and Step.PULL not in failures:
            self._kept = new
        if Step.PUSH in failures:
            # One without a clear answer may still be done, and move its tag: that tag is not looked at any more.
            self._lost_pushes += 1
            self._tag = f"{TAG}-{self._lost_pushes}"
        else:  # who takes no pushes is not pestered with deletes as well
            await self._delete_all_but(self._kept)
        self._forget_oldest()
        return RoundTrip(seconds=seconds, failures=failures)

    async def clean_up(self) -> None:
        """Delete what is left, as far as the registry allows it."""
        self._kept = None
        await self._delete_all_but(None)

    def _image(self) -> _Image:
        nonce = self._chance.randbytes(16).hex()
        config, layer = configuration(nonce), Content.seeded(nonce, _LAYER_BYTES)
        return _Image(blobs=(config, layer), manifest=image(config, [layer], nonce))

    async def _made(self, step: Step, target: _Image, seconds: dict[Step, float], failures: dict[Step, str]) -> bool:
        start = trio.current_time()
        try:
            match step:
                case Step.PUSH:
                    await self._push(target)
                case Step.VISIBLE:
                    await self._see(target)
                case Step.PULL:
                    await self._pull(target, VISIBLE_WITHIN_S)
                case Step.KEPT:
                    await self._pull(target, KEPT_WITHIN_S)
        except _Failed as failed:
            failures[step] = str(failed)
        seconds[step] = trio.current_time() - start
        return step not in failures

    async def _push(self, new: _Image) -> None:
        for blob in new.blobs:
            asked = Asked(digest=blob.digest, style=PushStyle.POST_PUT)
            key = digest_key(self.repository, blob.digest)
            pushed = await perform(self._registry, Invocation(f=F.PUSH_BLOB, key=key, asked=asked, content=blob))
            _check(pushed, f"pushing a blob: {pushed.error}", is_ok=pushed.kind is Kind.OK)
        manifest = new.manifest
        asked = Asked(digest=manifest.digest, media_type=manifest.media_type)
        key = tag_key(self.repository, self._tag)
        put = await perform(
            self._registry, Invocation(f=F.PUT_MANIFEST, key=key, asked=asked, content=manifest.content)
        )
        _check(put, f"putting the manifest: {put.error}", is_ok=put.kind is Kind.OK)

    async def _see(self, new: _Image) -> None:
        """Read the tag until it names the new image."""
        until = trio.current_time() + VISIBLE_WITHIN_S
        while True:
            seen = await self._read(F.GET_MANIFEST, tag_key(self.repository, self._tag))
            if seen.answered.digest == new.manifest.digest:
                return
            if trio.current_time() >= until:
                what = seen.answered.digest if seen.answered.present else "404"
                raise _Failed(f"tag {self._tag} names {what} after {VISIBLE_WITHIN_S:g} s, not {new.manifest.digest}")
            await trio.sleep(_LOOK_EVERY_S)

    async def _pull(self, pulled: _Image, within_s: float) -> None:
        things = [(F.GET_MANIFEST, "manifest", pulled.manifest.digest)]
        things += [(F.GET_BLOB, "blob", blob.digest) for blob in pulled.blobs]
        until = trio.current_time() + within_s
        for f, what, digest in things:
            read = await self._read(f, digest_key(self.repository, digest))
            while not read.answered.present and trio.current_time() < until:
                await trio.sleep(_LOOK_EVERY_S)
                read = await self._read(f, digest_key(self.repository, digest))
            if not read.answered.present:
                raise _Failed(f"{what} {digest} is gone: {read.answered.status}")
            if read.answered.digest != digest:
                raise _Failed(f"{what} {digest} comes as {read.answered.digest}, {read.answered.length} bytes")

    async def _read(self, f: F, key: str) -> Completion:
        read = await perform(self._registry, Invocation(f=f, key=key, asked=Asked()))
        _check(read, f"reading {key}: {read.error}", is_ok=read.kind is Kind.OK)
        return read

    def _forget_oldest(self) -> None:
        """Pushes that failed left blobs at most, which no manifest names: the registry collects them some day."""
        others = [each for each in self._pushed if each is not self._kept]
        self._pushed = [each for each in self._pushed if each is self._kept] + others[-_MOST_LEFT:]

    async def _delete_all_but(self, kept: _Image | None) -> None:
        """Whether a registry deletes is its own choice: its answers are not looked at."""
        for old in [each for each in self._pushed if each is not kept]:
            await self._registry.delete_manifest(self.repository, old.manifest.digest)
            for blob in old.blobs:
                await self._registry.delete_blob(self.repository, blob.digest)
            self._pushed.remove(old)


def _check(completion: Completion, why: str, *, is_ok: bool) -> None:
    if completion.answered.status == 429:
        raise _Throttled(completion.answered.retry_after_s)
    if not is_ok:
        raise _Failed(why)
