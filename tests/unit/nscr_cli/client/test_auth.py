"""Credentials on requests, and what a user is told when they do not help."""

import pytest

from nscr_cli.client.auth import authorization, refusal
from nscr_cli.client.target import Credentials, parse_target

TARGET, _ = parse_target("http://localhost:5000")
ANN = Credentials("ann", "s3crét")


def test_basic() -> None:
    assert authorization(None) == ()
    assert authorization(ANN) == (("Authorization", "Basic YW5uOnMzY3LDqXQ="),)


@pytest.mark.parametrize(
    ("credentials", "status", "challenge", "said", "hint"),
    [
        (None, 401, 'Basic realm="r"', "asks for credentials", "--username"),
        (None, 401, None, "asks for credentials", "--username"),
        (ANN, 401, 'Basic realm="r"', "refused the credentials of user 'ann'", "check the user name"),
        (ANN, 403, None, "refused the credentials of user 'ann'", "check the user name"),
        (None, 401, 'Bearer realm="http://t/",service="s"', "asks for credentials", "--username"),
        (
            ANN,
            401,
            'Bearer realm="http://t/",service="s"',
            "refused the credentials of user 'ann'",
            "what that user may",
        ),
        (ANN, 401, "Negotiate", "asks for Negotiate authentication", "user name and password"),
    ],
)
def test_refusals(credentials: Credentials | None, status: int, challenge: str | None, said: str, hint: str) -> None:
    error = refusal(TARGET, credentials, status=status, challenge=challenge)
    assert said in error.message
    assert hint in error.hint
    assert "s3cr" not in error.message + error.hint
    assert error.exit_code == 5
