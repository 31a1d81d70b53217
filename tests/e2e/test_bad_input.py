"""Whatever is wrong, one clear error that names it, a hint, the exit code of the table, and never a traceback."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

Nscr = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def nscr(nscr_program: str, tmp_path: Path) -> Nscr:
    def run(*arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
        return subprocess.run(
            [nscr_program, *arguments], cwd=tmp_path, env=kept | environment, timeout=timeout,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else gets it, and never listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def _assert_told(done: subprocess.CompletedProcess[str], exit_code: int, *words: str) -> None:
    told = done.stdout + done.stderr
    assert done.returncode == exit_code, told
    assert "Traceback" not in told
    # Rich wraps at the width of a terminal that is not there.
    unwrapped = " ".join(told.split())
    for word in words:
        assert word in unwrapped, told


@pytest.mark.parametrize("command", [("torture",), ("gate",), ("watch", "--for", "2s", "--interval", "0.5s")])
def test_registry_unreachable(nscr: Nscr, closed_port: int, command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    _assert_told(nscr(*command, "--registry-url", url), 5, str(closed_port))


@pytest.mark.parametrize("command", [("torture",), ("gate",), ("watch", "--for", "2s", "--interval", "0.5s")])
def test_wrong_password(nscr: Nscr, serve, command: tuple[str, ...]) -> None:
    served = serve("--username", "admin", "--password", "right")
    done = nscr(*command, "--registry-url", served.url, "--username", "admin", "--password", "wrong-secret")
    _assert_told(done, 5, "401")
    assert "wrong-secret" not in done.stdout + done.stderr


def test_a_data_folder_that_no_file_system_takes(nscr: Nscr) -> None:
    _assert_told(nscr("admin", "scrub", "--data", "a" * 5000), 5, "hint: ")


def test_port_taken(nscr: Nscr, closed_port: int, tmp_path: Path) -> None:
    done = nscr("serve", "--port", str(closed_port), "--data", str(tmp_path / "data"))
    _assert_told(done, 5, str(closed_port))


@pytest.mark.parametrize("blocked_by", ["a file in its place", "a file system that is read-only"])
def test_data_folder_not_writable(nscr: Nscr, tmp_path: Path, blocked_by: str) -> None:
    if blocked_by == "a file in its place":
        folder = tmp_path / "data"
        folder.write_text("not a folder")
    else:
        folder = Path("/proc/nscr-data")  # not even root may create a folder there
    done = nscr("serve", "--port", "0", "--data", str(folder))
    _assert_told(done, 5, str(folder))


def test_reports_folder_not_writable(nscr: Nscr) -> None:
    _assert_told(nscr("torture", "--duration", "1s", "--reports", "/proc/nscr-reports"), 5, "/proc/nscr-reports")


@pytest.mark.parametrize("path", ["no-folder/all.xml", "."])
def test_a_junit_file_that_cannot_be_is_refused_before_the_run(nscr: Nscr, tmp_path: Path, path: str) -> None:
    _assert_told(nscr("torture", "--junit", path), 2, "--junit", "hint: ")
    assert not (tmp_path / "reports").exists()


def test_a_junit_file_that_cannot_be_written_costs_no_verdict(nscr: Nscr) -> None:
    done = nscr(
        "torture", "tags", "--ops", "200", "--workers", "1", "--seed", "1", "--sabotage", "lost-tag",
        "--junit", "/dev/full", "--json",
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"] == "INVALID"
    assert "/dev/full: No space left on device" in done.stderr


def test_second_server_on_one_folder(nscr: Nscr, serve) -> None:
    served = serve()
    done = nscr("serve", "--port", "0", "--data", str(served.data))
    _assert_told(done, 5, str(served.process.pid))


@pytest.mark.parametrize(
    ("scenario", "words"),
    [("mixd", ("mixd", "mixed")), ("tag", ("tags",))],
)
def test_unknown_scenario(nscr: Nscr, scenario: str, words: tuple[str, ...]) -> None:
    _assert_told(nscr("torture", scenario), 2, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('title = "x"\nworkload = = "mixed"\n', ("line 2",)),
        ('title = "x"\ndescription = "y"\nworkload = "mixed"\nworkrs = 3\n', ("workrs", "workers")),
        ('title = "x"\ndescription = "y"\nworkload = "mixed"\nworkers = "many"\n', ("workers",)),
    ],
)
def test_broken_scenario_file(nscr: Nscr, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    (tmp_path / "own.toml").write_text(text)
    _assert_told(nscr("torture", "own.toml"), 2, "own.toml", *words)


def test_broken_server_configuration(nscr: Nscr, tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("prot = 7000\n")
    _assert_told(nscr("serve", "--config", "server.toml"), 2, "prot", "port")


def test_remote_host_without_consent(nscr: Nscr) -> None:
    # The name does not resolve, and is not asked for: consent comes before any packet.
    done = nscr("torture", "--registry-url", "https://registry.example.invalid")
    _assert_told(done, 2, "registry.example.invalid", "--i-may-torture")


def test_gate_over_nothing(nscr: Nscr, serve) -> None:
    done = nscr("gate", "--registry-url", serve().url)
    _assert_told(done, 3)
    assert "VALID" not in done.stdout.replace("INVALID", "")


def test_judge_of_nothing(nscr: Nscr, tmp_path: Path) -> None:
    _assert_told(nscr("judge", str(tmp_path / "nowhere")), 2, "nowhere")


def test_no_arguments_shows_help_and_wrong_flags_exit_2(nscr: Nscr) -> None:
    assert "torture" in nscr().stdout + nscr().stderr
    _assert_told(nscr("torture", "--wrokers", "3"), 2, "--wrokers")
    _assert_told(nscr("torture", "--workers", "0"), 2, "--workers")
    _assert_told(nscr("torture", "--workers", "1000000000"), 2, "--workers")
    _assert_told(nscr("torture", "--duration", "soon"), 2, "soon")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--processes", "4", "--workers", "2"), ("--processes 4", "2 workers", "--workers 4")),
        (("--processes", "64"), ("--processes 64", "8 workers")),
        (("--repeat", "2", "--shrink", "--replay", "RUNDIR"), ("--repeat and --shrink", "--replay RUNDIR/smallest")),
        (("--repeat", "2"), ("--replay RUNDIR",)),
        (("--clean", "RUNDIR", "mixed"), ("--clean runs nothing",)),
    ],
)
def test_options_that_do_not_go_together(nscr: Nscr, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    _assert_told(nscr("torture", *arguments), 2, *words)


def _has_much_to_judge(reports: Path) -> bool:
    """Enough operations of the load for every floor of `mixed`."""
    return any(journal.read_bytes().count(b'"phase":"main"') > 2000 for journal in reports.glob("*/*/journal.jsonl"))


def test_interrupted_run_is_judged_and_marked_partial(nscr: Nscr, nscr_program: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSCR_")}
    process = subprocess.Popen(
        [nscr_program, "torture", "--duration", "60s", "--reports", str(tmp_path / "reports")],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        # On a pipe nothing is said of how far it is: the journal tells.
        while not _has_much_to_judge(tmp_path / "reports"):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, stdout + stderr
    assert "Traceback" not in stdout + stderr
    assert "partial" in stdout.lower()
    (run_folder,) = (tmp_path / "reports" / "mixed").iterdir()
    verdict = json.loads((run_folder / "verdict.json").read_text())
    assert verdict["partial"] is True
    assert verdict["verdict"] == "VALID"
    judged = nscr("judge", str(run_folder))
    assert "partial" in judged.stdout.lower()


NO_RUN_FOLDER = {
    "empty": {},
    "no journal": {"plan.json": None},
    "a folder as journal": {"plan.json": None, "journal.jsonl": "folder"},
    "zeros as journal": {"plan.json": None, "journal.jsonl": b"\0" * 4000},
    "junk as journal": {"plan.json": None, "journal.jsonl": bytes(range(256)) * 16},
    "a list as journal": {"plan.json": None, "journal.jsonl": b"[]\n{}\n1\n"},
    "junk as plan": {"plan.json": b"\xff\xfe\x00", "journal.jsonl": None},
    "a list as plan": {"plan.json": b"[]", "journal.jsonl": None},
    "a folder as plan": {"plan.json": "folder", "journal.jsonl": None},
}


@pytest.mark.parametrize("files", NO_RUN_FOLDER.values(), ids=NO_RUN_FOLDER)
def test_what_is_no_run_folder(nscr: Nscr, tmp_path: Path, files: dict[str, bytes | str | None]) -> None:
    sound = next((Path(__file__).parents[1] / "golden" / "findings").glob("*/plan.json")).parent
    folder = tmp_path / "run"
    folder.mkdir()
    for name, content in files.items():
        if content == "folder":
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content if isinstance(content, bytes) else (sound / name).read_bytes())
    _assert_told(nscr("judge", str(folder)), 2, str(folder), "hint: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("judge", "a" * 5000),
        ("torture", "a" * 5000),
        ("scenarios", "show", "a" * 5000),
        ("scenarios", "show", "folder.toml"),
        ("scenarios", "show", "binary.toml"),
        ("scenarios", "validate", "/proc/self/mem"),
        ("torture", "--registry-url", "http://a..b"),
        ("gate", "--registry-url", "http://xn--/"),
        ("watch", "--registry-url", f"http://{'a' * 300}.localhost", "--for", "1s"),
        ("gate", "--registry-url", "http://127.0.0.1:99999"),
        ("gate", "--registry-url", "http://[::1"),
        ("gate", "--registry-url", "http://127.0.0.1:1", "--username", "a", "--password", "\udcff"),
        ("gate", "--registry-url", "http://127.0.0.1:1", "--repository", "\udcff"),
        ("torture", "--rate", "inf"),
        ("torture", "--seed", "9" * 5000),
        ("torture", "--duration", "9" * 400 + "s"),
        ("torture", "--shrink-for", "soon"),
        ("torture", "--namespace", "\udcff"),
        ("torture", "--sabotage", "nope", "--duration", "1s"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_nonsense(nscr: Nscr, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00" * 100)
    _assert_told(nscr(*arguments), 2)
