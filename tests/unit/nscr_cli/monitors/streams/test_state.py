"""The state, and the details of repositories that are asked for in turn."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nscr_cli.monitors.rules import STATE, Answer
from nscr_cli.monitors.streams.report import Report
from nscr_cli.monitors.streams.state import DETAILS_A_ROUND, StateFollower

Followed = Callable[..., tuple[list[Report], list[list[str]]]]
Answers = Callable[..., dict[str, Answer]]
PREFIX = "/api/registry/repositories/"


def details(name: str, tags: Mapping[str, bool], **other: Any) -> dict[str, Any]:
    listed = [{"tag": tag, "hasManifest": held, "digest": "sha256:a" if held else None} for tag, held in tags.items()]
    return {"name": name, "tagCount": len(tags), "tags": listed, "timestamp": 1} | other


def registry(state: Answer, held: Mapping[str, Any]) -> Callable[[str], Any]:
    return lambda path: state if path == STATE else held[path.removeprefix(PREFIX)]


def told(reports: list[Report]) -> list[list[tuple[str, str, bool]]]:
    return [[(each.rule, each.subject, each.recovered) for each in report.notices] for report in reports]


def test_a_tag_without_manifest_counts_when_it_is_seen_twice(followed: Followed, answers: Answers) -> None:
    state = answers(repositories={"a/b": ["1", "2"]})[STATE]
    whole, broken = details("a/b", {"1": True, "2": True}), details("a/b", {"1": True, "2": False})
    rounds = [registry(state, {"a/b": each}) for each in (whole, broken, broken, broken, whole)]
    reports, _ = followed(StateFollower(), rounds)
    missing = ("missing-manifest", "a/b:2")
    assert told(reports) == [[], [], [(*missing, False)], [], [(*missing, True)]]
    assert [report.figures["tags_without_manifest"] for report in reports] == [0, 0, 1, 1, 0]


def test_one_that_is_gone_at_the_second_look_is_no_alert(followed: Followed, answers: Answers) -> None:
    state = answers(repositories={"a": ["1"]})[STATE]
    broken = details("a", {"1": False})
    reports, _ = followed(StateFollower(), [registry(state, {"a": each}) for each in (broken, 404, broken, 404)])
    assert told(reports) == [[], [], [], []]


def test_an_unchanged_registry_is_looked_at_once(followed: Followed, answers: Answers) -> None:
    state = answers(repositories={f"r{n}": ["1"] for n in range(3 * DETAILS_A_ROUND)})[STATE]
    same = msgspec.structs.replace(state, is_unchanged=True, age_s=5)
    held = {f"r{n}": details(f"r{n}", {"1": True}) for n in range(3 * DETAILS_A_ROUND)}
    reports, asked = followed(StateFollower(), [registry(each, held) for each in (state, same, same, same, same)])
    assert [len(paths) - 1 for paths in asked] == [DETAILS_A_ROUND] * 3 + [0, 0]
    assert len({path for paths in asked for path in paths}) == 1 + 3 * DETAILS_A_ROUND
    assert [report.figures["repositories_unchecked"] for report in reports] == [32, 16, 0, 0, 0]


def test_under_constant_change_every_repository_still_has_its_turn(followed: Followed, answers: Answers) -> None:
    names = [f"r{n}" for n in range(3 * DETAILS_A_ROUND)]
    state = answers(repositories={name: ["1"] for name in names})[STATE]
    held = {name: details(name, {"1": name not in names[:DETAILS_A_ROUND]}) for name in names}
    _, asked = followed(StateFollower(), [registry(state, held)] * 8)
    assert {path.removeprefix(PREFIX) for paths in asked for path in paths} - {STATE} == set(names)


def test_a_contradiction_within_one_answer(followed: Followed, answers: Answers) -> None:
    state = answers(repositories={"a": ["1"]})[STATE]
    rounds = [registry(state, {"a": details("a", {"1": True}, tagCount=2)}), registry(state, {"a": details("a", {})})]
    reports, _ = followed(StateFollower(), rounds)
    assert told(reports) == [[("contradiction", "a", False)], [("contradiction", "a", True)]]
    assert "tagCount says 2, 1 tags are listed" in reports[0].notices[0].text


def test_status_restart_and_silence(followed: Followed, answers: Answers) -> None:
    sick, well = (
        answers(repositories={}, status="degraded", uptime_s=50)[STATE],
        answers(repositories={}, uptime_s=2)[STATE],
    )
    rounds = [registry(each, {}) if each else (lambda _: None) for each in (sick, None, well)]
    reports, _ = followed(StateFollower(), rounds)
    assert told(reports) == [
        [("unhealthy", "degraded", False)],
        [("not-answering", "registry", False)],
        [("unhealthy", "degraded", True), ("not-answering", "registry", True), ("restarted", "", False)],
    ]


def test_a_restart_shows_though_nothing_had_changed_since_the_watch_began(followed: Followed, answers: Answers) -> None:
    """Unchanged answers tell the uptime of the first one, and a young registry comes back older than that."""
    young, again = answers(repositories={}, uptime_s=1)[STATE], answers(repositories={}, uptime_s=5)[STATE]
    kept = msgspec.structs.replace(young, is_unchanged=True, age_s=60.0)
    reports, _ = followed(StateFollower(), [registry(each, {}) for each in (young, kept, again)])
    assert told(reports) == [[], [], [("restarted", "", False)]]


def test_silence_before_the_first_answer_is_no_alert(followed: Followed, answers: Answers) -> None:
    reports, _ = followed(StateFollower(), [lambda _: None, registry(answers(repositories={})[STATE], {})])
    assert told(reports) == [[], []]
    assert [report.is_answered for report in reports] == [False, True]
    assert reports[0].error == "connection refused"


def test_names_go_into_paths_with_care(followed: Followed, answers: Answers) -> None:
    state = answers(repositories={"a/b?c#d e": ["1"]})[STATE]
    _, asked = followed(StateFollower(), [lambda path: state if path == STATE else 404])
    assert asked == [[STATE, f"{PREFIX}a/b%3Fc%23d%20e"]]


def test_figures_and_texts(followed: Followed, answers: Answers) -> None:
    document = json.loads(answers(repositories={"a": ["1"]}, generation=7)[STATE].body)
    (report,), _ = followed(StateFollower(), [lambda path: document if path == STATE else details("a", {"1": True})])
    assert tuple(report.figures) == StateFollower.columns
    assert (report.figures["tags"], report.figures["generation"], report.figures["repositories_checked"]) == (1, 7, 1)
    assert "to-free 1.0 MiB" in report.texts
