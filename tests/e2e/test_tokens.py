"""Registries behind a token server: torture, gate and watch, with tokens that end in the middle."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from nscr_cli.client.challenges import Challenge
from nscr_cli.client.monitoring.polling import Monitoring
from nscr_cli.client.target import Credentials, parse_target
from nscr_cli.client.tokens import Tokens
from nscr_cli.client.transport import Transport
from nscr_cli.client.trust import dialer_for
from tests.e2e.loads import load_of
from tests.e2e.token_guard import Guard, guarded

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SECRET = "pl4nted-s3cret"


def run(
    program: str, folder: Path, guard: Guard, *words: str, password: str = SECRET
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    settings = {"NSCR_REGISTRY_URL": guard.url, "NSCR_USERNAME": "ann", "NSCR_PASSWORD": password}
    return subprocess.run(
        [program, *words], capture_output=True, text=True, timeout=100, cwd=folder, env=clean | settings
    )


def test_a_run_outlives_its_tokens(nscr_program: str, serve: Callable[..., object], tmp_path: Path) -> None:
    served = serve()
    with guarded(served.url, "ann", SECRET, life_s=2.5, told_life_s=300) as guard:
        done = run(
            nscr_program, tmp_path, guard, "torture", "--workers", "4", "--duration", "6s", "--seed", "7", "--keep"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert guard.refused > 0, "no token ended under a request"
        checked = run(nscr_program, tmp_path, guard, "gate", "--format", "plain")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        watched = run(nscr_program, tmp_path, guard, "watch", "--for", "1s")
        assert watched.returncode == 0, watched.stdout + watched.stderr
    written = b"".join(path.read_bytes() for path in (tmp_path / "reports").rglob("*") if path.is_file())
    written += "".join(one.stdout + one.stderr for one in (done, checked, watched)).encode()
    assert b"journal" in written
    assert SECRET.encode() not in written
    assert not [token for token in guard.issued if token.encode() in written]


def test_a_token_that_others_brought_may_have_ended(serve: Callable[..., object]) -> None:
    served = serve()

    async def statuses(guard: Guard) -> list[int | None]:
        target, _ = parse_target(guard.url)
        credentials = Credentials("ann", SECRET)
        tokens = Tokens(target, credentials, user_agent="nscr")
        told = []
        async with Monitoring(target, credentials, tokens=tokens) as monitoring:
            transport = Transport(
                dialer_for(target), target, credentials, user_agent="nscr", time_outs=None, tokens=tokens
            )
            for ask in (
                lambda: monitoring.poll("/api/registry/state"),
                lambda: monitoring.poll("/api/registry/health"),
                lambda: transport.request("GET", "/v2/"),
                lambda: transport.request("GET", "/v2/_catalog"),
            ):
                told.append((await ask()).status)
                guard.end_tokens()
            await transport.aclose()
        return told

    with guarded(served.url, "ann", SECRET, life_s=300, told_life_s=300) as guard:
        assert trio.run(statuses, guard) == [200] * 4


def test_whoever_was_refused_with_what_others_brought_gets_one_of_its_own() -> None:
    async def granted(guard: Guard) -> list[bool]:
        target, _ = parse_target(guard.url)
        tokens = Tokens(target, Credentials("ann", SECRET), user_agent="nscr")
        challenge = Challenge(realm=f"{guard.url}/token", service="guarded", scopes=("repository:a:pull",))
        first = await tokens.answer("pull a", challenge, rejected=None)
        told = [first, await tokens.answer("pull a", challenge, rejected=None)]
        # Two that carried the first one; then the second of them, which the new one did not help either.
        told += [await tokens.answer("pull a", challenge, rejected=first.text) for _ in range(2)]
        told.append(await tokens.answer("pull a", challenge, rejected=told[-1].text))
        assert len({each.text for each in told}) == 3
        return [each.is_new for each in told]

    with guarded("http://127.0.0.1:1", "ann", SECRET, life_s=300, told_life_s=300) as guard:
        assert trio.run(granted, guard) == [True, False, True, False, True]


def test_a_token_is_asked_for_once(nscr_program: str, serve: Callable[..., object], tmp_path: Path) -> None:
    served = serve()
    with guarded(served.url, "ann", SECRET, life_s=300, told_life_s=300) as guard:
        done = run(
            nscr_program, tmp_path, guard, "torture", "tags", "--workers", "16", *load_of(times=0.5), "--seed", "7"
        )
        assert done.returncode in (0, 3), done.stdout + done.stderr
        by_repository = {scope: count for scope, count in guard.asked.items() if scope}
        # The load and the clean-up after it share nothing; within each, a scope is asked for once.
        assert by_repository
        assert max(by_repository.values()) <= 2, by_repository


def test_first_pushes_to_new_repositories_get_their_tokens(
    nscr_program: str, serve: Callable[..., object], tmp_path: Path
) -> None:
    served = serve()
    with guarded(served.url, "ann", SECRET, life_s=300, told_life_s=300) as guard:
        done = run(nscr_program, tmp_path, guard, "torture", "fresh-repo-burst", "--workers", "6", *load_of(), "--keep")
        assert done.returncode == 0, done.stdout + done.stderr
        fresh = {scope: count for scope, count in guard.asked.items() if "/fresh-" in scope}
        assert len(fresh) > 2
        assert set(fresh.values()) == {1}, fresh


def test_a_wrong_password_is_told(nscr_program: str, serve: Callable[..., object], tmp_path: Path) -> None:
    served = serve()
    with guarded(served.url, "ann", SECRET, life_s=300, told_life_s=300) as guard:
        done = run(nscr_program, tmp_path, guard, "gate", password="wr0ng-s3cret")
        assert done.returncode == 5
        assert f"the token server {guard.url} answers 401" in done.stderr
        assert "wr0ng" not in done.stdout + done.stderr


def test_a_missing_project_is_told_before_anything_is_pushed(
    nscr_program: str, serve: Callable[..., object], tmp_path: Path
) -> None:
    served = serve("--log-level", "debug")
    with guarded(served.url, "ann", SECRET, life_s=300, told_life_s=300) as guard:
        guard.projects, guard.levels = ("ours",), 2
        for words, said in (
            ((), "404 NOT_FOUND project nscr-torture not found"),
            (("--namespace", "ours"), "has too many levels"),
        ):
            done = run(nscr_program, tmp_path, guard, "torture", "tags", "--duration", "2s", *words)
            assert done.returncode == 5, done.stdout + done.stderr
            assert said in " ".join(done.stderr.split())
            assert "--namespace" in done.stderr
            assert "Traceback" not in done.stderr
        assert "/blobs/" not in served.log.read_text()
        done = run(
            nscr_program, tmp_path, guard,
            "torture", "tags", *load_of(), "--seed", "7", "--namespace", "ours", "--flat",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "--flat" in done.stdout
        pushed = re.findall(r"/v2/(\S+?)/(?:blobs|manifests)", served.log.read_text())
        assert pushed
        assert {name.count("/") for name in pushed} == {1}
    assert not list(tmp_path.rglob("leftovers.txt"))
