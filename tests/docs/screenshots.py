"""Pictures of a terminal: what `Screen.colours()` of tests/e2e/screen.py gives, as SVG, or as PNG by way of Chromium.

Run as a script it takes a picture of any command: `python -m tests.docs.screenshots OUT.png 80x24 SECONDS COMMAND...`.
"""

import io
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME

from tests.e2e.screen import on_screen

# Rich's own format fetches its fonts from the network.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "font-family: Fira Code, monospace", "font-family: 'DejaVu Sans Mono', monospace"
)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME = 200  # pixels: Chromium takes the frame of a window that is never seen off its height
_CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


def svg(colours: str, *, title: str = "", is_light: bool = False) -> str:
    """A screen with its colours as a picture; the same for the same screen."""
    rows = colours.rstrip("\n").split("\n")
    decoder = AnsiDecoder()  # one for all rows: what a row begins with may have been said in the row before
    texts = [decoder.decode_line(row) for row in rows]
    console = Console(
        width=max(max(map(len, texts)), 20), record=True, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    for text in texts:
        console.print(text, no_wrap=True, crop=True)
    theme = DEFAULT_TERMINAL_THEME if is_light else SVG_EXPORT_THEME
    return console.export_svg(title=title, theme=theme, code_format=_FORMAT, unique_id="screen")


def png(colours: str, path: Path, *, title: str = "", is_light: bool = False) -> None:
    """The same, drawn by Chromium into a file.

    Raises:
        subprocess.CalledProcessError: Chromium did not draw it.
    """
    drawn = svg(colours, title=title, is_light=is_light)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    assert size is not None
    width, height = (int(float(number)) + 1 for number in size.groups())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "screen.html")
        page.write_text(f'<meta charset="utf-8"><body style="margin:0;width:{width}px">{drawn}')
        sheet = [f"--user-data-dir={folder}/profile", f"--window-size={width},{height + _FRAME}"]
        subprocess.run(
            [*_CHROMIUM, *sheet, f"--screenshot={path.absolute()}", page.as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )
    path.write_bytes(_upper_rows(path.read_bytes(), height))


def _upper_rows(content: bytes, height: int) -> bytes:
    """The upper part of a PNG: each row is told by those above it."""
    chunks: list[tuple[bytes, bytes]] = []
    place = len(_SIGNATURE)
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        chunks.append((name, content[place + 8 : place + 8 + length]))
        place += length + 12
    head = next(data for name, data in chunks if name == b"IHDR")
    width, _, depth, colours = struct.unpack_from(">IIBB", head)
    stride = 1 + (width * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours] + 7) // 8
    rows = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))[: height * stride]
    written = [
        (b"IHDR", struct.pack(">II", width, height) + head[8:]),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    ]
    sealed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in written
    )
    return _SIGNATURE + b"".join(sealed)


def main() -> None:
    """Take one picture."""
    out, size, seconds, *command = sys.argv[1:]
    width, height = map(int, size.split("x"))
    with on_screen(command, width=width, height=height) as screen:
        time.sleep(float(seconds))
        colours = screen.colours()
    if out.endswith(".svg"):
        Path(out).write_text(svg(colours, title=" ".join(command)))
    else:
        png(colours, Path(out), title=" ".join(command))


if __name__ == "__main__":
    main()
