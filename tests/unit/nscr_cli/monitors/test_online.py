"""What is told of a run while it goes on: when something becomes certain, and when it no longer is."""

import hashlib
from itertools import count

import msgspec
import pytest

from nscr_cli.history.ops import INFO, INVOKE, OK, Answered, Asked, Event, F, Kind, Op, Phase, Sample
from nscr_cli.monitors.online import OnlineRules, is_plain
from nscr_cli.monitors.progress import Broken

A, B = (f"sha256:{hashlib.sha256(name).hexdigest()}" for name in (b"a", b"b"))
JUDGES = ("tags", "blobs", "protocol", "monitoring", "liveness")


class Run:
    """A run whose operations begin and end as a test says."""

    def __init__(self, *, is_fresh: bool = True, tag_model: str = "linearizable") -> None:
        self.rules = OnlineRules(JUDGES, namespace="ns/run", tag_model=tag_model, sees_all=True)
        self._clock = count(1000, 1000)
        self._process = count()
        detail = {"fresh": "yes" if is_fresh else "no", "monitoring": "yes"}
        self.rules.noted(Event(name="target", time_ns=0, detail=detail))

    def begin(self, f: F, key: str, **asked: object) -> Op:
        now_ns = next(self._clock)
        op = Op(
            index=now_ns, process=next(self._process), kind=INVOKE, f=f, key=key, phase=Phase.MAIN,
            intended_ns=now_ns, time_ns=now_ns, asked=Asked(**asked),  # type: ignore[arg-type]
        )  # fmt: skip
        self.rules.asked(op)
        return op

    def end(self, op: Op, kind: Kind, **answered: object) -> tuple[Broken, ...]:
        change = {"kind": kind, "time_ns": next(self._clock), "asked": None, "answered": Answered(**answered)}  # type: ignore[arg-type]
        return self.rules.ended(msgspec.structs.replace(op, **change))

    def put(self, digest: str, kind: Kind = OK, key: str = "ns/run/r:t") -> tuple[Broken, ...]:
        op = self.begin(F.PUT_MANIFEST, key, digest=digest, size=2)
        return self.end(op, kind, status=201 if kind is OK else None)

    def read(self, digest: str | None, key: str = "ns/run/r:t", f: F = F.GET_MANIFEST) -> tuple[Broken, ...]:
        op = self.begin(f, key)
        if digest is None:
            return self.end(op, OK, status=404, present=False)
        return self.end(op, OK, status=200, present=True, digest=digest, length=2, content_length=2)

    def delete(self, f: F, key: str, kind: Kind = OK) -> tuple[Broken, ...]:
        return self.end(self.begin(f, key), kind, status=202 if kind is OK else None)


def rules_of(seen: tuple[Broken, ...]) -> set[str]:
    return {one.rule for one in seen}


def test_a_tag_names_what_was_last_put_there_alone() -> None:
    run = Run()
    assert run.put(A) == ()
    assert run.read(A) == ()
    (seen,) = run.read(None)
    assert (seen.checker, seen.rule, seen.key, seen.first_s) == ("tags", "lost-or-stale", "r:t", 6e-6)
    assert run.put(B) == ()
    assert rules_of(run.read(A)) == {"lost-or-stale"}
    assert run.delete(F.DELETE_TAG, "ns/run/r:t") == ()
    assert run.read(None) == ()
    assert rules_of(run.read(B)) == {"lost-or-stale"}


def test_of_a_tag_with_a_change_that_nobody_knows_the_end_of_nothing_is_told() -> None:
    run = Run()
    run.put(A, INFO)
    run.put(B)
    assert run.read(A) == ()  # that put may have come late


def test_of_a_tag_with_two_changes_at_once_nothing_is_told_until_one_is_alone() -> None:
    run = Run()
    other = run.begin(F.PUT_MANIFEST, "ns/run/r:t", digest=A)
    run.put(B)
    assert run.read(A) == ()
    run.end(other, OK, status=201)
    assert run.read(B) == ()
    run.put("sha256:c")
    assert rules_of(run.read(A)) == {"lost-or-stale"}


def test_of_a_read_during_which_a_change_begins_nothing_is_told() -> None:
    run = Run()
    run.put(A)
    read = run.begin(F.GET_MANIFEST, "ns/run/r:t")
    change = run.begin(F.PUT_MANIFEST, "ns/run/r:t", digest=B)
    assert run.end(read, OK, status=200, present=True, digest=B) == ()
    run.end(change, OK, status=201)


@pytest.mark.parametrize("kind", [OK, INFO])
def test_a_delete_by_digest_is_a_change_of_every_tag(kind: Kind) -> None:
    run = Run()
    run.put(A)
    run.delete(F.DELETE_MANIFEST, f"ns/run/r@{A}", kind)
    assert run.read(None) == ()
    run.put(B)
    assert bool(run.read(None)) == (kind is OK)


def test_of_a_digest_that_was_put_twice_nothing_is_told() -> None:
    run = Run()
    run.put(A)
    run.put(B)
    run.put(A)
    assert run.read(B) == ()


