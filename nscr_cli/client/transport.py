"""One exchange with a registry: what every request carries, and the token that it may want.

A request that was refused for want of a Bearer token did nothing; it alone is sent once more, with the token
(docs/decisions/0004-tokens.md). Nothing else is ever retried. One transport owns one connection and does one exchange
at a time; what is asked for, it does not know.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec

from nscr_cli import __version__
from nscr_cli.client.auth import authorization
from nscr_cli.client.challenges import access_of, challenge_of
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.tokens import MOST_ANSWERS, NoToken, Tokens
from nscr_cli.client.trust import dialer_for, forwarding
from nscr_cli.wire.channel import Channel
from nscr_cli.wire.dialing import Dialer
from nscr_cli.wire.manner import PLAIN, Manner
from nscr_cli.wire.messages import Exchange, Headers, Request
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts

USER_AGENT = f"nscr/{__version__}"
KEEP_ERROR = 64 * 1024
_CHUNKED = ("Transfer-Encoding", "chunked")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request to a registry.

    Attributes:
        requested: its request target.
        body: what was received; hashed whole, kept in part.
        denial: why the token that the registry asked for could not be had, where that is so.
    """

    requested: str
    exchange: Exchange
    body: Sink
    request_id: str | None
    denial: str | None = None

    @property
    def status(self) -> int | None:
        """Status of the final response, once its head had come."""
        return self.exchange.response.status if self.exchange.response is not None else None

    @property
    def is_complete(self) -> bool:
        """Head and body came whole."""
        return self.exchange.failure is None

    def header(self, name: str) -> str | None:
        """The first value of a response header."""
        return self.exchange.response.header(name) if self.exchange.response is not None else None

    def headers(self, name: str) -> Iterator[str]:
        """Every value of a response header."""
        for key, value in self.exchange.response.headers if self.exchange.response is not None else ():
            if key.lower() == name.lower():
                yield value


class Transport:
    """The way of one client to a registry; see RegistryClient for its arguments."""

    def __init__(
        self,
        dialer: Dialer,
        target: Target,
        credentials: Credentials | None,
        *,
        user_agent: str,
        time_outs: TimeOuts | None,
        tokens: Tokens | None,
    ) -> None:
        self.target = target
        self._dialer = dialer
        self._user_agent = user_agent
        self._time_outs = time_outs
        self._channel = Channel(dialer, target.host, target.port, time_outs=time_outs or TimeOuts())
        self._tokens = tokens or Tokens(target, credentials, user_agent=user_agent, time_outs=time_outs)
        self._origin, for_proxy = forwarding(target)
        self._headers: Headers = (("Host", target.authority), ("User-Agent", user_agent), *for_proxy)
        self._basic = authorization(credentials)

    async def aclose(self) -> None:
        """Close the connection; the transport can be used again."""
        await self._channel.aclose()

    def elsewhere(self, origin: Target) -> "Transport":
        """The way to another origin: a connection of its own, without credentials."""
        is_alike = origin.scheme == self.target.scheme == "http" and origin.way == self.target.way
        dialer = self._dialer if is_alike else dialer_for(origin)
        return Transport(dialer, origin, None, user_agent=self._user_agent, time_outs=self._time_outs, tokens=None)

    async def send(
        self,
        method: str,
        target: str,
        body: Callable[[], Iterable[bytes]],
        size: int | None,
        headers: Headers,
        request_id: str | None,
        manner: Manner = PLAIN,
    ) -> Reply:
        """One exchange with a body: of a size that is announced, or chunked where it is None."""
        framing = _CHUNKED if size is None else ("Content-Length", str(size))
        if manner.continue_s is not None:
            headers = (*headers, ("Expect", "100-continue"))
        return await self.request(method, target, (*headers, framing), body, request_id=request_id, manner=manner)

    async def request(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: Callable[[], Iterable[bytes]] = tuple,
        *,
        digest: str | None = None,
        keep: int = KEEP_ERROR,
        manner: Manner = PLAIN,
        is_last: bool = False,
        request_id: str | None = None,
    ) -> Reply:
        """One exchange, and again where a token was wanted, or the one that other requests had brought had ended.

        Args:
            digest: the one that the answer is to have; it says how the answer is hashed.
            keep: bytes of the answer that are kept.
            is_last: the connection is not used again.
        """
        ask = partial(
            self._exchange,
            method,
            target,
            headers,
            body,
            algorithm="sha512" if digest is not None and digest.startswith("sha512:") else "sha256",
            keep=keep,
            manner=manner,
            is_last=is_last,
            request_id=request_id,
        )
        if not self._tokens.are_used:
            token, reply = None, await ask(self._basic)
        else:
            token = await self._tokens.current(access_of(method, target))
            reply = await ask(_bearer(token))
        for _ in range(MOST_ANSWERS):
            challenge = challenge_of(reply.headers("www-authenticate")) if reply.status == 401 else None
            if challenge is None or not reply.is_complete:
                break
            try:
                granted = await self._tokens.answer(access_of(method, target), challenge, rejected=token)
            except NoToken as error:
                return msgspec.structs.replace(reply, denial=str(error))
            token = granted.text
            reply = await ask(_bearer(token))
            if granted.is_new:
                break
        return reply

    async def _exchange(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Callable[[], Iterable[bytes]],
        authorized: Headers,
        *,
        algorithm: str,
        keep: int,
        manner: Manner,
        is_last: bool,
        request_id: str | None,
    ) -> Reply:
        named: Headers = (("X-Request-Id", request_id),) if request_id is not None else ()
        request = Request(
            method=method,
            target=f"{self._origin}{target}",
            headers=(*self._headers, *authorized, *named, *headers),
            body=body(),
            chunked=_CHUNKED in headers and not is_last,
            manner=manner,
            is_last=is_last,
        )
        sink = Sink(algorithm=algorithm, keep=keep)
        answer = await self._channel.exchange(request, sink)
        return Reply(requested=target, exchange=answer, body=sink, request_id=request_id)


def _bearer(token: str | None) -> Headers:
    return (("Authorization", f"Bearer {token}"),) if token is not None else ()
