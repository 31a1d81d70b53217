"""Found out before a run writes anything: does the registry let us in, and may we push where we mean to?

Harbor and its like want a project that exists, hosted registries one that is the user's own, some take names of two
levels only; all of them say so at the first push, each in its own words. So one upload is opened and given up again.
"""

from contextlib import suppress

import msgspec
import trio

from nscr_cli.client.auth import refusal
from nscr_cli.client.documents import ForeignLocation, seconds_of
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.transport import Reply
from nscr_cli.client.trust import dialer_for
from nscr_cli.errors import TargetRefused, TargetUnreachable
from nscr_cli.foreign_json import Unreadable, read_json

_LONGEST = 300
_LATER = frozenset({408, 429, 502, 503, 504})  # it cannot be reached now, or limits its clients
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
_LONGEST_PAUSE_S = 10.0


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


async def check_admission(target: Target, credentials: Credentials | None, *, push_to: str | None = None) -> None:
    """Ask once whether a registry is there and lets us in, and whether it would take a push to a repository.

    Args:
        push_to: full name of a repository; None where nothing is to be pushed.

    Raises:
        TargetUnreachable: it does not answer.
        TargetRefused: it answers and lets us not in, is not a registry, or takes no push there.
    """
    registry = RegistryClient(dialer_for(target), target, credentials)
    try:
        check_access(target, credentials, await greeting(registry))
        if push_to is not None:
            await _check_push(registry, credentials, push_to)
    finally:
        await registry.aclose()


async def greeting(registry: RegistryClient) -> Reply:
    """The reply to GET /v2/; asked for a few times while the registry, or a proxy before it, serves nobody."""
    reply = await registry.ping()
    for pause_s in _PAUSES_S:
        if reply.status not in _LATER:
            break
        asked_for = seconds_of(reply.header("retry-after")) or 0.0
        await trio.sleep(max(pause_s, min(asked_for, _LONGEST_PAUSE_S)))
        reply = await registry.ping()
    return reply


def check_access(target: Target, credentials: Credentials | None, reply: Reply) -> None:
    """Let pass a reply to GET /v2/ of a registry that lets us in.

    Raises:
        TargetUnreachable, TargetRefused: see `check_admission`.
    """
    if reply.status is None:
        raise TargetUnreachable(
            f"{target.url} does not answer: {reply.exchange.failure}",
            hint="is it running, and is this its address? see --registry-url, and --ca-cert for private certificates",
        )
    if reply.status in (401, 403):
        challenge = reply.header("www-authenticate")
        raise refusal(target, credentials, status=reply.status, challenge=challenge, denial=reply.denial)
    if reply.status in _LATER:
        raise TargetRefused(
            f"{target.url} answers {reply.status} to GET /v2/, again and again",
            hint="is it up behind its proxy, and may so much be asked of it? try again later",
        )
    if reply.status != 200:
        raise TargetRefused(
            f"{target.url} answers {reply.status} to GET /v2/, where a registry answers 200",
            hint="is this the address of a registry, with its path prefix?",
        )


async def _check_push(registry: RegistryClient, credentials: Credentials | None, repository: str) -> None:
    reply = await registry.start_upload(repository)
    location = reply.header("location")
    if reply.status == 202 and location is not None:
        with suppress(ForeignLocation):  # the load will tell what becomes of uploads that lead elsewhere
            await registry.cancel_upload(registry.resolve(reply, location))
        return
    who = "an anonymous user" if credentials is None else f"user {credentials.username!r}"
    said = _said(reply)
    # Anything else, a 5xx or a lost answer, is for the load to show and for the checkers to judge.
    if reply.status in (401, 403):
        raise TargetRefused(
            f"{registry.target.url} lets {who} push nothing to {repository}: {said}",
            hint="name a project where that user may push with --namespace; --flat if names have two levels there",
        )
    if reply.status in (400, 404):
        raise TargetRefused(
            f"{registry.target.url} has no place for {repository}: {said}",
            hint="create that project first, or name one that exists with --namespace; --flat if names have two levels",
        )


def _said(reply: Reply) -> str:
    """Status, code and message of a refusal."""
    if reply.denial is not None:
        return f"{reply.status}, {reply.denial}"
    try:
        errors = read_json(bytes(reply.body.kept), _Errors).errors
    except Unreadable:
        errors = []
    first = errors[0] if errors else _Error()
    return " ".join(filter(None, (str(reply.status), first.code, first.message[:_LONGEST])))
