"""In how many re-runs a finding showed again: counted by checker and rule, whatever the key."""

import json

import msgspec

from nscr_cli.checkers.verdict import Finding, Result, Verdict
from nscr_cli.exits import Exit
from nscr_cli.reporting.reruns import Promise, again_lines, promises, rerun_line, rerun_of, reruns_document
from nscr_cli.reporting.run_report import RunReport

LOST = Promise("tags", "lost-write")


def test_what_showed_again_is_counted_by_rule(report: RunReport, finding: Finding) -> None:
    elsewhere = msgspec.structs.replace(finding, key="nscr-torture/r2/other:t", operations=(7,))
    again = Result(checker="tags", verdict=Verdict.INVALID, findings=(elsewhere, elsewhere))
    reruns = [
        rerun_of(msgspec.structs.replace(report, results=(again,)), "a"),
        rerun_of(msgspec.structs.replace(report, results=(), verdict=Verdict.VALID), "b\x1b[2J"),
    ]
    assert promises([finding, elsewhere]) == (LOST,)
    assert rerun_line(reruns[0], 1, 2) == "1 of 2: INVALID: lost-write (tags); a"
    assert rerun_line(reruns[1], 2, 2) == "2 of 2: VALID; b\ufffd[2J"
    assert again_lines([LOST, Promise("blobs", "lost-blob")], reruns) == [
        "lost-write (tags) showed again in 1 of 2 re-runs",
        "lost-blob (blobs) showed again in 0 of 2 re-runs",
    ]
    assert again_lines([LOST], reruns[:1]) == ["lost-write (tags) showed again in 1 of 1 re-run"]
    assert again_lines([], reruns) == ["nothing was found at first; INVALID in 1 of 2 re-runs"]
    document = json.loads(reruns_document([LOST], reruns))
    assert document["again"] == [{"checker": "tags", "rule": "lost-write", "shown": 1, "of": 2}]
    assert [run["exit_code"] for run in document["runs"]] == [int(Exit.INVALID), int(Exit.VALID)]
