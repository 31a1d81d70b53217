"""What a console shows is told apart from what is typed, and compared as people compare it."""

import pytest

from tests.docs.consoles import commands_of, missing


def test_commands_and_what_comes_back_are_told_apart() -> None:
    document = "Say:\n\n```console\n$ cat <<END    # so\n> one\n> END\none\n$ false\n$ echo $?\n1\n```\n"
    assert commands_of(document) == [("cat <<END\none\nEND", ["one"]), ("false", []), ("echo $?", ["1"])]


@pytest.mark.parametrize(
    ("expected", "output", "lost"),
    [
        (["VALID: all held"], "progress\nVALID: all held\n", None),
        (["VALID: all held"], "INVALID: all held\n", "VALID: all held"),
        (["a 12 ms", "…", "b"], "a 3.5 ms\nc\nb\n", None),
        (["b", "a"], "a\nb\n", "a"),
        (["INVALID: …"], "INVALID: 3 promises\n", None),
        (["code 1"], "no code\n", "code 1"),
    ],
)
def test_what_must_come_back(expected: list[str], output: str, lost: str | None) -> None:
    assert missing(expected, output) == lost
