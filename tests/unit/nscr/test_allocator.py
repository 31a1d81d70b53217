"""The allocator's limits: set where the C library has them, and kept from a process that has none."""

import ctypes
from typing import Any

import pytest

from nscr.allocator import HEAPS, LARGE_BLOCK, give_back_freed_memory


class Library:
    def __init__(self) -> None:
        self.limits: list[int] = []

    def mallopt(self, _name: int, value: int) -> int:
        self.limits.append(value)
        return 1


def test_limits_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    assert give_back_freed_memory()
    assert sorted(library.limits) == [HEAPS, LARGE_BLOCK, LARGE_BLOCK]


def test_a_library_without_them_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = object()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: nothing)
    assert not give_back_freed_memory()