@pytest.mark.parametrize("is_fresh", [True, False])
def test_what_was_put_is_there_until_a_delete_may_have_followed(is_fresh: bool) -> None:
    run, key = Run(is_fresh=is_fresh), f"ns/run/r@{A}"
    push = run.begin(F.PUSH_BLOB, key, digest=A, size=2)
    assert run.read(None, key, F.GET_BLOB) == ()
    run.end(push, OK, status=201)
    (seen,) = run.read(None, key, F.HEAD_BLOB)
    assert (seen.checker, seen.rule, seen.key) == ("blobs", "lost-blob", f"r@{A[:19]}")
    delete = run.begin(F.DELETE_BLOB, key)
    assert run.read(None, key, F.GET_BLOB) == ()
    run.end(delete, OK, status=202)
    assert run.read(None, key, F.GET_BLOB) == ()
    run.end(run.begin(F.PUSH_BLOB, key, digest=A, size=2), OK, status=201)
    assert rules_of(run.read(None, key, F.GET_BLOB)) == {"lost-blob"}
    run.delete(F.DELETE_MANIFEST, f"ns/run/r@{B}")
    assert bool(run.read(None, key, F.GET_BLOB)) == is_fresh  # others may collect what no manifest needs any more


def test_of_what_a_delete_of_unknown_end_was_about_nothing_is_told_any_more() -> None:
    run, key = Run(), f"ns/run/r@{A}"
    run.end(run.begin(F.PUSH_BLOB, key, digest=A, size=2), OK, status=201)
    run.delete(F.DELETE_BLOB, key, INFO)
    run.end(run.begin(F.PUSH_BLOB, key, digest=A, size=2), OK, status=201)
    assert run.read(None, key, F.GET_BLOB) == ()


def test_a_manifest_that_was_put_under_a_tag_may_go_with_the_tag() -> None:
    run, key = Run(), f"ns/run/r@{A}"
    run.put(A)
    assert rules_of(run.read(None, key)) == {"lost-manifest"}
    run.delete(F.DELETE_TAG, "ns/run/r:t")
    assert run.read(None, key) == ()
    run.put(A, key=key)
    assert rules_of(run.read(None, key)) == {"lost-manifest"}


def test_where_the_scenario_allows_for_a_lag_nothing_is_missing_at_once() -> None:
    run = Run(tag_model="eventual(5s)")
    run.put(A)
    assert run.read(None) == ()
    assert run.read(None, f"ns/run/r@{A}") == ()


@pytest.mark.parametrize(
    ("kind", "answered", "rules"),
    [
        (OK, {"status": 200, "present": True, "digest": A, "header_digest": A, "length": 2}, set()),
        (OK, {"status": 200, "present": True, "digest": B, "length": 1}, {"truncated-content"}),
        (OK, {"status": 200, "present": True, "digest": B, "length": 2}, {"corrupt-content"}),
        (OK, {"status": 200, "present": True, "digest": A, "header_digest": B}, {"wrong-digest-header"}),
        (OK, {"status": 200, "present": True, "digest": A, "length": 2, "content_length": 3}, {"wrong-length"}),
        (OK, {"status": 202, "present": True, "digest": A, "length": 2}, {"wrong-status"}),
        (Kind.FAIL, {"status": 500}, {"server-error"}),
        (INFO, {"status": 500}, {"server-error"}),
        (Kind.FAIL, {"status": 503}, set()),
        (Kind.FAIL, {"status": 429}, set()),
        (INFO, {}, set()),
    ],
)
def test_single_answers_are_judged_as_the_checkers_do(kind: Kind, answered: dict[str, object], rules: set[str]) -> None:
    run = Run()
    op = run.begin(F.GET_BLOB, f"ns/run/r@{A}", digest=A, size=2)
    assert rules_of(run.end(op, kind, **answered)) == rules


def test_a_head_has_no_body_whatever_length_it_announces() -> None:
    run = Run()
    op = run.begin(F.HEAD_BLOB, f"ns/run/r@{A}", digest=A, size=2)
    answered = {"status": 200, "present": True, "header_digest": A, "length": 0, "content_length": 2}
    assert run.end(op, OK, **answered) == ()
    assert is_plain(msgspec.structs.replace(op, kind=OK, answered=Answered(**answered)))  # type: ignore[arg-type]


def test_documents_of_the_monitoring_api_are_judged_each_by_itself() -> None:
    run = Run()
    lying = b'{"totalBlobs":3,"timestamp":1,"blobs":[]}'
    endpoint, body = "/api/registry/blobs", msgspec.Raw(lying)
    sample = Sample(endpoint=endpoint, start_ns=0, end_ns=2_000_000_000, status=200, body=body)
    (seen,) = run.rules.sampled(sample)
    assert (seen.checker, seen.rule, seen.key, seen.first_s) == ("monitoring", "contradiction", endpoint, 2.0)
    honest = msgspec.structs.replace(sample, body=msgspec.Raw(lying.replace(b"3", b"0")))
    assert run.rules.sampled(honest) == ()
    run.rules.noted(Event(name="target", time_ns=0, detail={"monitoring": "no"}))
    assert run.rules.sampled(sample) == ()


def test_a_registry_that_died_is_told_at_once() -> None:
    (seen,) = Run().rules.noted(Event(name="target-died", time_ns=7_000_000_000, detail={"detail": "exited with 1"}))
    assert (seen.checker, seen.rule, seen.text, seen.first_s) == ("liveness", "target-died", "exited with 1", 7.0)
