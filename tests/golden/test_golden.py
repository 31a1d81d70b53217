"""Golden histories: small files with a known verdict, one for every rule of every checker, and honest ones beside them.

A file names the checker, the verdict, what must be found (`finds <rule> <key> <lines...>`), floors, keys of the
scenario (`key <name> <JSON>`), and what must have been counted (`evidence <name> <count>`). Then come, one a line:
an operation (`<process> <start>-<end> <f> <key> <what was asked> : <kind> <status> <what was answered>`), an event, or
a sample. `@name` stands for the sha256 digest of that name; one by sha512 is written out. Operations are numbered by
their order, from 1.
"""

import hashlib
import re
from pathlib import Path

import msgspec
import pytest

from nscr_cli.checkers.agreement import AgreementChecker
from nscr_cli.checkers.blobs import BlobsChecker
from nscr_cli.checkers.catalog import CatalogChecker
from nscr_cli.checkers.closure import ClosureChecker
from nscr_cli.checkers.faults import FaultsChecker
from nscr_cli.checkers.idempotency import IdempotencyChecker
from nscr_cli.checkers.listing import ListingChecker
from nscr_cli.checkers.liveness import LivenessChecker
from nscr_cli.checkers.monitoring import MonitoringChecker
from nscr_cli.checkers.preconditions import PreconditionsChecker
from nscr_cli.checkers.progress import ProgressChecker
from nscr_cli.checkers.protocol import ProtocolChecker
from nscr_cli.checkers.reads import ReadsChecker
from nscr_cli.checkers.referrers import ReferrersChecker
from nscr_cli.checkers.resources import ResourcesChecker
from nscr_cli.checkers.slow_pushes import SlowPushesChecker
from nscr_cli.checkers.tags import TagsChecker
from nscr_cli.checkers.uploads import UploadsChecker
from nscr_cli.checkers.verdict import Checker, Finding, PartwiseChecker, Verdict, check_all, check_in_parts
from nscr_cli.checkers.visibility import VisibilityChecker
from nscr_cli.engine.cutting import cut, is_same
from nscr_cli.engine.parts import Parts
from nscr_cli.history.faults import Bandwidth, DropReply, Fault, Step
from nscr_cli.history.history import History
from nscr_cli.history.journal import JOURNAL_FORMAT, Header, JournalWriter, read_journal
from nscr_cli.history.ops import Answered, Asked, Entry, Event, F, Kind, Op, Phase, Reference, Referrer, Sample, Slice
from nscr_cli.history.plan import RunPlan, Scenario

CHECKERS: dict[str, Checker] = {
    checker.name: checker
    for checker in (
        TagsChecker(),
        BlobsChecker(),
        ClosureChecker(),
        ListingChecker(),
        IdempotencyChecker(),
        AgreementChecker(),
        VisibilityChecker(),
        UploadsChecker(),
        ReferrersChecker(),
        ReadsChecker(),
        CatalogChecker(),
        PreconditionsChecker(),
        ProtocolChecker(),
        MonitoringChecker(),
        LivenessChecker(),
        ProgressChecker(),
        ResourcesChecker(),
        SlowPushesChecker(),
        FaultsChecker(),
    )
}
FINDS_NOTHING = {"faults"}  # it judges what we did, not what the registry did
FILES = sorted(Path(__file__).parent.glob("*/*.txt"))
_NUMBERS = ("sent_offsets", "stored_offsets", "range")


