"""The board: no index is taken twice, whoever asks, and open operations add up."""

import os
import subprocess
import sys

from nscr_cli.engine.crew.board import Board

TAKE = """
import sys
from nscr_cli.engine.crew.board import Board
board = Board(int(sys.argv[1]), 3)
board.note_open(int(sys.argv[2]), 10 + int(sys.argv[2]))
print(*(board.next_index() for _ in range(5000)))
"""


def test_processes_take_indexes_that_nobody_else_takes() -> None:
    board = Board.made(3)
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(board.descriptor), str(number)],
            stdout=subprocess.PIPE,
            pass_fds=[board.descriptor],
            text=True,
        )
        for number in range(3)
    ]
    ours = [board.next_index() for _ in range(5000)]
    theirs = [[int(index) for index in taker.communicate(timeout=60)[0].split()] for taker in takers]
    assert all(indexes == sorted(indexes) for indexes in (ours, *theirs))
    assert sorted([*ours, *(index for indexes in theirs for index in indexes)]) == list(range(20_000))
    assert board.open_operations() == 10 + 11 + 12
    board.note_open(1, 0)
    assert board.open_operations() == 22
    board.close()


def test_a_board_that_was_closed_is_gone() -> None:
    board = Board.made(1)
    board.close()
    assert not os.path.exists(f"/proc/self/fd/{board.descriptor}")  # noqa: PTH110 - no file system's path
