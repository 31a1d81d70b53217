"""What the health check of a container asks, and what it makes of the answer."""

import pytest

from nscr.healthcheck import judge, main, request_for


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:7000"),
        ({"NSCR_HOST": "0.0.0.0", "NSCR_PORT": "80"}, "http://127.0.0.1:80"),  # noqa: S104
        ({"NSCR_HOST": "::"}, "http://[::1]:7000"),
        ({"NSCR_HOST": "10.0.0.7"}, "http://10.0.0.7:7000"),
        ({"NSCR_TLS_CERT": "/cert.pem"}, "https://127.0.0.1:7000"),
    ],
)
def test_it_asks_where_the_registry_listens(environment: dict[str, str], url: str) -> None:
    assert request_for(environment).full_url == f"{url}/api/registry/health"


def test_it_gives_the_credentials_that_there_are() -> None:
    both = {"NSCR_AUTH_USERNAME": "ann", "NSCR_AUTH_PASSWORD": "s3cret"}
    assert request_for(both).get_header("Authorization") == "Basic YW5uOnMzY3JldA=="
    assert not request_for({"NSCR_AUTH_USERNAME": "ann"}).has_header("Authorization")


@pytest.mark.parametrize(
    ("status", "body", "has_credentials", "verdict"),
    [
        (200, b'{"status":"healthy","warnings":[]}', True, (True, "healthy")),
        (200, b'{"status":"degraded","warnings":["disk nearly full"]}', True, (True, "degraded, disk nearly full")),
        (500, b'{"status":"unhealthy","warnings":["disk"]}', True, (False, "unhealthy, disk")),
        (200, b'{"status":"unhealthy","warnings":[]}', True, (False, "unhealthy")),
        (500, b'{"status":"healthy","warnings":[]}', True, (False, "healthy")),
        (200, b"<html>", True, (False, "answers 200 with something that is no health document")),
        (200, b"[]", True, (False, "answers 200 with something that is no health document")),
        (401, b"{}", True, (False, "answers 401 with something that is no health document")),
    ],
)
def test_what_counts_as_working(status: int, body: bytes, has_credentials: bool, verdict: tuple[bool, str]) -> None:
    assert judge(status, body, has_credentials=has_credentials) == verdict


def test_without_credentials_a_refusal_shows_that_it_answers() -> None:
    works, said = judge(401, b"{}", has_credentials=False)
    assert works
    assert "asks for credentials" in said


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"NSCR_PORT": "1"}) == 1
    assert "does not answer" in capsys.readouterr().out
