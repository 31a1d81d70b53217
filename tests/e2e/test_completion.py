"""The shell completes commands, scenarios, workloads and sabotages, as Typer's script for bash asks for them."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def _offered(nscr_program: str, line: str, folder: Path) -> list[str]:
    """What is offered for the last word of a line."""
    words = line.split(" ")
    asked = {"_NSCR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [nscr_program], env=os.environ | asked, cwd=folder, timeout=60, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("nscr tor", ["torture"]),
        ("nscr scenarios va", ["validate"]),
        ("nscr torture ta", ["tag-resets", "tag-set", "tags"]),
        ("nscr torture tags mix", ["mixed"]),
        ("nscr torture --sabotage lost", ["lost-tag"]),
        ("nscr serve --sabotage trunc", ["truncated-blob"]),
        ("nscr torture --shrink-r", ["--shrink-rule"]),
        ("nscr scenarios show list-", ["list-churn"]),
        ("nscr scenarios new mine.toml --workload tag", ["tag-set", "tags"]),
        ("nscr judge rep", []),  # nothing of ours: then bash offers files
    ],
)
def test_what_is_offered(nscr_program: str, tmp_path: Path, line: str, offers: list[str]) -> None:
    assert _offered(nscr_program, line, tmp_path) == offers


def test_bash_takes_the_script(nscr_program: str, tmp_path: Path) -> None:
    """The function that the script defines, asked as bash does when the key is pressed."""
    script = subprocess.run(
        [nscr_program, "--show-completion", "bash"],
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        timeout=60, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    pressed = f"""
        {script}
        COMP_WORDS=(nscr torture --sabotage undead) COMP_CWORD=3
        _nscr_completion nscr undead --sabotage
        echo "offered: ${{COMPREPLY[@]}}"
        complete -p nscr
    """
    environment = os.environ | {"PATH": f"{Path(nscr_program).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", pressed], env=environment, cwd=tmp_path, timeout=60, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "offered: undead-tag" in done.stdout, done.stdout + done.stderr
    assert "_nscr_completion nscr" in done.stdout