class Golden:
    """One file, read."""

    def __init__(self, path: Path) -> None:
        self.checker = CHECKERS[path.parent.name]
        self.outcome = ""
        self.finds: set[tuple[str, str, tuple[int, ...]]] = set()
        self.says: list[str] = []
        self.evidence: dict[str, int] = {}
        self._evidence: dict[str, int] = {}
        self._model = "linearizable"
        self._faults: tuple[Fault, ...] = ()
        self._keys: dict[str, object] = {}
        self._timed: list[tuple[int, int, Entry]] = []
        self._operations = 0
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                self._read(line)

    @property
    def plan(self) -> RunPlan:
        scenario = Scenario(
            title="",
            description="",
            workload="mixed",
            tag_model=self._model,
            evidence=self._evidence,
            faults=self._faults,
            **self._keys,
        )
        return RunPlan(
            run_id="run",
            scenario_name="golden",
            scenario=scenario,
            seed=0,
            workers=1,
            duration_s=1,
            registry_url=None,
            namespace="r",
            started_utc="2026-01-01T00:00:00Z",
            nscr="0",
            rate=scenario.rate,
        )

    @property
    def entries(self) -> list[Entry]:
        # An end comes before a start of the same instant, so that one process may go on at once.
        return [entry for _, _, entry in sorted(self._timed, key=lambda timed: timed[:2])]

    @property
    def history(self) -> History:
        return History(self.entries)

    def _read(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "verdict":
                self.outcome = rest
            case "finds":
                rule, key, *lines = rest.split()
                self.finds.add((rule, _named(key), tuple(2 * (int(number) - 1) for number in lines)))
            case "says":
                self.says.append(_named(rest))
            case "floor":
                name, _, least = rest.rpartition(" ")
                self._evidence[f"{self.checker.name}.{name}"] = int(least)
            case "evidence":
                name, _, count = rest.rpartition(" ")
                self.evidence[name] = int(count)
            case "key":
                name, _, value = rest.partition(" ")
                self._keys[name] = msgspec.json.decode(value)
            case "model":
                self._model = rest
            case "fault":
                name, _, rate = rest.partition(" bytes_per_s=")
                toxic = Bandwidth(bytes_per_s=float(rate)) if rate else DropReply()
                fault = Fault(name=name, steps=(Step.PUT_MANIFEST,), toxics=(toxic,), share=1.0)
                self._faults = (*self._faults, fault)
            case "event":
                name, *words = rest.split()
                detail = dict(one.split("=", 1) for one in words)
                stamp = int(detail.pop("at", 0))
                self._timed.append((stamp, 0, Event(name=name, time_ns=stamp, detail=detail)))
            case "sample":
                self._sample(rest)
            case process:
                self._operation(int(process), rest)

    def _sample(self, rest: str) -> None:
        interval, endpoint, status, body = rest.split(" ", 3)
        quiet = interval.startswith("quiet:")
        start, end = map(int, interval.removeprefix("quiet:").split("-"))
        sample = Sample(
            endpoint=endpoint,
            start_ns=start,
            end_ns=end,
            quiet=quiet,
            status=int(status) if status != "-" else None,
            body=msgspec.Raw(_named(body).encode()),
        )
        self._timed.append((end, 0, sample))

    def _operation(self, process: int, rest: str) -> None:
        asked, _, answered = _named(rest).partition(" : ")
        interval, f, key, *asks = asked.split()
        kind, *answers = answered.split()
        start, end = interval.split("-")
        index = 2 * self._operations
        self._operations += 1
        phase = Phase.SEED if "phase=seed" in asks else Phase.MAIN
        asks = [one for one in asks if not one.startswith("phase=")]
        common = {"process": process, "f": F(f), "key": key, "phase": phase, "intended_ns": int(start)}
        self._timed.append(
            (int(start), 1, Op(index=index, kind=Kind.INVOKE, time_ns=int(start), asked=_asked(key, asks), **common))
        )
        if kind == "open":
            return
        stamp = int(end or start)
        error = next((one[6:].replace("_", " ") for one in answers if one.startswith("error=")), None)
        op = Op(index=index + 1, kind=Kind(kind), time_ns=stamp, answered=_answered(f, answers), error=error, **common)
        self._timed.append((stamp if end else 10**6, 0, op))


def _asked(key: str, words: list[str]) -> Asked:
    fields: dict[str, object] = {"digest": key.partition("@")[2] or None}
    for word in words:
        name, _, value = word.partition("=")
        match name:
            case "refs":
                edges = (edge.partition("!") for edge in value.split(","))
                fields["references"] = tuple(
                    Reference(digest=after or before, is_manifest=bool(mark), size=1) for before, mark, after in edges
                )
            case "size" | "page_size":
                fields[name] = int(value)
            case "asked_tags":
                fields["tags"] = tuple(value.split(","))
            case "slices":
                fields["slices"] = _slices(value)
            case "wrong_bytes" | "out_of_order" | "keeps_validators" | "breaks_grammar":
                fields[name] = value == "true"
            case "range":
                fields["range"] = tuple(map(int, value.split(",")))
            case _:
                fields[name] = value
    return msgspec.convert(fields, Asked)


def _answered(f: str, words: list[str]) -> Answered:
    fields: dict[str, object] = {}
    if words and words[0].isdigit():
        fields["status"] = int(words[0])
        if f.startswith(("get", "head", "list")):
            fields["present"] = words[0] != "404"
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name == "error":
            continue
        if name in _NUMBERS:
            fields[name] = tuple(map(int, value.split(",")))
        elif name == "referrers":
            entries = (entry.split("!") for entry in value.split(",") if entry)
            fields[name] = tuple(
                Referrer(digest, artifact_type, int(more[0]) if more else None, *more[1:])
                for digest, artifact_type, *more in entries
            )
        elif name == "subject":
            fields[name] = value
        elif name == "parts":
            fields[name] = _slices(value)
        elif name == "content_range":
            fields[name] = value.replace("_", " ")
        elif value in ("true", "false"):
            fields[name] = value == "true"
        elif name in ("tags", "repositories"):
            fields[name] = tuple(filter(None, value.split(",")))
        else:
            fields[name] = int(value) if value.isdigit() else value
    return msgspec.convert(fields, Answered)


def _slices(text: str) -> tuple[Slice, ...]:
    """`<first>-<last>!<digest>`, separated by commas."""
    slices = (re.split("[-!]", one, maxsplit=2) for one in text.split(","))
    return tuple(Slice(int(first), int(last), digest) for first, last, digest in slices)


def _named(text: str) -> str:
    return re.sub(r"@(?!sha512:)(\w+)", lambda match: f"{_at(text, match)}{_digest(match[1])}", text)


def _at(text: str, match: re.Match[str]) -> str:
    """The `@` of a key stays: `r@a` is a repository and a digest; ` @a` and `=@a` are a digest alone."""
    before = text[match.start() - 1] if match.start() else " "
    return "@" if before.isalnum() else ""


def _digest(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_golden_history(path: Path) -> None:
    golden = Golden(path)
    (result,) = check_all([golden.checker], golden.plan, golden.history)
    found = {(finding.rule, finding.key, finding.operations) for finding in result.findings}
    assert found == golden.finds, result
    assert result.outcome == golden.outcome, result
    assert golden.evidence.items() <= result.evidence.items(), result
    said = " ".join([*result.reasons, *result.skipped, *(finding.explanation for finding in result.findings)])
    assert [words for words in golden.says if words not in said] == [], said
    assert all(
        finding.clause and finding.explanation and finding.checker == result.checker for finding in result.findings
    )


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_a_journal_in_parts_is_judged_as_in_one(path: Path, tmp_path: Path) -> None:
    golden = Golden(path)
    journal = tmp_path / "journal.jsonl"
    with journal.open("wb") as file:
        writer = JournalWriter(file, Header(format=JOURNAL_FORMAT, nscr="0", run_id="run"))
        for entry in golden.entries:
            writer.append(entry)
    parts = Parts(journal, tmp_path, 3)
    (in_parts,) = check_in_parts([golden.checker], golden.plan, parts.whole, parts.histories())
    (at_once,) = check_all([golden.checker], golden.plan, History(read_journal(journal)))
    if isinstance(golden.checker, PartwiseChecker):
        assert in_parts == at_once
    else:
        assert (in_parts.verdict, in_parts.findings) == (Verdict.UNKNOWN, ())
        assert "needs the whole history at once" in in_parts.reasons[0]


@pytest.mark.parametrize("name", sorted(CHECKERS))
def test_every_checker_has_a_history_that_it_accepts_one_that_it_rejects_and_one_that_is_not_enough(name: str) -> None:
    outcomes = {Golden(path).outcome for path in FILES if path.parent.name == name}
    rejected = set() if name in FINDS_NOTHING else {Verdict.INVALID.name}
    assert outcomes >= {Verdict.VALID.name, Verdict.UNKNOWN.name} | rejected


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_what_a_history_is_cut_to_proves_the_same_and_nothing_else(path: Path) -> None:
    golden = Golden(path)

    def judge(history: History) -> list[Finding]:
        return [one for result in check_all([golden.checker], golden.plan, history) for one in result.findings]

    known = judge(golden.history)
    for finding in known:
        left = cut(golden.entries, finding, judge)
        found = judge(History(left))
        assert any(is_same(one, finding) for one in found)
        assert all(any(is_same(one, other) for other in known) for one in found)
        assert {one.index for one in History(left).operations} >= set(finding.operations)
