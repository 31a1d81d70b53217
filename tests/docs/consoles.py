"""Documents tried word for word: their console blocks, typed into one shell in the order in which they stand.

A line `$ command` is typed, a line `> more` continues it; what stands below is what must come back: line by line in
this order, other lines between them or not. Figures, times and digests may differ, and `…` stands for anything. A
command must end with 0, unless the next one is `echo $?`, which says with what.
"""

import os
import re
import signal
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "--- ended with "
_ASK = "echo $?"


class Typed(NamedTuple):
    """A command, and what is said to come back."""

    command: str
    expected: list[str]


class Came(NamedTuple):
    """What came back: standard output and error as a terminal would mix them, and the exit code."""

    output: str
    code: int


def commands_of(document: str) -> list[Typed]:
    """All that is typed, in order."""
    typed: list[Typed] = []
    for block in _BLOCK.finditer(document):
        for line in block["text"].splitlines():
            if line.startswith("$ "):
                typed.append(Typed(line[2:].partition("    # ")[0].rstrip(), []))
            elif line.startswith("> "):
                typed[-1] = typed[-1]._replace(command=f"{typed[-1].command}\n{line[2:]}")
            elif line.strip():
                typed[-1].expected.append(line)
    return typed


def missing(expected: list[str], output: str) -> str | None:
    """The first expected line that did not come back in its turn."""
    lines = iter(_normalised(line) for line in output.splitlines())
    for line in expected:
        if line.strip() == "…":
            continue
        pattern = ".*".join(map(re.escape, _normalised(line).split("…")))
        if not any(re.fullmatch(pattern, came) for came in lines):
            return line
    return None


def tried(
    document: Path, folder: Path, environment: Mapping[str, str]
) -> Generator[tuple[Typed, Came, int | None], None, None]:
    """Type all of it; what came back, and the code that the document says, None where it says none."""
    typed = commands_of(document.read_text(encoding="utf-8"))
    with subprocess.Popen(
        ["bash", "--norc"], cwd=folder, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as shell:  # fmt: skip
        yield from _typed_into(shell, typed)


def _typed_into(
    shell: subprocess.Popen[str], typed: list[Typed]
) -> Generator[tuple[Typed, Came, int | None], None, None]:
    try:
        for number, each in enumerate(typed):
            following = typed[number + 1] if number + 1 < len(typed) else None
            said = int(following.expected[0]) if following is not None and following.command == _ASK else None
            yield each, _type(shell, each.command), said
    finally:
        os.killpg(shell.pid, signal.SIGKILL)  # the servers that it left running, too


def _type(shell: subprocess.Popen[str], command: str) -> Came:
    assert shell.stdin is not None
    assert shell.stdout is not None
    # The status is there again after the mark, for a command that asks for it.
    shell.stdin.write(f"{command}\n__code=$?; echo; echo '{_MARK}'$__code; (exit $__code)\n")
    shell.stdin.flush()
    output: list[str] = []
    for line in shell.stdout:
        if line.startswith(_MARK):
            return Came("".join(output), int(line.removeprefix(_MARK)))
        output.append(line)
    raise AssertionError(f"the shell ended at: {command}\n{''.join(output)}")


def _normalised(line: str) -> str:
    line = re.sub(r"[0-9a-f]{12,}", "0", line)
    line = re.sub(r"\d+(?:[.,:]\d+)*", "0", line)
    return " ".join(re.sub(r"[-─]{3,}", "---", line).split())
