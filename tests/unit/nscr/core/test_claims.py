from nscr.core.claims import Claims
from nscr.oci.digest import digest_of

X, Y = digest_of(b"x"), digest_of(b"y")


def test_who_was_only_told_has_no_claim_to_use_up() -> None:
    claims = Claims()
    claims.claim("a", X, "one")
    assert claims.foreign("a", [X, Y]) == frozenset()
    claims.tell("a", X, "two")
    claims.tell("a", X, "three")
    assert claims.foreign("a", [X, Y]) == {X}
    assert claims.foreign("b", [X, Y]) == frozenset()
    claims.settle("a", [X, Y])
    assert claims.foreign("a", [X]) == {X}
    claims.settle("a", [X])
    assert claims.foreign("a", [X]) == frozenset()


def test_who_asks_after_its_own_has_its_claim() -> None:
    claims = Claims()
    claims.claim("a", X, "one")
    claims.tell("a", X, "one")
    assert claims.foreign("a", [X]) == frozenset()
    claims.tell("b", X, "one")
    assert claims.foreign("b", [X]) == {X}


def test_what_is_gone_is_forgotten() -> None:
    claims = Claims()
    claims.tell("a", X, "one")
    claims.tell("a", Y, "one")
    claims.forget(X)
    assert claims.foreign("a", [X, Y]) == {Y}


def test_memory_is_bounded() -> None:
    claims = Claims()
    digests = [digest_of(str(number).encode()) for number in range(50_001)]
    for digest in digests:
        claims.claim("a", digest, "one")
        claims.tell("a", digest, "two")
    assert claims.foreign("a", digests[:2]) == {digests[1]}
