"""Bodies made again: every byte that a run sent, from plan and journal alone, and only if it is what was sent."""

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from rich.console import Console

from nscr_cli.engine.bodies import write_transcripts
from nscr_cli.engine.cut_folder import cut_run, write_cut
from nscr_cli.engine.judging import judge_run, read_plan
from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.engine.torture import Setting, torture
from nscr_cli.history.journal import read_journal
from nscr_cli.history.ops import Entry, F, Kind, Op
from nscr_cli.history.plan import Scenario
from nscr_cli.workloads.reenactment import contents, sends_a_part

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

Modelled = Callable[[str], Scenario]


class Everything:
    def __contains__(self, digest: object) -> bool:
        return True


def run(target: Any, reports: Path, name: str, scenario: Scenario) -> Path:
    flags = Flags(seed=3, workers=4, max_operations=400, registry_url="http://127.0.0.1:5000")
    plan = make_plan(name, scenario, flags, started=STARTED, chance=Random(3))
    console, clock = Console(file=io.StringIO()), trio.testing.MockClock(autojump_threshold=0)
    return torture(plan, Setting(target=target, wiring=target, reports=reports, console=console, clock=clock)).folder


def writes(entries: list[Entry]) -> list[Op]:
    return [
        one
        for one in entries
        if isinstance(one, Op) and one.kind is Kind.INVOKE and one.f in (F.PUSH_BLOB, F.PUT_MANIFEST)
    ]


def parts(entries: list[Entry]) -> list[Op]:
    """Steps of an upload that carry bytes."""
    invoked = (one for one in entries if isinstance(one, Op) and one.kind is Kind.INVOKE and one.asked is not None)
    return [one for one in invoked if one.asked is not None and sends_a_part(one.f, one.asked)]


def sent(part: Op) -> int:
    assert part.asked is not None
    first, last = part.asked.range or (0, -1)
    return last + 1 - first


@pytest.mark.parametrize("scenario", ["mixed", "index-assembly", "tags"])
def test_everything_that_a_run_sent_is_made_again(
    target: Any, tmp_path: Path, modelled: Modelled, scenario: str
) -> None:
    folder = run(target, tmp_path, scenario, modelled(scenario))
    entries = list(read_journal(folder / "journal.jsonl"))
    made = contents(read_plan(folder), entries, Everything())
    assert {one.index for one in [*writes(entries), *parts(entries)]} == {*made}
    assert all(made[one.index].size == sent(one) for one in parts(entries))
    for one in writes(entries):
        assert one.asked is not None
        assert (made[one.index].digest != one.asked.digest) == one.asked.wrong_bytes
        assert made[one.index].size == one.asked.size


def test_another_seed_makes_none_of_it(target: Any, tmp_path: Path, modelled: Modelled) -> None:
    folder = run(target, tmp_path, "tags", modelled("tags"))
    entries = list(read_journal(folder / "journal.jsonl"))
    made = contents(msgspec.structs.replace(read_plan(folder), seed=4), entries, Everything())
    assert {content.size for content in made.values()} <= {0}  # nothing is the same whatever the seed


def test_a_cut_folder_keeps_what_its_transcript_sends(target: Any, tmp_path: Path, modelled: Modelled) -> None:
    target.registry.loses_every = 3
    folder = run(target, tmp_path, "tags", modelled("tags"))
    plan, _, results = judge_run(folder)
    (finding, *_) = (found for result in results for found in result.findings if found.rule == "lost-write")
    small = tmp_path / "small"
    write_cut(small, cut_run(folder, plan, finding))
    script = (small / "bodies" / "1.sh").read_text()
    bodies = {path.name: path.read_bytes() for path in (small / "bodies").iterdir() if path.name != "1.sh"}
    assert bodies
    for name, body in bodies.items():
        assert name in script
        assert hashlib.sha256(body).hexdigest() == name.removeprefix("sha256-")
    again, cut_history, (result,) = judge_run(small)
    count, missing = write_transcripts(tmp_path / "again", small, again, cut_history, result.findings)
    assert (count, missing) == (len(bodies), ())
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir() if path.suffix != ".sh"} == bodies
    (small / "bodies" / min(bodies)).unlink()
    assert write_transcripts(tmp_path / "less", small, again, cut_history, result.findings)[1] == (min(bodies),)
