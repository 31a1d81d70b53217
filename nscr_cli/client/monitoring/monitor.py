"""The monitoring API (docs/external-api.md) for programs of others: synchronous, typed, one method an endpoint.

What one method answers is one request, and never a retry. Errors say whose fault they are and what to do (errors.py):
TargetUnreachable, TargetRefused, AnswerUnusable, RepositoryUnknown, all of them EnvironmentFailed. Credentials go only
to the registry: redirects are not followed, and proxies and credentials of the environment are not looked at.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import msgspec

from nscr_cli.client.monitoring.asking import Asker
from nscr_cli.client.monitoring.documents import (
    Blob,
    Blobs,
    CollectionStats,
    Health,
    RepositoryDetails,
    Sessions,
    State,
)
from nscr_cli.client.monitoring.polling import TIME_OUT_S
from nscr_cli.client.proxying import parse_proxy
from nscr_cli.client.target import Credentials, parse_target
from nscr_cli.errors import AnswerUnusable, EnvironmentFailed, UsageError

PAGE_SIZE = 1000
INTERVAL_S = 5.0


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a registry: its state and its health, or why one of them could not be had."""

    state: State | None = None
    health: Health | None = None
    error: EnvironmentFailed | None = None


class Monitor:
    """One registry, asked over connections that are kept.

    Args:
        base_url: where it is; `user:password@` within it is taken too, and never shown.
        username, password: sent with every request.
        ca_cert: file of certificates to trust instead of the system's.
        is_verified: the TLS certificate is checked.
        proxy: HTTP proxy to reach it through, as `http://user:password@proxy:3128`; loopback is reached directly.
        no_proxy: hosts, domains and networks that are reached past it, as NO_PROXY has them.
        timeout_s: the longest wait for a connection, and for each piece of an answer.

    Raises:
        UsageError: an address, a proxy or a file of certificates that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        ca_cert: str | Path | None = None,
        is_verified: bool = True,
        proxy: str | None = None,
        no_proxy: str = "",
        timeout_s: float = TIME_OUT_S,
    ) -> None:
        if username is None and password is not None:
            raise UsageError("a password without a user name", hint="give username as well")
        target, within = parse_target(
            base_url,
            ca_cert=Path(ca_cert) if ca_cert is not None else None,
            is_verified=is_verified,
            proxy=parse_proxy(proxy, no_proxy) if proxy is not None else None,
        )
        credentials = Credentials(username, password or "") if username is not None else within
        self._asker = Asker(target, credentials, time_out_s=timeout_s)

    @property
    def url(self) -> str:
        """The registry's address, without credentials."""
        return self._asker.target.url

    def __repr__(self) -> str:
        return f"Monitor({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._asker.close()

    def get_registry_state(self) -> State:
        """Everything in one snapshot: totals, repositories with their tags, open uploads, health."""
        return self._asker.get_unless_unchanged("/api/registry/state", State)

    def get_repository(self, name: str) -> RepositoryDetails:
        """A repository's tags and what they name; the name may have slashes.

        Raises:
            RepositoryUnknown: there is none of this name.
        """
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise UsageError(f"{name!r} is not the name of a repository", hint="write it as in `docker push`: team/app")
        return self._asker.get_unless_unchanged(
            f"/api/registry/repositories/{quote(name)}", RepositoryDetails, repository=name
        )

    def get_blobs(self) -> Blobs:
        """All committed blobs, in one answer; for very many, see `iterate_blobs`."""
        return self._asker.get_unless_unchanged("/api/registry/blobs", Blobs)

    def iterate_blobs(self, *, page_size: int = PAGE_SIZE) -> Iterator[Blob]:
        """The committed blobs, asked for page by page, as they are when each page is.

        A registry whose list has no pages answers all of them at once, and each is given once.
        """
        if page_size < 1:
            raise UsageError(f"pages of {page_size} blobs", hint="a page has at least one")
        listed = self._asker.get(f"/api/registry/blobs?limit={page_size}", Blobs)
        page, is_last = listed.blobs, listed.total_blobs <= page_size
        yield from page
        while len(page) == page_size and not is_last:
            last = page[-1].digest
            page = self._asker.get(f"/api/registry/blobs?limit={page_size}&after={quote(last, safe='')}", Blobs).blobs
            if any(blob.digest <= last for blob in page):
                message = f"{self.url}/api/registry/blobs answers blobs up to {last} again, asked for those after it"
                raise AnswerUnusable(message, hint="its list cannot be paged; use get_blobs")
            yield from page

    def get_sessions(self) -> Sessions:
        """The uploads that are open."""
        return self._asker.get("/api/registry/sessions", Sessions)

    def get_health(self) -> Health:
        """What the registry says of its health; that it is unhealthy, which comes with status 500, is an answer."""
        return self._asker.get("/api/registry/health", Health, statuses=(200, 500))

    def get_garbage_collection_stats(self) -> CollectionStats:
        """What a collection would remove now."""
        return self._asker.get_unless_unchanged("/api/garbage-collect/stats", CollectionStats)

    def watch(
        self, interval: float = INTERVAL_S, *, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[Observation]:
        """State and health, now and then every `interval` seconds, for as long as the caller goes on.

        A registry that is away does not end it: the observation then has the error.
        """
        while True:
            state = health = None
            try:
                state = self.get_registry_state()
                health = self.get_health()
            except EnvironmentFailed as error:
                yield Observation(state=state, error=error)
            else:
                yield Observation(state=state, health=health)
            sleep(interval)

    def monitor_continuously(
        self, interval: float = INTERVAL_S, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Print what `watch` sees, three lines a look, until something interrupts it."""
        for seen in self.watch(interval, sleep=sleep):
            if seen.state is None or seen.health is None:
                print(f"Error: {seen.error}", flush=True)
                continue
            print(f"Repositories: {seen.state.summary.total_repositories}")
            print(f"Health: {seen.health.status}")
            print(f"Active Sessions: {seen.state.active_sessions.count}", flush=True)
