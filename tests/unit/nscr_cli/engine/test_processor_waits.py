"""What the kernel counts of a process is noted while the load runs; where it counts nothing, nothing is noted."""

from pathlib import Path

import pytest
import trio
import trio.testing

from nscr_cli.engine.processor_waits import note_processor
from nscr_cli.history.processor import EVENT


class Notes:
    """A recorder that keeps events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str]]] = []

    def event(self, name: str, **detail: str) -> None:
        self.events.append((name, detail))


async def _noted_for(seconds: float, schedstat: Path) -> list[tuple[str, dict[str, str]]]:
    notes = Notes()
    with trio.move_on_after(seconds):
        await note_processor(notes, schedstat)  # type: ignore[arg-type]
    return notes.events


def test_twice_a_second(tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("123 45 6\n")
    clock = trio.testing.MockClock(autojump_threshold=0)
    noted = trio.run(_noted_for, 1.9, tmp_path / "schedstat", clock=clock)
    assert [(name, detail["ran_ns"], detail["waited_ns"]) for name, detail in noted] == [(EVENT, "123", "45")] * 4


@pytest.mark.parametrize("content", [None, "", "12", "a b c"])
def test_nothing_where_nothing_is_counted(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "schedstat").write_text(content)
    assert trio.run(_noted_for, 60, tmp_path / "schedstat", clock=trio.testing.MockClock(autojump_threshold=0)) == []
