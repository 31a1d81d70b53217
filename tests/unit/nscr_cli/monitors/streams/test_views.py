"""Health and sessions, and how reports of any view become lines, documents and rows."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from nscr_cli.monitors.rules import HEALTH, SESSIONS, Answer, Notice
from nscr_cli.monitors.streams.health import HealthFollower
from nscr_cli.monitors.streams.lines import columns_of, documents, lines, series_row
from nscr_cli.monitors.streams.report import Report
from nscr_cli.monitors.streams.sessions import SessionsFollower

Followed = Callable[..., tuple[list[Report], list[list[str]]]]
Answers = Callable[..., dict[str, Answer]]
NOON = lambda at_s: f"noon+{at_s:g}"  # noqa: E731


def test_health_alerts_while_it_is_not_healthy(followed: Followed, answers: Answers) -> None:
    sick = answers(
        status="unhealthy", checks={"a": False, "b": True}, warnings=["disk 97% full"], statuses={HEALTH: 500}
    )
    rounds = [lambda _, each=each: each[HEALTH] for each in (answers(), sick, sick, answers())]
    reports, asked = followed(HealthFollower(), rounds)
    assert asked == [[HEALTH]] * 4
    assert [[(n.rule, n.recovered) for n in report.notices] for report in reports] == [
        [],
        [("unhealthy", False)],
        [],
        [("unhealthy", True)],
    ]
    assert (reports[1].figures["checks_failed"], reports[1].figures["warnings"]) == ("a", "disk 97% full")
    assert [*lines(reports[1], NOON, None)] == [
        "noon+10 unhealthy up 1m40s checks 1/2 failed a uploads 0 warning disk 97% full answered in 4.00 ms",
        "noon+10 ALERT unhealthy: status is unhealthy (a failed; disk 97% full)",
    ]


def test_uptime_goes_on_while_nothing_changed(followed: Followed, answers: Answers) -> None:
    same = msgspec.structs.replace(answers(uptime_s=100)[HEALTH], is_unchanged=True, age_s=20)
    (report,), _ = followed(HealthFollower(), [lambda _: same])
    assert (report.figures["uptime_s"], report.unchanged) == (120, 1)
    assert [*lines(report, NOON, "http://r")] == [
        "noon+0 http://r healthy up 2m00s checks 3/3 uploads 0 answered not modified in 4.00 ms"
    ]


def test_uploads_are_opened_and_closed(followed: Followed, answers: Answers) -> None:
    rounds = [[("old", 90, 1)], [("old", 100, 11), ("new", 5, 2)], [("new", 15, 3)], []]
    reports, _ = followed(
        SessionsFollower(stuck_after_s=600), [lambda _, each=each: answers(uploads=each)[SESSIONS] for each in rounds]
    )
    happened = [[(each.event, each.facts["id"]) for each in report.happenings] for report in reports]
    assert happened == [[], [("opened", "new")], [("closed", "old")], [("closed", "new")]]
    assert [(report.figures["opened"], report.figures["closed"]) for report in reports] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (0, 1),
    ]
    assert (reports[1].figures["oldest_upload_s"], reports[1].figures["longest_idle_s"]) == (100, 11)
    assert [upload["id"] for upload in reports[1].lists["uploads"]] == ["old", "new"]
    assert [*lines(reports[1], NOON, None)] == [
        "noon+10 uploads 2 chunks 4 oldest 1m40s idle 11s answered in 4.00 ms",
        "noon+10 OPENED new: 2 chunks",
    ]


def test_a_stuck_upload_is_an_alert_until_it_is_gone(followed: Followed, answers: Answers) -> None:
    rounds = [[("u", 90, 59)], [("u", 100, 69)], []]
    reports, _ = followed(
        SessionsFollower(stuck_after_s=60), [lambda _, each=each: answers(uploads=each)[SESSIONS] for each in rounds]
    )
    assert [[(n.rule, n.subject, n.recovered) for n in report.notices] for report in reports] == [
        [],
        [("stuck-session", "u", False)],
        [("stuck-session", "u", True)],
    ]


def test_rows_and_documents_have_the_same_columns_whatever_was_answered(followed: Followed, answers: Answers) -> None:
    for view in (HealthFollower, SessionsFollower):
        follower = view(stuck_after_s=60) if view is SessionsFollower else view()  # type: ignore[call-arg]
        rounds: list[Any] = [lambda path: answers()[path], lambda _: 500, lambda _: None, lambda path: answers()[path]]
        reports, _ = followed(follower, rounds)
        for report in reports:
            assert len(series_row(report, NOON, "http://r")) == len(columns_of(view.columns))
            first, *_ = documents(report, NOON, "http://r", view.name)
            assert set(view.columns) <= set(first)
        assert next(lines(reports[1], NOON, None)) == "noon+10 unusable answer answered in 1.00 ms"
        assert next(lines(reports[2], NOON, None)) == "noon+20 no answer: connection refused"


def test_documents_are_one_line_each_and_told_apart(followed: Followed, answers: Answers) -> None:
    (report,), _ = followed(HealthFollower(), [lambda path: answers(warnings=["a\nb"])[path]])
    notice = Notice(at_s=3, rule="unhealthy", endpoint=HEALTH, subject="s", text="new\nline")
    told = [*documents(msgspec.structs.replace(report, notices=(notice,)), NOON, "http://r", "health")]
    assert [each["event"] for each in told] == ["round", "alert"]
    assert all("\n" not in json.dumps(each) for each in told)
    assert {"format", "view", "utc", "registry"} <= set(told[0]) & set(told[1])
    assert (told[1]["rule"], told[1]["text"], told[0]["warnings"]) == ("unhealthy", "new\nline", [{"text": "a\nb"}])
    assert all("\n" not in line for line in lines(msgspec.structs.replace(report, notices=(notice,)), NOON, None))


def test_health_of_a_registry_without_the_api_is_what_v2_says(followed: Followed) -> None:
    def answering(v2: Any) -> Callable[[str], Any]:
        return lambda path: v2 if path == "/v2/" else 404

    reports, asked = followed(HealthFollower(), [answering(each) for each in ({}, {}, 503, None, {})])
    assert asked == [[HEALTH, "/v2/"], *[["/v2/"]] * 4]
    assert [*lines(reports[0], NOON, None)] == ["noon+0 up without a monitoring API answered in 1.00 ms"]
    assert [[(n.rule, n.recovered) for n in report.notices] for report in reports] == [
        [],
        [],
        [("server-error", False)],
        [("not-answering", False)],
        [("server-error", True), ("not-answering", True)],
    ]
    assert reports[2].figures["checks_failed"] == "/v2/"


def test_one_that_had_the_api_is_held_to_it(followed: Followed, answers: Answers) -> None:
    reports, asked = followed(HealthFollower(), [lambda path: answers()[path], lambda _: 404, lambda _: 404])
    assert asked == [[HEALTH]] * 3
    assert [n.rule for n in reports[1].notices] == ["server-error"]
