"""The installed command, as a process: what it prints wherever it runs, and how it ends."""

import subprocess
import sys

import pytest

from nscr_cli import __version__

pytestmark = pytest.mark.e2e


def test_a_stream_that_cannot_show_every_character() -> None:
    command = [sys.executable, "-c", "from nscr_cli.app import main; main()", "--help"]
    ended = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"0  everything that was checked held" in ended.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, f"nscr {__version__}"),
        (["--help"], 0, "Finds the bugs that lose container images."),
        (["wach"], 2, "wach"),
        (["watch", "--for", "soon", "--registry-url", "localhost"], 2, "'soon' is not a duration"),
        (["watch"], 2, "no registry to watch"),
    ],
)
def test_the_installed_command(words: list[str], code: int, said: str) -> None:
    command = [sys.executable, "-c", "from nscr_cli.app import main; main()", *words]
    ended = subprocess.run(command, capture_output=True, text=True, env={"COLUMNS": "200", "PATH": ""}, timeout=60)
    assert ended.returncode == code
    assert said in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (["--version"], {"nscr", "trio", "httpx", "jinja2", "granian", "nscr_cli.engine"}),
        (["serve", "--help"], {"trio", "httpx", "jinja2", "granian", "nscr_cli.engine", "nscr_cli.checkers"}),
        (["watch", "--help"], {"nscr", "granian", "nscr_cli.engine", "nscr_cli.gate"}),
        (["torture", "--help"], {"nscr", "granian", "nscr_cli.gate"}),
    ],
)
def test_a_command_starts_without_what_others_need(words: list[str], unneeded: set[str]) -> None:
    script = "import sys; from nscr_cli.app import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    imported = set(ended.stderr.split())
    assert "nscr_cli.app" in imported
    assert not unneeded & imported
