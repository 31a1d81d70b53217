"""Challenges and tokens as registries and token servers write them."""

import pytest

from nscr_cli.client.challenges import Challenge, Token, access_of, challenge_of, is_trusted, token_of
from nscr_cli.client.target import parse_target


@pytest.mark.parametrize(
    ("value", "challenge"),
    [
        (
            'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
            Challenge(
                realm="https://auth.example/token",
                service="registry.example",
                scopes=("repository:a/b:pull,push",),
            ),
        ),
        (
            'Basic realm="x", bearer realm=https://t/ , scope="repository:a:pull repository:b:pull"',
            Challenge(realm="https://t/", scopes=("repository:a:pull", "repository:b:pull")),
        ),
        (r'Bearer realm="https://t/\"q\""', Challenge(realm='https://t/"q"')),
        ('Bearer service="s"', None),
        ('Basic realm="bearer"', None),
        ("", None),
    ],
)
def test_challenges(value: str, challenge: Challenge | None) -> None:
    assert challenge_of([value]) == challenge


def test_the_first_header_with_a_bearer_challenge_counts() -> None:
    assert challenge_of(['Basic realm="r"', "Bearer realm=https://t/"]) == Challenge(realm="https://t/")
    assert challenge_of([]) is None


def test_the_realm_keeps_its_query() -> None:
    plain = Challenge(realm="https://t/token", service="a b", scopes=("x:y:pull,push", "z:y:pull"))
    assert plain.url == "https://t/token?service=a+b&scope=x%3Ay%3Apull%2Cpush&scope=z%3Ay%3Apull"
    assert Challenge(realm="https://t/token?a=1", service="s").url == "https://t/token?a=1&service=s"
    assert Challenge(realm="https://t/token").url == "https://t/token"


def test_requests_alike_have_one_name() -> None:
    pull = access_of("GET", "/prefix/v2/a/b/manifests/latest")
    assert pull == access_of("HEAD", "/prefix/v2/a/b/blobs/sha256:0")
    assert pull != access_of("GET", "/prefix/v2/a/c/manifests/latest")
    push = access_of("POST", "/prefix/v2/a/b/blobs/uploads/")
    assert push == access_of("PUT", "/prefix/v2/a/b/blobs/uploads/1?_state=x&digest=y")
    assert push != access_of("POST", "/prefix/v2/a/b/blobs/uploads/?mount=sha256:0&from=a/c")
    assert len({pull, push, access_of("DELETE", "/prefix/v2/a/b/manifests/latest")}) == 3
    assert access_of("GET", "/v2/_catalog?n=3") == access_of("GET", "/v2/_catalog")


def test_tokens() -> None:
    assert token_of(b'{"token":"abc.d-e","expires_in":300}') == Token("abc.d-e", 300)
    assert token_of(b'{"access_token":"abc"}') == Token("abc", 60)
    assert "abc" not in repr(Token("abc", 60))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token":""}', b'{"token":"a\\r\\nb"}', b'{"token":5}', b"\xff"])
def test_what_no_header_could_carry_is_no_token(body: bytes) -> None:
    assert token_of(body) is None


@pytest.mark.parametrize(
    ("realm", "registry", "trusted"),
    [
        ("https://auth.example", "https://registry.example", True),
        ("https://auth.example", "http://registry.example", True),
        ("http://registry.example:81", "http://registry.example", True),
        ("http://127.0.0.1:81", "http://localhost:5000", True),
        ("http://auth.example", "http://registry.example", False),
        ("http://registry.example", "https://registry.example", False),
        ("http://localhost:81", "http://registry.example", False),
    ],
)
def test_where_a_password_may_go(realm: str, registry: str, trusted: bool) -> None:
    assert is_trusted(parse_target(realm)[0], parse_target(registry)[0]) is trusted
