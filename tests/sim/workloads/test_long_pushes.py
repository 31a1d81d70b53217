"""Errands around long pushes: everybody knows what is on its way, and asks for it before, while and after it comes."""

from collections import defaultdict
from datetime import UTC, datetime
from random import Random

from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.engine.scenario_file import load_scenario
from nscr_cli.history.keys import repository_of
from nscr_cli.history.ops import F, Op
from nscr_cli.workloads.simulation import simulate

SCENARIO = load_scenario("long-push")
PLAN = make_plan(
    "long-push", SCENARIO, Flags(seed=5, workers=6), started=datetime(2026, 1, 2, tzinfo=UTC), chance=Random(1)
)


def load() -> list[Op]:
    return list(simulate(PLAN, 1500))


def asked_digest(op: Op) -> str:
    assert op.asked is not None
    return op.asked.digest or ""


def test_what_one_client_pushes_others_ask_for_and_mount() -> None:
    clients: dict[F, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for op in load():
        clients[op.f][asked_digest(op)].add(op.process)
    pushed = clients[F.PUSH_BLOB]
    assert any(len(who) > 1 for who in pushed.values())
    for f in (F.HEAD_BLOB, F.MOUNT_BLOB):
        shared = set(clients[f]) & set(pushed)
        assert any(clients[f][digest] - pushed[digest] for digest in shared), f


def test_a_blob_is_asked_for_before_anybody_pushed_it() -> None:
    pushed: set[str] = set()
    too_early = 0
    for op in load():
        if op.f is F.PUSH_BLOB:
            pushed.add(op.key)
        too_early += op.f in (F.HEAD_BLOB, F.GET_BLOB) and op.key not in pushed
    assert too_early > 20


def test_a_mount_takes_from_another_repository() -> None:
    mounts = [op for op in load() if op.f is F.MOUNT_BLOB]
    assert mounts
    assert all(op.asked is not None and op.asked.source not in (None, repository_of(op.key)) for op in mounts)


def test_a_seed_says_the_same_again() -> None:
    assert [(op.process, op.f, op.key) for op in load()] == [(op.process, op.f, op.key) for op in load()]
