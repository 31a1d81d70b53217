"""Bearer tokens of one registry, shared by all its clients: asked for when it wants one, kept until they end.

Requests that need the same token wait for one exchange with the token server. What that server answers is never
written anywhere; of an exchange that brought no token only its origin and status are told.
"""

from urllib.parse import urlsplit

import msgspec
import trio

from nscr_cli.client.auth import authorization
from nscr_cli.client.challenges import Challenge, Token, is_trusted, token_of
from nscr_cli.client.target import Credentials, Target, parse_target
from nscr_cli.client.trust import dialer_for, forwarding
from nscr_cli.errors import UsageError
from nscr_cli.wire.channel import Channel
from nscr_cli.wire.messages import Request
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts

KEEP_TOKEN = 1024 * 1024
# A token that ends within this share of its life is renewed first: a request takes time to arrive.
_LAST_SHARE = 0.1
_PAUSE_AFTER_FAILURE_S = 1.0
MOST_ANSWERS = 4  # challenges of one request: with what others brought, again and again, then with one of its own


class NoToken(Exception):
    """Why no token came, in words without secrets."""


class _Held(msgspec.Struct, frozen=True):
    token: Token
    ends_s: float


class _Refused(msgspec.Struct, frozen=True):
    why: str
    until_s: float


class Granted(msgspec.Struct, frozen=True):
    """A token for a request that was challenged, never shown.

    Attributes:
        is_new: it was brought for this request; what others brought may have ended before its time.
    """

    text: str
    is_new: bool

    def __repr__(self) -> str:
        return f"Granted(is_new={self.is_new})"


class Tokens:
    """The tokens of one registry and one user.

    Args:
        credentials: what the token server is told; without, tokens are asked for anonymously.
    """

    def __init__(
        self, target: Target, credentials: Credentials | None, *, user_agent: str, time_outs: TimeOuts | None = None
    ) -> None:
        self._target = target
        self._credentials = credentials
        self._user_agent = user_agent
        self._time_outs = time_outs or TimeOuts()
        self._challenges: dict[str, Challenge] = {}
        self._known: dict[Challenge, _Held | _Refused] = {}
        self._locks: dict[Challenge, trio.Lock] = {}

    @property
    def are_used(self) -> bool:
        """The registry has asked for a token before."""
        return bool(self._challenges)

    async def current(self, access: str) -> str | None:
        """The token for requests of this name (see `access_of`); None where none was asked for, or none can be had."""
        challenge = self._challenges.get(access)
        if challenge is None:
            return None
        try:
            return (await self._valid(challenge, rejected=None)).text
        except NoToken:
            return None

    async def answer(self, access: str, challenge: Challenge, *, rejected: str | None) -> Granted:
        """The token that a challenge asks for. Who is refused with a new one need not ask again.

        Args:
            rejected: the token that the challenged request carried; another one is needed.

        Raises:
            NoToken: none can be had.
        """
        self._challenges[access] = challenge
        return await self._valid(challenge, rejected=rejected)

    async def _valid(self, challenge: Challenge, *, rejected: str | None) -> Granted:
        held = self._usable(challenge, rejected)
        if held is None:
            async with self._locks.setdefault(challenge, trio.Lock()):
                held = self._usable(challenge, rejected)  # another request may have brought it meanwhile
                if held is None:
                    return Granted(await self._fetched(challenge), is_new=True)
        return Granted(held, is_new=False)

    def _usable(self, challenge: Challenge, rejected: str | None) -> str | None:
        now = trio.current_time()
        match self._known.get(challenge):
            case _Held(token, ends_s) if now < ends_s and token.text != rejected:
                return token.text
            case _Refused(why, until_s) if now < until_s:
                raise NoToken(why)
        return None

    async def _fetched(self, challenge: Challenge) -> str:
        asked_s = trio.current_time()
        try:
            token = await self._exchange(challenge)
        except NoToken as refused:
            # A crowd of workers must not fall upon a token server in trouble, one after another.
            self._known[challenge] = _Refused(str(refused), trio.current_time() + _PAUSE_AFTER_FAILURE_S)
            raise
        self._known[challenge] = _Held(token, asked_s + token.life_s * (1 - _LAST_SHARE))
        return token.text

    async def _exchange(self, challenge: Challenge) -> Token:
        realm, request = self._request(challenge)
        sink = Sink(keep=KEEP_TOKEN)
        channel = Channel(dialer_for(realm), realm.host, realm.port, time_outs=self._time_outs)
        try:
            exchange = await channel.exchange(request, sink)
        except ValueError as error:
            raise NoToken(f"{realm.url} cannot be asked for a token") from error
        finally:
            await channel.aclose()
        if exchange.response is None or exchange.failure is not None:
            raise NoToken(f"the token server {realm.url} does not answer: {exchange.failure}")
        if exchange.response.status != 200:
            raise NoToken(f"the token server {realm.url} answers {exchange.response.status}")
        token = token_of(bytes(sink.kept))
        if token is None:
            raise NoToken(f"the token server {realm.url} answers 200 without a token")
        return token

    def _request(self, challenge: Challenge) -> tuple[Target, Request]:
        address, question, query = challenge.url.partition("?")
        try:
            realm, _ = parse_target(address if "://" in address else "")
        except UsageError as error:
            raise NoToken("the registry names a realm that is no URL") from error
        path = f"{urlsplit(address).path or '/'}{question}{query}"
        if realm.host.lower() == self._target.host.lower():  # elsewhere, nobody switched verification off
            realm = msgspec.structs.replace(realm, is_verified=self._target.is_verified)
        realm = msgspec.structs.replace(realm, prefix="", ca_cert=self._target.ca_cert, proxy=self._target.proxy)
        if self._credentials is not None and not is_trusted(realm, self._target):
            raise NoToken(f"the registry asks for the password at {realm.url}, in clear: it is not sent there")
        headers = (
            ("Host", realm.authority),
            ("User-Agent", self._user_agent),
            ("Accept", "application/json"),
            *authorization(self._credentials),
        )
        origin, for_proxy = forwarding(realm)
        return realm, Request(method="GET", target=f"{origin}{path}", headers=(*headers, *for_proxy))
