"""HTTP Basic authentication (RFC 7617) against one pair of credentials, or against bcrypt hashes of several users.

A bcrypt check takes a tenth of a second of one core, by design. So checks run one at a time and off the event loop;
what passed is remembered for some minutes, under a hash keyed for this process alone; requests that offer the same
credentials meanwhile share one check; and a source that keeps too many checks waiting is told to come back later,
while users who are remembered get on as ever.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Protocol

import anyio
import bcrypt

from nscr.stores.base import Offload

CHALLENGE = 'Basic realm="nscr", charset="UTF-8"'

LONGEST_PASSWORD = 72
"""Bcrypt would ignore what comes after: a longer password is no password here."""

REMEMBERED_SECONDS = 300.0
REMEMBERED_USERS = 1000
CHECKS_PER_SOURCE = 4
CHECKS_WAITING = 100


class Admission(Enum):
    ADMITTED = auto()
    REFUSED = auto()
    LATER = auto()


class Authentication(Protocol):
    async def admit(self, authorization: str | None, source: str) -> Admission:
        """Judge an Authorization header that came from the address `source`."""


def offered_credentials(authorization: str | None) -> bytes | None:
    """`user:password` of a Basic Authorization header."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


class SingleUser:
    """Knows the hash of the one accepted `user:password`, so that length and content cost the same to compare."""

    def __init__(self, username: str, password: str) -> None:
        self._accepted = hashlib.sha256(f"{username}:{password}".encode()).digest()

    async def admit(self, authorization: str | None, source: str) -> Admission:
        offered = offered_credentials(authorization)
        if offered is None or not hmac.compare_digest(hashlib.sha256(offered).digest(), self._accepted):
            return Admission.REFUSED
        return Admission.ADMITTED


class _Check:
    """One bcrypt check that any number of requests wait for."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.passed = False


class HashedUsers:
    """Users of an htpasswd file."""

    def __init__(self, users: Mapping[str, bytes], *, offload: Offload, monotonic: Callable[[], float]) -> None:
        self._users = {user.encode(): hashed for user, hashed in users.items()}
        # Checked for users who do not exist, so that they take as long as those who do.
        self._decoy = next(iter(users.values()))
        self._offload = offload
        self._monotonic = monotonic
        self._key = os.urandom(32)
        self._remembered: dict[bytes, float] = {}
        self._checks: dict[bytes, _Check] = {}
        self._waiting: Counter[str] = Counter()
        self._turn = anyio.Lock()

    async def admit(self, authorization: str | None, source: str) -> Admission:
        offered = offered_credentials(authorization)
        if offered is None:
            return Admission.REFUSED
        user, _, password = offered.partition(b":")
        if len(password) > LONGEST_PASSWORD or b"\0" in password:
            return Admission.REFUSED
        name = hashlib.blake2b(offered, key=self._key).digest()
        if self._remembered.get(name, 0.0) > self._monotonic():
            return Admission.ADMITTED
        check = self._checks.get(name)
        if check is None:
            if self._waiting[source] >= CHECKS_PER_SOURCE or len(self._checks) >= CHECKS_WAITING:
                return Admission.LATER
            check = self._checks[name] = _Check()
            await self._carry_out(check, name, source, self._users.get(user), password)
        else:
            await check.done.wait()
        return Admission.ADMITTED if check.passed else Admission.REFUSED

    async def _carry_out(self, check: _Check, name: bytes, source: str, hashed: bytes | None, password: bytes) -> None:
        self._waiting[source] += 1
        try:
            # Shielded: others wait for this check, whatever becomes of the request that began it.
            with anyio.CancelScope(shield=True):
                async with self._turn:
                    matches = await self._offload(bcrypt.checkpw, password, hashed or self._decoy)
            check.passed = matches and hashed is not None
            if check.passed:
                self._remember(name)
        finally:
            del self._checks[name]
            self._waiting[source] -= 1
            self._waiting += Counter()  # drops the sources that are down to nothing
            check.done.set()

    def _remember(self, name: bytes) -> None:
        now = self._monotonic()
        if len(self._remembered) >= REMEMBERED_USERS:
            self._remembered = {each: until for each, until in self._remembered.items() if until > now}
            while len(self._remembered) >= REMEMBERED_USERS:
                del self._remembered[next(iter(self._remembered))]
        self._remembered[name] = now + REMEMBERED_SECONDS
