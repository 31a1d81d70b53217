"""What came back, as a head: status, the headers that were kept, and nothing that steers a terminal."""

from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, F, Kind, Op, Phase
from nscr_cli.reporting.came_back import came_back


def shown(answered: Answered, *, kind: Kind = Kind.OK, error: str | None = None) -> list[str]:
    common = {"process": 1, "f": F.GET_MANIFEST, "key": "a/b:t", "phase": Phase.MAIN, "intended_ns": 0}
    invoked = Op(index=4, kind=Kind.INVOKE, time_ns=0, **common)
    ended = Op(index=5, kind=kind, time_ns=1, answered=answered, error=error, **common)
    return came_back(History([invoked, ended]).operations).splitlines()


def test_each_header_stands_once_below_the_status() -> None:
    answered = Answered(
        status=404,
        media_type="application/json",
        content_length=12,
        etag='"a"',
        retry_after_s=1.5,
        request_id="run-4.1",
        headers=(("age", "7"), ("etag", '"a"'), ("x-cache", "HIT \x1b[2J")),
    )
    assert shown(answered) == [
        "#4 HTTP/1.1 404",
        "    Content-Type: application/json",
        "    Content-Length: 12",
        '    ETag: "a"',
        "    Retry-After: 1.5",
        "    Age: 7",
        "    X-Cache: HIT \ufffd[2J",
        "    (to X-Request-Id: run-4.1)",
    ]


def test_no_answer_is_told_with_its_reason() -> None:
    assert shown(Answered(), kind=Kind.INFO, error="timed out") == ["#4 was not answered: timed out"]
