"""One GET of the monitoring API, synchronous: the document that was asked for, or an error that says why not."""

from typing import TypeVar

import httpx
import msgspec

from nscr_cli.client.auth import authorization, refusal
from nscr_cli.client.monitoring.polling import BODY_LIMIT, httpx_proxy
from nscr_cli.client.monitoring.seen import SeenBodies
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.transport import USER_AGENT
from nscr_cli.client.trust import tls_context
from nscr_cli.errors import AnswerUnusable, RepositoryUnknown, TargetRefused, TargetUnreachable
from nscr_cli.foreign_json import Unreadable, read_json
from nscr_cli.wire.dialing import reason_of

_NO_API = "does this registry offer the monitoring API?"

T = TypeVar("T")


class Asker:
    """Connections to one registry, and what was seen of it."""

    def __init__(self, target: Target, credentials: Credentials | None, *, time_out_s: float) -> None:
        self.target = target
        self._credentials = credentials
        self._seen = SeenBodies()
        self._client = httpx.Client(
            verify=tls_context(target) if target.scheme == "https" else True,
            headers=[("User-Agent", USER_AGENT), *authorization(credentials)],
            timeout=time_out_s,
            proxy=httpx_proxy(target.way),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get_unless_unchanged(self, path: str, kind: type[T], *, repository: str | None = None) -> T:
        """A document, which is sent only where it is another than the last.

        Args:
            repository: the one that a 404 would be about.
        """
        seen = self._seen.of(path)
        response, body = self._exchange(path, {} if seen is None else {"If-None-Match": seen.tag})
        if response.status_code == 304 and seen is not None:
            return self._read(path, seen.body, kind)
        self._check(path, response, body, (200,), repository)
        document = self._read(path, body, kind)
        self._seen.keep(path, response.headers.get("etag"), body)
        return document

    def get(self, path: str, kind: type[T], *, statuses: tuple[int, ...] = (200,)) -> T:
        """A document, sent whatever was seen before.

        Args:
            statuses: those that bring one.
        """
        response, body = self._exchange(path, {})
        self._check(path, response, body, statuses, None)
        return self._read(path, body, kind)

    def _exchange(self, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
        body = bytearray()
        try:
            with self._client.stream("GET", f"{self.target.url}{path}", headers=headers) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > BODY_LIMIT:
                        message = f"{self.target.url}{path} answers with more than {BODY_LIMIT} bytes"
                        raise AnswerUnusable(message, hint="lists of blobs can be read in pages: iterate_blobs")
        except httpx.HTTPError as error:
            why = f"{type(error).__name__}: {reason_of(error)}"
            raise TargetUnreachable(
                f"{self.target.url}{path} does not answer: {why}", hint="is the registry running?"
            ) from error
        return response, bytes(body)

    def _check(
        self, path: str, response: httpx.Response, body: bytes, statuses: tuple[int, ...], repository: str | None
    ) -> None:
        """Raise what a status means, where it is none of those that bring a document."""
        status = response.status_code
        if status in statuses:
            return
        if status in (401, 403):
            challenge = response.headers.get("www-authenticate")
            is_for_a_token = status == 401 and (challenge or "").lower().startswith("bearer")
            denial = "this client sends user name and password" if is_for_a_token else None
            refused = refusal(self.target, self._credentials, status=status, challenge=challenge, denial=denial)
            raise TargetRefused(refused.message, hint="check the username and the password that Monitor was given")
        told = _told(body)
        if status == 404 and repository is not None and told:
            raise RepositoryUnknown(
                f"{self.target.url} has no repository {repository!r}", hint="get_registry_state lists all"
            )
        raise AnswerUnusable(
            f"{self.target.url}{path} answers {status}{told}", hint=_NO_API if status < 500 else "see its log"
        )

    def _read(self, path: str, body: bytes, kind: type[T]) -> T:
        try:
            return read_json(body, kind)
        except Unreadable as error:
            raise AnswerUnusable(
                f"{self.target.url}{path} answers with something else than is documented: {error}", hint=_NO_API
            ) from error


class _Trouble(msgspec.Struct):
    error: str
    message: str


def _told(body: bytes) -> str:
    """What an error answer says, in the documented form; empty where it is in another."""
    try:
        trouble = read_json(body, _Trouble)
    except Unreadable:
        return ""
    return f": {trouble.error}: {trouble.message}"
