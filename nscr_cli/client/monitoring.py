"""The monitoring API as its clients see it (docs/external-api.md): a GET, and what came of it. Few requests, so httpx.

Credentials go only to the target: redirects are not followed, and proxies and credentials of the environment are not
looked at.
"""

from types import TracebackType
from typing import Self

import httpx
import msgspec
import trio

from nscr_cli.client.auth import refusal
from nscr_cli.client.registry import USER_AGENT
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.trust import tls_context
from nscr_cli.errors import TargetRefused, TargetUnreachable
from nscr_cli.wire.dialing import reason_of

BODY_LIMIT = 256 * 1024 * 1024
TIME_OUT_S = 10.0


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """One GET and its answer.

    Attributes:
        status: None when no whole answer came; `error` then says why.
        start_s, end_s: trio's time before asking and after the answer.
    """

    path: str
    status: int | None = None
    body: bytes = b""
    challenge: str | None = None
    error: str | None = None
    start_s: float
    end_s: float


class Monitoring:
    """The monitoring API of one registry; several polls may run at once."""

    def __init__(
        self, target: Target, credentials: Credentials | None = None, *, time_out_s: float = TIME_OUT_S
    ) -> None:
        self._target = target
        self._credentials = credentials
        self._client = httpx.AsyncClient(
            auth=httpx.BasicAuth(credentials.username, credentials.password) if credentials is not None else None,
            verify=tls_context(target) if target.scheme == "https" else True,
            headers={"User-Agent": USER_AGENT},
            timeout=time_out_s,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        with trio.CancelScope(shield=True):
            await self._client.aclose()

    async def poll(self, path: str) -> Poll:
        """One GET of a path below the registry's URL, e.g. `/api/registry/state`; answers whatever happens."""
        start = trio.current_time()
        body = bytearray()
        try:
            async with self._client.stream("GET", f"{self._target.url}{path}") as response:
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > BODY_LIMIT:
                        error = f"an answer of more than {BODY_LIMIT} bytes"
                        return Poll(path=path, error=error, start_s=start, end_s=trio.current_time())
        except httpx.HTTPError as error:
            return Poll(
                path=path, error=f"{type(error).__name__}: {reason_of(error)}", start_s=start, end_s=trio.current_time()
            )
        return Poll(
            path=path,
            status=response.status_code,
            body=bytes(body),
            challenge=response.headers.get("www-authenticate"),
            start_s=start,
            end_s=trio.current_time(),
        )

    async def get(self, path: str) -> bytes:
        """The body of an answer with status 200.

        Raises:
            TargetUnreachable: none came.
            TargetRefused: another status.
        """
        poll = await self.poll(path)
        if poll.status is None:
            raise TargetUnreachable(
                f"{self._target.url}{path} does not answer: {poll.error}", hint="is the registry running?"
            )
        if poll.status in (401, 403):
            raise refusal(self._target, self._credentials, status=poll.status, challenge=poll.challenge)
        if poll.status != 200:
            raise TargetRefused(
                f"{self._target.url}{path} answers {poll.status}", hint="does this registry offer the monitoring API?"
            )
        return poll.body
