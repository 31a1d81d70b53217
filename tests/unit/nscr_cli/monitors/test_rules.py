"""The rules of a watch: each fires on what it is for, stays silent on a registry that is fine, and recovers."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest

from nscr_cli.monitors.rules import HEALTH, SESSIONS, STATE, Answer, Condition, Memory, Notice, follow, read_round

Answers = Callable[..., dict[str, Answer]]


def told(rounds: Sequence[Mapping[str, Answer]], stuck_after_s: float = 600) -> list[list[Notice]]:
    memory, all_notices = Memory(), []
    for number, answers in enumerate(rounds):
        memory, notices = follow(memory, read_round(2.0 * number, answers), stuck_after_s=stuck_after_s)
        all_notices.append(list(notices))
    return all_notices


def rules(rounds: Sequence[Mapping[str, Answer]]) -> list[list[str]]:
    return [[("-" if notice.recovered else "+") + notice.rule for notice in notices] for notices in told(rounds)]


def test_nothing_to_tell_of_a_busy_honest_registry(answers: Answers) -> None:
    rounds = [
        answers(repositories={}, blobs=0, generation=0, uptime_s=1),
        answers(blobs=5, health_blobs=3, generation=7, uptime_s=3, uploads=[("u", 5, 1)]),
        answers(blobs=9, health_blobs=5, generation=9, uptime_s=5),
        answers(blobs=9, health_blobs=9, generation=9, uptime_s=7),
    ]
    assert rules(rounds) == [[], [], [], []]


def test_silence_is_told_once_and_so_is_its_end(answers: Answers, silence: Mapping[str, Answer]) -> None:
    rounds = [answers(uptime_s=10), silence, silence, answers(uptime_s=16)]
    assert rules(rounds) == [[], ["+not-answering"], [], ["-not-answering"]]
    texts = [notice.text for notices in told(rounds) for notice in notices]
    assert texts == [
        "the registry is silent: connection refused",
        "the registry is silent: connection refused: over after 4s",
    ]


def test_a_stop_and_start_is_a_restart(answers: Answers, silence: Mapping[str, Answer]) -> None:
    rounds = [answers(uptime_s=100), silence, answers(uptime_s=1), answers(uptime_s=3)]
    assert rules(rounds) == [[], ["+not-answering"], ["-not-answering", "+restarted"], []]


def test_who_comes_back_younger_than_the_silence_was_long_was_restarted(
    answers: Answers, silence: Mapping[str, Answer]
) -> None:
    young = [answers(uptime_s=1), silence, silence, silence, answers(uptime_s=4)]
    assert rules(young)[-1] == ["-not-answering", "+restarted"]
    assert told(young)[-1][1].text == "it is up for 4s, and 8s ago it was up for 1s"
    same = [answers(uptime_s=1), silence, silence, silence, answers(uptime_s=9)]
    assert rules(same)[-1] == ["-not-answering"]


def test_one_silent_endpoint_is_named(answers: Answers) -> None:
    rounds = [answers(), answers(statuses={SESSIONS: None}), answers()]
    assert rules(rounds) == [[], ["+not-answering"], ["-not-answering"]]
    assert SESSIONS in told(rounds)[1][0].text


@pytest.mark.parametrize("http_status", [200, 500])
def test_unhealthy_with_its_reasons(answers: Answers, http_status: int) -> None:
    bad = answers(
        status="unhealthy",
        checks={"repositoryListing": True, "databaseConnectivity": False},
        warnings=["disk nearly full"],
        statuses={HEALTH: http_status},
    )
    notices = told([answers(), bad, bad, answers()])
    assert [len(each) for each in notices] == [0, 1, 0, 1]
    assert notices[1][0].text == "status is unhealthy (databaseConnectivity failed; disk nearly full)"
    assert notices[3][0].recovered


def test_worse_is_told_anew(answers: Answers) -> None:
    rounds = [answers(status="degraded"), answers(status="unhealthy")]
    assert rules(rounds) == [["+unhealthy"], ["-unhealthy", "+unhealthy"]]


def test_silence_is_no_recovery(answers: Answers, silence: Mapping[str, Answer]) -> None:
    rounds = [answers(status="degraded"), silence, answers(status="degraded", uptime_s=104), answers(uptime_s=106)]
    assert rules(rounds) == [["+unhealthy"], ["+not-answering"], ["-not-answering"], ["-unhealthy"]]


@pytest.mark.parametrize(
    ("changed", "subject"),
    [
        ({"state": {"repositories": []}}, "totalRepositories"),
        ({"state": {"activeSessions": {"count": 3, "sessions": []}}}, "activeSessions.count"),
        ({"state": {"repositories": [{"name": "app", "tagCount": 2, "tags": ["latest"]}]}}, "tagCount 2"),
        ({"sessions": {"totalActiveSessions": 4}}, "totalActiveSessions says 4"),
        ({"checks": {"databaseConnectivity": False}}, "databaseConnectivity failed"),
    ],
)
def test_an_answer_that_contradicts_itself(answers: Answers, changed: dict[str, object], subject: str) -> None:
    rounds = [answers(), answers(**changed), answers()]
    assert rules(rounds) == [[], ["+contradiction"], ["-contradiction"]]
    assert subject in told(rounds)[1][0].text


def test_endpoints_that_disagree_while_nothing_is_committed(answers: Answers) -> None:
    lying = answers(blobs=5, health_blobs=4, generation=7)
    assert rules([lying, lying, lying]) == [[], [], ["+contradiction"]]
    assert "blobs: /api/registry/state says 5" in told([lying] * 3)[2][0].text


def test_endpoints_are_not_compared_without_proof_that_nothing_changed(answers: Answers) -> None:
    unproven = answers(blobs=5, health_blobs=4, generation=None)
    assert rules([unproven] * 4) == [[]] * 4
    moving = [answers(blobs=5, health_blobs=4, generation=number) for number in range(4)]
    assert rules(moving) == [[]] * 4


def test_endpoints_are_not_compared_over_a_restart(answers: Answers) -> None:
    """A generation that is counted anew after a restart may come by the same number again."""
    lives = [answers(blobs=5, health_blobs=4, uptime_s=uptime_s) for uptime_s in (90, 1, 3)]
    assert rules([answers(uptime_s=90), *lives[1:]]) == [[], ["+restarted"], []]
    assert "+contradiction" in rules([*lives, lives[-1]])[-1]


def test_stuck_upload_by_the_registrys_own_clock(answers: Answers) -> None:
    fine, stuck = answers(uploads=[("u1", 900, 599)]), answers(uploads=[("u1", 901, 600), ("u2", 5, 1)])
    assert rules([fine, stuck, stuck, answers()]) == [[], ["+stuck-session"], [], ["-stuck-session"]]
    assert told([stuck])[0][0].text == "upload u1 stands still for 10m00s"


@pytest.mark.parametrize(
    ("statuses", "rule"),
    [
        ({STATE: 401}, "refused"),
        ({STATE: 403}, "refused"),
        ({STATE: 500}, "server-error"),
        ({SESSIONS: 404}, "server-error"),
    ],
)
def test_other_statuses(answers: Answers, statuses: dict[str, int], rule: str) -> None:
    assert rules([answers(), answers(statuses=statuses), answers()]) == [[], [f"+{rule}"], [f"-{rule}"]]


def test_who_is_told_to_wait_is_no_alert_until_told_so_again(answers: Answers) -> None:
    limited = answers(statuses={STATE: 429})
    assert rules([answers(), limited, answers(), limited, answers()]) == [[], [], [], [], []]
    assert rules([limited, limited, answers()]) == [[], ["+server-error"], ["-server-error"]]


def test_an_answer_of_another_shape(answers: Answers) -> None:
    odd = answers()
    for body in (b"<html>", b"{}", b"", b'{"status": 3}'):
        odd[HEALTH] = Answer(endpoint=HEALTH, latency_ms=1, status=200, body=body)
        assert rules([answers(), odd, answers()]) == [[], ["+malformed"], ["-malformed"]]


def test_one_endpoint_alone_is_judged_by_itself(answers: Answers) -> None:
    only = {SESSIONS: answers(uploads=[("u1", 900, 700)])[SESSIONS]}
    memory, notices = follow(Memory(), read_round(0, only), stuck_after_s=600)
    assert [(notice.rule, notice.endpoint, notice.subject) for notice in notices] == [("stuck-session", SESSIONS, "u1")]
    gone = {SESSIONS: answers(statuses={SESSIONS: None})[SESSIONS]}
    memory, notices = follow(memory, read_round(5, gone), stuck_after_s=600)
    assert [(notice.rule, notice.subject, notice.recovered) for notice in notices] == [
        ("not-answering", "registry", False)
    ]
    memory, notices = follow(memory, read_round(10, {SESSIONS: answers()[SESSIONS]}), stuck_after_s=600)
    assert {(notice.rule, notice.subject, notice.recovered) for notice in notices} == {
        ("not-answering", "registry", True),
        ("stuck-session", "u1", True),
    }


def test_what_others_watch_begins_and_ends_with_what_they_say(answers: Answers) -> None:
    lost = Condition(rule="missing-manifest", endpoint="/api/registry/repositories/app", subject="app:1", text="gone")
    memory, notices = follow(Memory(), read_round(0, answers()), stuck_after_s=600, besides=[lost])
    assert [(notice.rule, notice.recovered) for notice in notices] == [("missing-manifest", False)]
    memory, notices = follow(memory, read_round(1, answers()), stuck_after_s=600, besides=[lost])
    assert notices == ()
    _, notices = follow(memory, read_round(2, answers()), stuck_after_s=600)
    assert [(notice.rule, notice.recovered) for notice in notices] == [("missing-manifest", True)]


def test_an_upload_stands_still_for_longer_while_the_registry_says_that_nothing_changed(answers: Answers) -> None:
    seen = answers(uploads=[("u1", 900, 590)])[SESSIONS]
    memory, notices = follow(Memory(), read_round(0, {SESSIONS: seen}), stuck_after_s=600)
    assert notices == ()
    unchanged = msgspec.structs.replace(seen, is_unchanged=True, age_s=10.5)
    _, notices = follow(memory, read_round(10.5, {SESSIONS: unchanged}), stuck_after_s=600)
    assert [notice.text for notice in notices] == ["upload u1 stands still for 10m00s"]


def test_a_restart_shows_although_the_last_answers_were_old_ones_that_were_confirmed(answers: Answers) -> None:
    first = answers(uptime_s=1)
    confirmed = {**first, HEALTH: msgspec.structs.replace(first[HEALTH], is_unchanged=True, age_s=10)}
    assert rules([first, confirmed, answers(uptime_s=3)]) == [[], [], ["+restarted"]]
    assert rules([first, confirmed, answers(uptime_s=11)]) == [[], [], []]
    again = {**first, HEALTH: msgspec.structs.replace(first[HEALTH], is_unchanged=True, age_s=12)}
    assert rules([first, confirmed, again, again, answers(uptime_s=13)]) == [[], [], [], [], []]
