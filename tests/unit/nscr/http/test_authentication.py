"""Basic credentials against bcrypt hashes: what is asked of bcrypt, what is remembered, and who has to wait."""

import base64
from collections.abc import Callable
from typing import Any

import anyio
import bcrypt
import pytest

from nscr.http import authentication
from nscr.http.authentication import Admission, HashedUsers

pytestmark = pytest.mark.anyio

HASHES = {user: bcrypt.hashpw(password, bcrypt.gensalt(4)) for user, password in (("anna", b"a"), ("bob", b"b" * 72))}


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


class Door:
    """HashedUsers whose checks are counted, and stand still while the gate is shut."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.checks = 0
        self.gate = anyio.Event()
        self.gate.set()
        self.users = HashedUsers(HASHES, offload=self._offload, monotonic=lambda: self.seconds)

    async def _offload(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        self.checks += 1
        await self.gate.wait()
        return function(*arguments)

    async def __call__(self, credentials: bytes, source: str = "here") -> Admission:
        return await self.users.admit(basic(credentials), source)


@pytest.mark.parametrize("credentials", [b"anna:a", b"bob:" + b"b" * 72])
async def test_every_user_is_admitted(credentials: bytes) -> None:
    assert await Door()(credentials) is Admission.ADMITTED


@pytest.mark.parametrize("credentials", [b"anna:b", b"anna:", b"anna", b"", b"carl:a", b"anna:" + b"b" * 72, b"bob:a"])
async def test_wrong_credentials_cost_one_check_each(credentials: bytes) -> None:
    door = Door()
    assert await door(credentials) is Admission.REFUSED
    assert door.checks == 1


@pytest.mark.parametrize("credentials", [b"bob:" + b"b" * 73, b"anna:a\0", b"anna:" + b"\xff" * 100_000])
async def test_what_bcrypt_would_cut_short_or_choke_on_is_refused_unchecked(credentials: bytes) -> None:
    door = Door()
    assert await door(credentials) is Admission.REFUSED
    assert door.checks == 0


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !!", "Bearer abc", "Basic " + "A" * 5])
async def test_headers_that_hold_no_credentials(header: str | None) -> None:
    assert await Door().users.admit(header, "here") is Admission.REFUSED


async def test_what_passed_is_remembered_for_a_while_and_what_failed_is_not() -> None:
    door = Door()
    for _ in range(3):
        assert await door(b"anna:a") is Admission.ADMITTED
    assert door.checks == 1
    assert await door(b"anna:b") is Admission.REFUSED
    assert await door(b"anna:b") is Admission.REFUSED
    assert door.checks == 3
    door.seconds += authentication.REMEMBERED_SECONDS
    assert await door(b"anna:a") is Admission.ADMITTED
    assert door.checks == 4


async def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "REMEMBERED_USERS", 1)
    door = Door()
    for credentials in (b"anna:a", b"bob:" + b"b" * 72, b"anna:a"):
        assert await door(credentials) is Admission.ADMITTED
    assert door.checks == 3


async def test_requests_with_the_same_credentials_share_one_check() -> None:
    door = Door()
    door.gate = anyio.Event()
    admitted: list[Admission] = []

    async def ask() -> None:
        admitted.append(await door(b"anna:a"))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        door.gate.set()
    assert admitted == [Admission.ADMITTED] * 50
    assert door.checks == 1


async def test_a_check_outlives_the_request_that_began_it() -> None:
    door = Door()
    door.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(door, b"anna:a")
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        door.gate.set()
    assert await door(b"anna:a") is Admission.ADMITTED
    assert door.checks == 1


async def test_a_source_that_guesses_must_wait_and_holds_nobody_else_up() -> None:
    door = Door()
    assert await door(b"anna:a", "good") is Admission.ADMITTED
    door.gate = anyio.Event()
    results: list[Admission] = []

    async def guess(number: int) -> None:
        results.append(await door(b"anna:%d" % number, "bad"))

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(guess, number)
        await anyio.wait_all_tasks_blocked()
        assert results == [Admission.LATER] * (100 - authentication.CHECKS_PER_SOURCE)
        assert await door(b"anna:a", "bad") is Admission.ADMITTED
        door.gate.set()
    assert results.count(Admission.REFUSED) == authentication.CHECKS_PER_SOURCE
    assert await door(b"anna:c", "bad") is Admission.REFUSED
