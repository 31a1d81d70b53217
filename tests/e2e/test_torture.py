"""`nscr torture` and `nscr judge` as they are typed: real processes, real sockets, real signals."""

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nscr_cli.history.history import History
from nscr_cli.history.journal import read_journal
from nscr_cli.history.ops import Phase
from tests.e2e.loads import load_of
from tests.e2e.screen import is_running

pytestmark = pytest.mark.e2e
Nscr = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "pl4nted-s3cret"
# Of each scenario; `make seeds` asks for more.
SEEDS = range(11, 11 + int(os.environ.get("NSCR_TEST_SEEDS", "1")))
SCENARIOS = sorted(path.stem for path in (Path(__file__).parents[2] / "scenarios").glob("*.toml"))


@pytest.fixture
def nscr(nscr_program: str, tmp_path: Path) -> Nscr:
    """Runs `nscr`, with its reports in `tmp_path`."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        return subprocess.run(
            [nscr_program, *words], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=clean | environment
        )

    return run


def folder_of(done: subprocess.CompletedProcess[str], tmp_path: Path) -> Path:
    last = done.stdout.splitlines()[-1]
    assert last.startswith("report: "), done.stdout + done.stderr
    return tmp_path / last.removeprefix("report: ")


def history_of(folder: Path) -> History:
    return History(read_journal(folder / "journal.jsonl"))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(holds: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_reference_registry_is_valid_and_stays_so_when_judged_again(
    nscr: Nscr, tmp_path: Path, scenario: str, seed: int
) -> None:
    done = nscr("torture", scenario, *load_of(scenario), "--workers", "6", "--seed", str(seed))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("VALID")
    folder = folder_of(done, tmp_path)
    assert re.fullmatch(rf"reports/{scenario}/\d{{8}}T\d{{6}}Z-{seed}", str(folder.relative_to(tmp_path)))
    names = {path.name for path in folder.iterdir()}
    assert f"in a browser: {folder.relative_to(tmp_path)}/report.html" in done.stdout
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "This registry is fine" in page
    assert names >= {"plan.json", "journal.jsonl", "registry.log", "verdict.json", "summary.csv", "operations.csv"}
    assert names >= {"latency.csv", "samples.csv", "violations.csv"}
    with (tmp_path / "reports" / "index.csv").open() as index:
        assert [row["verdict"] for row in csv.DictReader(index)] == ["VALID"]
    judged = nscr("judge", str(folder), "--json")
    assert judged.returncode == 0
    assert json.loads(judged.stdout) == json.loads((folder / "verdict.json").read_text())
    assert (folder / "report.html").read_text(encoding="utf-8") == page


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", ["lost-tag", "truncated-blob", "undead-tag"])
def test_a_sabotaged_registry_is_invalid_with_a_finding_that_names_operations(
    nscr: Nscr, tmp_path: Path, sabotage: str
) -> None:
    done = nscr("torture", *load_of(times=1.5), "--sabotage", sabotage, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    findings = [finding for checker in report["checkers"] for finding in checker["findings"]]
    assert any(finding["operations"] for finding in findings)
    assert f"--sabotage {sabotage}" in report["replay"]
    (folder,) = (tmp_path / "reports" / "mixed").iterdir()
    known = history_of(folder).by_index
    assert all(index in known for finding in findings for index in finding["operations"])
    assert nscr("judge", str(folder)).returncode == 1


@pytest.mark.slow
def test_a_tag_that_is_seen_late_is_found_and_how_late(nscr: Nscr) -> None:
    done = nscr(
        "torture", "visibility-lag", *load_of("visibility-lag"), "--seed", "11", "--sabotage", "late-tag", "--json"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    (tags,) = (checker for checker in report["checkers"] if checker["checker"] == "tags")
    # A delete that crosses a write is not seen either, by who is told what the tag held before both.
    rules = {"lost-write", "stale-read", "not-linearizable", "resurrected-tag"}
    assert {finding["rule"] for finding in tags["findings"]} <= rules
    assert tags["findings"]
    (visibility,) = (checker for checker in report["checkers"] if checker["checker"] == "visibility")
    assert visibility["findings"] == []
    assert visibility["evidence"]["missed-at-first"] > 0
    assert visibility["evidence"]["last-missed-us-max"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "sabotage", "rules"),
    [
        ("head-get-range", "shifted-range", {"wrong-range", "wrong-part"}),
        ("list-churn", "skipped-tag", {"missing-tag"}),
    ],
)
def test_reads_and_lists_that_are_one_off_are_found(nscr: Nscr, scenario: str, sabotage: str, rules: set[str]) -> None:
    done = nscr("torture", scenario, *load_of(scenario), "--seed", "11", "--sabotage", sabotage, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    findings = [finding for checker in json.loads(done.stdout)["checkers"] for finding in checker["findings"]]
    assert findings
    assert {finding["rule"] for finding in findings} <= rules


@pytest.mark.slow
def test_descriptors_that_leak_are_found(nscr: Nscr) -> None:
    words = (*load_of(times=1.5), "--seed", "11", "--sabotage", "leaked-descriptor", "--json")
    done = nscr("torture", *words)
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    found = {finding["rule"] for checker in report["checkers"] for finding in checker["findings"]}
    assert found == {"leaked-descriptors"}
    (resources,) = (checker for checker in report["checkers"] if checker["checker"] == "resources")
    assert resources["evidence"]["descriptors-after"] > 2 * resources["evidence"]["descriptors-before"]


@pytest.mark.slow
def test_figures_that_lie_only_under_load_are_found(nscr: Nscr) -> None:
    done = nscr("torture", "--duration", "5s", "--seed", "11", "--sabotage", "stale-summary", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    findings = [finding for checker in json.loads(done.stdout)["checkers"] for finding in checker["findings"]]
    # Its lists are of now, so that it contradicts itself as well.
    assert {"untrue-figure"} <= {finding["rule"] for finding in findings} <= {"untrue-figure", "contradiction"}
    assert {finding["checker"] for finding in findings} == {"monitoring"}


@pytest.mark.slow
def test_a_lock_for_all_repositories_is_found_by_who_has_nothing_to_do_with_them(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr(
        "torture", "overload", "--duration", "4s", "--workers", "8", "--seed", "11", "--sabotage", "one-lock", "--json"
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    findings = [finding for checker in report["checkers"] for finding in checker["findings"]]
    assert {finding["rule"] for finding in findings} == {"stalled-operation"}
    (folder,) = (tmp_path / "reports" / "overload").iterdir()
    known = history_of(folder).by_index
    assert all(index in known for finding in findings for index in finding["operations"])
    (threshold,) = report["thresholds"]
    assert (threshold["name"], threshold["outcome"]) == ("p99.bystander", "breached")


@pytest.mark.slow
def test_an_external_registry_with_a_password_is_left_clean_and_without_a_trace_of_it(
    nscr: Nscr, serve: Any, tmp_path: Path
) -> None:
    served = serve("--username", "tester", environment={"NSCR_AUTH_PASSWORD": SECRET})
    done = nscr(
        "torture", *load_of(), "--seed", "11", "--registry-url", served.url, "--namespace", "mine",
        NSCR_USERNAME="tester", NSCR_PASSWORD=SECRET,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    folder = folder_of(done, tmp_path)
    assert not (folder / "leftovers.txt").exists()
    assert all(one.key.startswith("mine/") for one in history_of(folder).operations)
    assert "NSCR_PASSWORD" in done.stdout
    for text in (done.stdout, done.stderr, served.log.read_text(), *map(Path.read_text, folder.iterdir())):
        assert SECRET not in text
        assert "dGVzdGVyOn" not in text  # the beginning of its Basic form


@pytest.mark.slow
def test_what_was_kept_is_listed_and_can_be_cleaned_later(nscr: Nscr, serve: Any, tmp_path: Path) -> None:
    url = serve().url
    done = nscr("torture", "tags", "--ops", "200", "--keep", "--registry-url", url)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    folder = folder_of(done, tmp_path)
    assert (folder / "leftovers.txt").read_text().count("\n") > 10
    other = nscr("torture", "--clean", str(folder), "--registry-url", "http://127.0.0.1:1")
    assert other.returncode == 2
    cleaned = nscr("torture", "--clean", str(folder), "--registry-url", url)
    assert (cleaned.returncode, cleaned.stdout) == (0, "nothing is left\n"), cleaned.stderr
    assert not (folder / "leftovers.txt").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["torture", "mixt"], 2, "did you mean `mixed`?"),
        (["torture", "--registry-url", "https://registry.example"], 2, "--i-may-torture registry.example"),
        (["torture", "--registry-url", "http://127.0.0.1:1"], 5, "does not answer"),
        (["torture", "--sabotage", "no-such-bug"], 2, "no-such-bug"),
        (["torture", "--registry-url", "http://127.0.0.1:1", "--sabotage", "lost-tag"], 2, "--sabotage"),
        (["torture", "--duration", "soon"], 2, "is not a duration"),
        (["torture", "--namespace", "NO"], 2, "--namespace NO"),
        (["judge", "no/such/folder"], 2, "no/such/folder"),
    ],
)
def test_bad_input_is_told_in_a_line(nscr: Nscr, words: list[str], code: int, said: str) -> None:
    done = nscr(*words)
    assert done.returncode == code, done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_wrong_password_is_found_out_before_anything_is_written(nscr: Nscr, serve: Any, tmp_path: Path) -> None:
    served = serve("--username", "tester", environment={"NSCR_AUTH_PASSWORD": SECRET})
    done = nscr("torture", "--registry-url", served.url, "--username", "tester", NSCR_PASSWORD="wrong")
    assert done.returncode == 5
    assert "refused the credentials of user 'tester'" in " ".join(done.stderr.split())


def test_reports_that_cannot_be_written_are_told(nscr: Nscr, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = nscr("torture", "--reports", str(tmp_path / "file"))
    assert done.returncode == 5
    assert "Traceback" not in done.stderr


@pytest.fixture
def running(nscr_program: str, tmp_path: Path) -> Any:
    """Starts `nscr torture` for a long time, and gives it once its load runs; killed at the end."""
    log = (tmp_path / "out").open("w+")
    process = subprocess.Popen(
        [nscr_program, "torture", "--duration", "600s", "--workers", "4"],
        cwd=tmp_path,
        stdout=log,
        stderr=subprocess.STDOUT,
        # A run that is killed cannot remove its registry's folder.
        env={name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        | {"TMPDIR": str(tmp_path)},
    )
    wait_until(
        lambda: any(b'"phase":"main"' in path.read_bytes() for path in tmp_path.glob("reports/*/*/journal.jsonl"))
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    log.close()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_is_read_back_and_judged(
    running: subprocess.Popen[bytes], nscr: Nscr, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (registry,) = children_of(running.pid)
    (folder,) = tmp_path.glob("reports/*/*/")
    running.send_signal(number)
    assert running.wait(timeout=60) == code
    assert not is_running(registry)
    assert f"(partial: {number.name})" in (tmp_path / "out").read_text()
    history = history_of(folder)
    assert history.is_partial
    assert any(one.phase is Phase.FINAL for one in history.operations)
    assert nscr("judge", str(folder)).returncode == code


@pytest.mark.slow
def test_a_registry_that_is_killed_is_a_finding(running: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (registry,) = children_of(running.pid)
    os.kill(registry, signal.SIGKILL)
    assert running.wait(timeout=60) == 1
    assert "was killed by SIGKILL" in (tmp_path / "out").read_text()


@pytest.mark.slow
def test_the_registry_dies_with_nscr_even_by_a_kill(running: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (registry,) = children_of(running.pid)
    (folder,) = tmp_path.glob("reports/*/*/")
    running.kill()
    running.wait(timeout=60)
    wait_until(lambda: not is_running(registry))
    assert history_of(folder).is_partial


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that a run soon fills with its journal."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.needs("root", "mount")
@pytest.mark.parametrize("sabotage", [(), ("--sabotage", "truncated-blob")])
def test_a_report_disk_that_fills_up_costs_no_verdict(nscr: Nscr, small_disk: Path, sabotage: tuple[str, ...]) -> None:
    done = nscr(
        "torture", "--duration", "100s", "--workers", "6", "--seed", "3", "--reports", str(small_disk), *sabotage
    )
    assert "the journal cannot be written: No space left on device" in " ".join(done.stderr.split())
    assert "(partial: the run did not reach its end)" in done.stdout
    # Whatever was written is judged; what it proves is proved, and without it there is no pass.
    verdict, code, judged_code = ("INVALID", 1, 1) if sabotage else ("UNKNOWN", 5, 3)
    assert done.stdout.startswith(verdict), done.stdout
    assert done.returncode == code, done.stderr
    (folder,) = small_disk.glob("*/*/")
    assert history_of(folder).is_partial
    judged = nscr("judge", str(folder))
    assert judged.returncode == judged_code
    assert judged.stdout.startswith(verdict)


@pytest.mark.slow
def test_a_finding_of_a_scenario_that_is_gone_is_run_again_from_its_folder_and_counted(
    nscr: Nscr, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.toml"
    shipped = (Path(__file__).parents[2] / "scenarios" / "tags.toml").read_text()
    mine.write_text(shipped.replace("repositories = 2", "repositories = 1"))
    done = nscr("torture", "mine.toml", "--ops", "200", "--workers", "1", "--seed", "1", "--sabotage", "lost-tag")
    assert done.returncode == 1, done.stdout + done.stderr
    mine.unlink()
    (command,) = (line for line in done.stdout.splitlines() if line.startswith("run it again: nscr torture --replay "))
    words = command.removeprefix("run it again: nscr ").split()
    assert words[-2:] == ["--repeat", "5"]
    again = nscr(*words[:-1], "2")
    assert again.returncode == 1, again.stdout + again.stderr
    assert "lost-write (tags) showed again in 2 of 2 re-runs" in again.stdout.splitlines()
    folders = sorted((tmp_path / "reports" / "mine").iterdir())
    assert len(folders) == 3
    plans = [json.loads((folder / "plan.json").read_text()) for folder in folders]
    assert len({plan["namespace"] for plan in plans}) == 3
    assert all(plan["scenario"] == plans[0]["scenario"] and plan["sabotages"] == ["lost-tag"] for plan in plans)
    assert nscr("torture", "tags", "--replay", str(folders[0])).returncode == 2
    assert nscr("torture", "--repeat", "2").returncode == 2


@pytest.mark.slow
def test_a_run_is_cut_to_the_few_operations_that_prove_a_finding(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr("torture", "tags", "--ops", "200", "--workers", "1", "--seed", "1", "--sabotage", "lost-tag")
    folder = folder_of(done, tmp_path)
    cut = nscr("judge", str(folder), "--cut", "small", "--json")
    assert cut.returncode == 1
    rule, operations = re.search(r"small: (\S+) \(\w+\), (\d+) operations", cut.stderr).groups()
    judged = nscr("judge", "small", "--json")
    assert judged.returncode == 1
    (checker,) = json.loads(judged.stdout)["checkers"]
    (finding,) = checker["findings"]
    assert finding == json.loads(cut.stdout)["checkers"][0]["findings"][0]
    assert (finding["rule"], len(history_of(tmp_path / "small").operations)) == (rule, int(operations))
    assert int(operations) <= 6
    assert nscr("judge", str(folder), "--cut", "small").returncode == 2


@pytest.mark.slow
def test_a_lost_tag_shrinks_from_32_workers_to_two_processes_and_six_operations(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr(
        "torture", "--workers", "32", "--ops", "1500", "--seed", "1", "--sabotage", "lost-tag",
        "--shrink", "--shrink-for", "75s",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    folder = folder_of(done, tmp_path)
    history = history_of(folder)
    assert folder.name == "smallest"
    assert len(history.operations) <= 6
    assert len({one.process for one in history.operations}) <= 2
    assert json.loads((folder / "plan.json").read_text())["workers"] <= 2
    assert nscr("judge", str(folder)).returncode == 1
    assert re.search(r"showed again in [1-5] of 5 re-runs", done.stdout)
    assert f"run it again: nscr torture --replay {folder.relative_to(tmp_path)} --repeat 5" in done.stdout
    assert "shrink 1: " in done.stderr
    tries = list((folder.parent / "shrink" / "mixed").iterdir())
    assert len(tries) == done.stderr.count("shrink ")


def lengths_served(script: Path, url: str, times: int) -> set[int]:
    """What the last answer of a transcript said was its length, in so many runs of it."""
    served = set()
    for _ in range(times):
        ran = subprocess.run(
            ["bash", str(script)],
            capture_output=True,
            check=True,
            cwd=script.parent,
            env=os.environ | {"REGISTRY": url},
        )
        assert ran.stderr == b""
        served.add(int(re.findall(rb"(?i)\r\ncontent-length: (\d+)", ran.stdout)[-1]))
    return served


@pytest.mark.slow
@pytest.mark.needs("curl")
def test_the_transcript_of_a_finding_shows_the_bug_with_curl_alone(nscr: Nscr, serve: Any, tmp_path: Path) -> None:
    done = nscr("torture", "--ops", "600", "--workers", "2", "--seed", "1", "--sabotage", "truncated-blob")
    folder = folder_of(done, tmp_path)
    judged = nscr("judge", str(folder), "--bodies", "bodies", "--json")
    findings = [finding for checker in json.loads(judged.stdout)["checkers"] for finding in checker["findings"]]
    number = [finding["rule"] for finding in findings].index("truncated-content")
    asked = history_of(folder).by_index[findings[number]["operations"][-1]].asked
    assert "not to be had" not in judged.stderr
    script = tmp_path / "bodies" / f"{number + 1}.sh"
    assert lengths_served(script, serve().url, 2) == {asked.size}
    assert lengths_served(script, serve("--sabotage", "truncated-blob").url, 50) == {asked.size, asked.size // 2}
