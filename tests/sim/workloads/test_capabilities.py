"""The probe: only what a registry declines as such is unsupported; what only a broken one says is not."""

import msgspec
import pytest

from nscr_cli.checkers.inventory import UPLOAD_STEPS
from nscr_cli.generators.namespace import Namespace
from nscr_cli.history.history import Operation
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.ops import Answered, F, Kind, Phase, PushStyle
from nscr_cli.workloads.capabilities import probe, style_probe, unsupported
from nscr_cli.workloads.world import World

WORLD = World(
    seed=1,
    namespace=Namespace("ours"),
    repositories=("ours/repository-0",),
    tags=("tag-0",),
    blob_sizes=(0, 10),
    weights={F.LIST_CATALOG: 1},
    config=Content.of_bytes(b"{}"),
    shared=(),
)
PROBES = (*style_probe(WORLD), *probe(WORLD))


def ended(invocation: Invocation, kind: Kind, answered: Answered) -> Operation:
    return Operation(
        index=0,
        process=0,
        f=invocation.f,
        key=invocation.key,
        phase=Phase.SEED,
        asked=invocation.asked,
        kind=kind,
        answered=answered,
        error=None,
        intended_ns=0,
        start_ns=0,
        end_ns=1,
    )


def said_of(f: F, kind: Kind, status: int | None, code: str | None = None) -> dict[str, str]:
    """What is unsupported when every probe of `f` is answered so."""
    answered = Answered(status=status, error_code=code)
    return unsupported(WORLD, [ended(one, kind, answered) for one in PROBES if one.f is f])


def test_everything_is_probed_and_deleted_again() -> None:
    asked = [one.f for one in PROBES]
    assert set(asked) == set(F) - {F.HEAD_BLOB, F.GET_MANIFEST, F.LIST_PAGE} - UPLOAD_STEPS
    assert {one.asked.style for one in PROBES if one.f is F.PUSH_BLOB} == set(PushStyle)
    pushed = {one.key for one in PROBES if one.f in (F.PUSH_BLOB, F.MOUNT_BLOB)}
    assert pushed == {one.key for one in PROBES if one.f is F.DELETE_BLOB}
    assert all(WORLD.namespace.owns(one.key) for one in PROBES)


def test_sha512_is_asked_for_only_where_clients_will_and_says_nothing_about_anything_else() -> None:
    stage = msgspec.structs.replace(WORLD, weights={"push-by-sha512": 1})
    more = [one for one in probe(stage) if (one.asked.digest or "").startswith("sha512:")]
    assert [one.f for one in more] == [F.PUSH_BLOB, F.DELETE_BLOB]
    assert not any((one.asked.digest or "").startswith("sha512:") for one in PROBES)
    refused = Answered(status=400, error_code="DIGEST_INVALID")
    assert unsupported(stage, [ended(one, Kind.FAIL, refused) for one in more]) == {"sha512": "400 DIGEST_INVALID"}
    gone = Answered(status=404)
    assert unsupported(stage, [ended(more[0], Kind.OK, Answered(status=201)), ended(more[1], Kind.FAIL, gone)]) == {
        "sha512": "404"
    }


def test_the_catalog_is_asked_for_only_where_clients_will() -> None:
    assert F.LIST_CATALOG not in {one.f for one in probe(msgspec.structs.replace(WORLD, weights={}))}
    assert said_of(F.LIST_CATALOG, Kind.FAIL, 404) == {F.LIST_CATALOG: "404"}
    assert said_of(F.LIST_CATALOG, Kind.FAIL, 401, "UNAUTHORIZED") == {F.LIST_CATALOG: "401 UNAUTHORIZED"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (405, None),
        (405, "UNSUPPORTED"),
        (501, None),
        (403, "DENIED"),
        (400, "DIGEST_INVALID"),
        (404, None),
        (404, "PAGE"),
    ],
)
def test_a_delete_that_is_declined_is_unsupported(status: int, code: str | None) -> None:
    reason = f"{status} {code}" if code else str(status)
    assert said_of(F.DELETE_TAG, Kind.FAIL, status, code) == {"delete-tag": reason}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.FAIL, 404, "MANIFEST_UNKNOWN"),
        (Kind.FAIL, 404, "NAME_UNKNOWN"),
        (Kind.INFO, 500, "UNKNOWN"),
        (Kind.INFO, None, None),
        (Kind.FAIL, None, None),
        (Kind.FAIL, 429, "TOOMANYREQUESTS"),
        (Kind.OK, 202, None),
    ],
)
def test_what_only_a_broken_registry_says_is_not_unsupported(kind: Kind, status: int | None, code: str | None) -> None:
    assert said_of(F.DELETE_TAG, kind, status, code) == {}


def test_push_styles_are_named_one_by_one() -> None:
    assert set(said_of(F.PUSH_BLOB, Kind.FAIL, 405)) == set(PushStyle)


def test_kinds_of_manifests_are_named_one_by_one() -> None:
    assert set(said_of(F.PUT_MANIFEST, Kind.FAIL, 400, "MANIFEST_INVALID")) == {
        "put-manifest",
        "docker-manifests",
        "indexes",
        "compare-and-set",
    }


CONDITIONAL = [one for one in PROBES if one.asked.if_match is not None]


@pytest.mark.parametrize(
    ("to_false", "to_true", "reason"),
    [
        ((Kind.FAIL, 412), (Kind.OK, 201), None),
        ((Kind.OK, 201), (Kind.OK, 201), "201 to an If-Match that does not match"),
        ((Kind.FAIL, 412), (Kind.FAIL, 412), "412 to an If-Match that matches"),
        ((Kind.FAIL, 400), (Kind.FAIL, 400), "400 to an If-Match that matches"),
        ((Kind.INFO, 500), (Kind.INFO, None), None),
        ((Kind.FAIL, 429), (Kind.FAIL, 404), None),
    ],
)
def test_only_who_turns_down_what_is_false_and_takes_what_is_true_compares_and_sets(
    to_false: tuple[Kind, int], to_true: tuple[Kind, int | None], reason: str | None
) -> None:
    false, true = CONDITIONAL
    assert false.asked.if_match == f'"{false.asked.digest}"'
    answers = ((false, to_false), (true, to_true))
    said = unsupported(WORLD, [ended(one, kind, Answered(status=status)) for one, (kind, status) in answers])
    assert said == ({} if reason is None else {"compare-and-set": reason})


def test_a_mount_that_opens_an_upload_and_a_range_that_is_ignored_are_unsupported() -> None:
    assert said_of(F.MOUNT_BLOB, Kind.FAIL, 202) == {"mount-blob": "202"}
    assert said_of(F.GET_BLOB, Kind.OK, 200) == {"blob-ranges": "answers 200 with the whole blob"}
    assert said_of(F.GET_BLOB, Kind.OK, 206) == {}
