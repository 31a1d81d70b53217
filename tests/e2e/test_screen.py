"""The driver of screens itself, by commands of which it is known what they show."""

from pathlib import Path

import pytest

from tests.e2e.screen import is_running, on_screen

pytestmark = [pytest.mark.e2e, pytest.mark.needs("tmux")]


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_a_screen_has_its_size_and_is_read_to_its_last_row(tmp_path: Path) -> None:
    with on_screen(shell("stty size; seq 1 40; cat"), width=30, height=12, folder=tmp_path) as screen:
        screen.wait_until(lambda text: text.splitlines() == [*(str(number) for number in range(30, 41)), ""])
        assert screen.size() == (30, 12)
        assert screen.everything().splitlines()[:2] == ["12 30", "1"]


def test_the_command_has_its_environment_its_folder_and_a_real_terminal(tmp_path: Path) -> None:
    script = "test -t 0 && test -t 1 && test -t 2 && echo $TERM $PLANTED ${CI:-none} $(pwd)"
    with on_screen(
        shell(script), width=200, environment={"PLANTED": "a b"}, term="dumb", folder=tmp_path
    ) as screen:  # fmt: skip
        assert screen.wait_end() == 0
        assert screen.text().splitlines()[0] == f"dumb a b none {tmp_path}"


def test_what_is_left_on_the_screen_and_the_exit_code_stay() -> None:
    with on_screen(shell("seq 1 23; printf last; exit 7"), height=24) as screen:
        assert screen.wait_end() == 7
        assert screen.text().splitlines() == [*map(str, range(1, 24)), "last"]
    with on_screen(shell("kill -9 $$")) as screen:
        assert screen.wait_end() == -9


def test_keys_are_pressed_and_colours_are_read() -> None:
    with on_screen(shell(r"read word; printf '\033[1;31m%s ▁█\033[0m end' $word; cat")) as screen:
        screen.send("typed", "Enter")
        screen.wait_for("typed ▁█ end")
        assert "\x1b[1m\x1b[31mtyped ▁█" in screen.colours()
        assert "\x1b" not in screen.text()
        screen.send("C-c")
        assert screen.wait_end() in (130, -2)


def test_a_resize_reaches_the_command() -> None:
    script = "trap 'stty size' WINCH; echo listening; while :; do sleep 0.05; done"
    with on_screen(shell(script), width=80, height=24) as screen:
        screen.wait_for("listening")
        screen.resize(40, 10)
        screen.wait_for("10 40")
        assert screen.size() == (40, 10)


def test_what_does_not_come_fails_with_the_last_screen() -> None:
    with on_screen(shell("echo what there is; cat")) as screen:
        screen.wait_for("what there is")
        with pytest.raises(AssertionError, match=r"(?s)0\.2 s went by.*│what there is"):
            screen.wait_for("what there is not", seconds=0.2)
        with pytest.raises(AssertionError, match=r"(?s)still runs.*│what there is"):
            screen.wait_end(seconds=0.2)
    with (
        on_screen(shell("echo short; exit 3")) as screen,
        pytest.raises(AssertionError, match=r"(?s)ended with 3.*│short"),
    ):
        screen.wait_for("long")


def test_the_command_ends_with_the_block_even_where_it_does_not_want_to() -> None:
    with on_screen(shell("trap '' HUP TERM; echo $$; while :; do sleep 0.05; done")) as screen:
        pid = int(screen.wait_until(lambda text: text.strip().isdigit()))
        assert pid == screen.pid
        assert is_running(pid)
    assert not is_running(pid)
