"""Headers kept for readers: few of a success, more of a failure, no secret in any."""

import io

import pytest
import trio

from nscr_cli.client.telling_headers import telling
from nscr_cli.engine.clocks import RunClock
from nscr_cli.engine.recorder import Recorder
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter
from nscr_cli.history.ops import Answered, Asked, F, Kind, Phase

HEADERS = {
    "date": "Thu, 26 Nov 2026 17:00:00 GMT",
    "content-type": "text/html",
    "server": "nginx",
    "age": "12",
    "x-cache": "HIT",
    "set-cookie": "session=abc",
    "authorization": "Basic YWJjOmRlZg==",
}


def test_a_success_keeps_only_what_says_that_a_cache_answered() -> None:
    assert telling(HEADERS, is_success=True) == (("age", "12"), ("x-cache", "HIT"))
    assert telling({"content-type": "x", "server": "nginx"}, is_success=True) == ()


def test_a_failure_keeps_more_but_nothing_that_differs_with_every_answer() -> None:
    assert telling(HEADERS, is_success=False) == (("age", "12"), ("server", "nginx"), ("x-cache", "HIT"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("www-authenticate", "Bearer s3cr3ts3cr3t"),
        ("link", "<https://me:s3cr3t@cdn.example/x?sig=s3cr3t>; rel=next"),
        ("via", f"{'x' * 180} https://cdn.example/?token=s3cr3t"),
    ],
)
def test_secrets_that_show_by_their_form_are_taken_out(name: str, value: str) -> None:
    ((kept, shown),) = telling({name: value}, is_success=False)
    assert kept == name
    assert len(shown) <= 200
    assert "s3cr3t" not in shown


def test_a_secret_known_by_value_never_enters_the_journal() -> None:
    file = io.BytesIO()
    journal = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0", run_id="run"))

    async def record() -> None:
        recorder = Recorder(
            journal, RunClock(), observe=lambda entry: None, on_failure=lambda: None, secrets=("pl4nted",)
        )
        invoked = recorder.invoke(0, Phase.MAIN, Invocation(f=F.LIST_TAGS, key="r", asked=Asked()), 0)
        recorder.complete(invoked, Kind.FAIL, Answered(status=403, headers=(("server", "for pl4nted only"),)), "403")
        recorder.flush()

    trio.run(record)
    assert b"pl4nted" not in file.getvalue()
    assert b"for [redacted] only" in file.getvalue()
