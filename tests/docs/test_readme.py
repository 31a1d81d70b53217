"""The README opens with what to do, and its exit codes are those of the table."""

import re
from pathlib import Path

from nscr_cli.exits import MEANINGS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_readme_opens_with_the_two_commands():
    first_block = README.split("```console\n", 1)[1].split("```", 1)[0]
    commands = [line.removeprefix("$ ").split("#")[0].strip() for line in first_block.splitlines()]
    assert commands == ["make torture", "make test"]


def test_the_table_of_exit_codes_is_the_table():
    shown = dict(re.findall(r"^\| (\d+) \| (.*) \|$", README.replace("`watch`", "watch"), flags=re.MULTILINE))
    assert shown == {str(code.value): meaning for code, meaning in MEANINGS.items() if code.value < 128}
