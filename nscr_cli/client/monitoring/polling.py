"""The monitoring API as its clients see it (docs/external-api.md): a GET, and what came of it. Few requests, so httpx.

Credentials go only to the target: redirects are not followed, and proxies and credentials of the environment are not
looked at.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Self

import httpx
import msgspec
import trio

from nscr_cli.client.auth import authorization, refusal
from nscr_cli.client.challenges import Challenge, access_of, challenge_of
from nscr_cli.client.documents import seconds_of
from nscr_cli.client.proxying import Proxy
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.tokens import MOST_ANSWERS, NoToken, Tokens
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import tls_context
from nscr_cli.errors import TargetRefused, TargetUnreachable
from nscr_cli.wire.dialing import reason_of

_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,1000}"')
BODY_LIMIT = 256 * 1024 * 1024
TIME_OUT_S = 10.0
_MOST_KEPT = 10
_CROSSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """One GET and its answer.

    Attributes:
        status: None when no whole answer came; `error` then says why.
        etag: to be offered with the next poll of this path; None where there is none that can be.
        retry_after_s: how long the registry asks to be left alone.
        start_s, end_s: trio's time before asking and after the answer.
    """

    path: str
    status: int | None = None
    body: bytes = b""
    challenge: str | None = None
    error: str | None = None
    etag: str | None = None
    retry_after_s: float | None = None
    start_s: float
    end_s: float


class _Authentication(httpx.Auth):
    """Basic until the registry asks for a token; a request that was refused for want of one is sent again with it."""

    def __init__(self, credentials: Credentials | None, tokens: Tokens) -> None:
        self._basic = authorization(credentials)
        self._tokens = tokens

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See httpx.Auth."""
        access = access_of(request.method, request.url.path)
        token = await self._tokens.current(access)
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        elif not self._tokens.are_used:
            request.headers.update(self._basic)
        response = yield request
        with suppress(NoToken):
            for _ in range(MOST_ANSWERS):
                challenge = _challenge_in(response)
                if challenge is None:
                    return
                granted = await self._tokens.answer(access, challenge, rejected=token)
                token = granted.text
                request.headers["Authorization"] = f"Bearer {token}"
                response = yield request
                if granted.is_new:
                    return


async def _note_opening(opened: list[str], event: str, _: object) -> None:
    if event.startswith("connection.connect_"):
        opened.append(event)


def _challenge_in(response: httpx.Response) -> Challenge | None:
    return challenge_of(response.headers.get_list("www-authenticate")) if response.status_code == 401 else None


class Monitoring:
    """The monitoring API of one registry; several polls may run at once."""

    def __init__(
        self,
        target: Target,
        credentials: Credentials | None = None,
        *,
        time_out_s: float = TIME_OUT_S,
        tokens: Tokens | None = None,
    ) -> None:
        self._target = target
        self._credentials = credentials
        tokens = tokens or Tokens(target, credentials, user_agent=USER_AGENT)
        self._client = httpx.AsyncClient(
            auth=_Authentication(credentials, tokens),
            verify=tls_context(target) if target.scheme == "https" else True,
            headers={"User-Agent": USER_AGENT},
            timeout=time_out_s,
            proxy=httpx_proxy(target.way),
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

    async def poll(self, path: str, *, etag: str | None = None) -> Poll:
        """One GET of a path below the registry's URL, e.g. `/api/registry/state`; answers whatever happens.

        Where a kept connection turns out to have been closed, it is sent again on another one.

        Args:
            etag: of a former answer: where nothing changed since, the status is 304 and there is no body.
        """
        start = trio.current_time()
        headers = {} if etag is None else {"If-None-Match": etag}
        for _ in range(_MOST_KEPT + 1):
            body = bytearray()
            opened: list[str] = []
            note = partial(_note_opening, opened)
            url = f"{self._target.url}{path}"
            try:
                async with self._client.stream("GET", url, headers=headers, extensions={"trace": note}) as response:
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > BODY_LIMIT:
                            error = f"an answer of more than {BODY_LIMIT} bytes"
                            return Poll(path=path, error=error, start_s=start, end_s=trio.current_time())
                break
            except httpx.HTTPError as error:
                # A kept connection may be closed at any time, and a request may cross that (RFC 9112, 9.3.1 and 9.5).
                if isinstance(error, _CROSSED) and not opened and not body:
                    continue
                why = f"{type(error).__name__}: {reason_of(error)}"
                return Poll(path=path, error=why, start_s=start, end_s=trio.current_time())
        else:
            why = "each of the connections that were kept was closed"
            return Poll(path=path, error=why, start_s=start, end_s=trio.current_time())
        return Poll(
            path=path,
            status=response.status_code,
            body=bytes(body),
            challenge=response.headers.get("www-authenticate"),
            etag=_etag(response.headers.get("etag")),
            retry_after_s=retry_after_of(response.headers.get("retry-after"), response.headers.get("date")),
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


def retry_after_of(retry_after: str | None, date: str | None) -> float | None:
    """Seconds that Retry-After asks for (RFC 9110, 10.2.3).

    Args:
        date: the answer's own: a time is understood by the registry's clock, because ours may differ.
    """
    seconds = seconds_of(retry_after)
    if seconds is not None or retry_after is None or date is None:
        return seconds
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):  # TypeError: one of them names a time zone, the other does not
        return None


def _etag(value: str | None) -> str | None:
    """An entity tag as it may be sent back (RFC 9110, 8.8.3): what it holds comes from a registry."""
    return value if value is not None and _ENTITY_TAG.fullmatch(value) else None


def httpx_proxy(proxy: Proxy | None) -> httpx.Proxy | None:
    """A proxy as httpx has them."""
    return None if proxy is None else httpx.Proxy(f"http://{proxy.authority}", headers=proxy.headers)
