"""Pictures of terminals: text and colours are in them, and nothing that would be fetched."""

import re
import struct
from pathlib import Path

import pytest

from tests.docs.screenshots import png, svg

SCREEN = "\x1b[1m\x1b[31mFINDING\x1b[0m of <a & b>\n▁▂█ \x1b[32mhealthy\x1b[39m\n"


def test_a_picture_holds_the_text_and_fetches_nothing() -> None:
    drawn = svg(SCREEN, title="nscr torture")
    text = drawn.replace("&#160;", " ")
    for piece in ("FINDING", "of &lt;a &amp; b&gt;", "▁▂█", "healthy", "nscr torture"):
        assert piece in text
    assert "url(http" not in drawn
    assert "@font-face" not in drawn
    assert drawn == svg(SCREEN, title="nscr torture")
    assert drawn != svg(SCREEN, title="nscr torture", is_light=True)


def test_a_colour_goes_on_in_the_next_row_until_another_is_said() -> None:
    def classes(screen: str) -> dict[str, str]:
        return dict(re.findall(r'<text class="(\S+)"[^>]*>(\w+)<', svg(screen)))

    assert len(classes("\x1b[31mred\nnext\x1b[0m")) == 1
    assert len(classes("\x1b[31mred\x1b[0m\nnext")) == 2


@pytest.mark.slow
@pytest.mark.needs("chromium")
def test_chromium_draws_it(tmp_path: Path) -> None:
    path = tmp_path / "screen.png"
    png(SCREEN, path)
    lower = tmp_path / "lower.png"
    png(SCREEN + "\n\x1b[7mlast\x1b[0m", lower)
    few, many = (struct.unpack_from(">II", one.read_bytes(), 16) for one in (path, lower))
    assert few[0] == many[0] > 200
    assert many[1] > few[1] > 60
    without = tmp_path / "without.png"
    png(SCREEN + "\n", without)
    assert len(lower.read_bytes()) > len(without.read_bytes())  # the last row is not cut off
