"""The pictures of the dashboard in docs/images, of real registries: `python -m tests.docs.dashboard_pictures FOLDER`.

One is fine and busy; from under a tag of the other a blob is taken; a third is killed. Made anew after the dashboard
looks different.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.docs.screenshots import svg
from tests.e2e.pushing import ask, open_upload, push_image
from tests.e2e.screen import Screen, on_screen

NSCR = str(Path(sys.executable).with_name("nscr"))
INTERVAL = ("--interval", "2s")


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A registry on loopback: its URL and process."""
    command = [NSCR, "serve", "--host", "127.0.0.1", "--port", "0", "--data", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None
        try:
            yield found[0], process
        finally:
            process.terminate()


def fill(url: str, repositories: Sequence[str], tags: int = 2) -> list[str]:
    """Images to look at; the layers of the last one."""
    layers: list[str] = []
    for number, repository in enumerate(repositories):
        for tag in range(tags):
            contents = (f"{repository} base".encode() * 5000, f"{number}.{tag}".encode() * 9000)
            layers = push_image(url, repository, f"1.{tag}", *contents)
    return layers


def keep_pushing(url: str, seconds: float) -> None:
    """One image after the other."""
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        push_image(url, "team/builds", f"build-{number}", f"layer {number}".encode() * 4000)
        time.sleep(1.2)


def picture(screen: Screen, path: Path, title: str) -> None:
    """What is on the screen now."""
    path.write_text(svg(screen.colours(), title=title))


def dashboard(*urls: str) -> list[str]:
    """The command."""
    return [NSCR, "watch", "dashboard", *INTERVAL, *(word for url in urls for word in ("--registry-url", url))]


def main() -> None:
    """All of them."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            serving(folder / "a") as (fine, _),
            serving(folder / "b") as (losing, _),
            serving(folder / "c") as (dying, process),
        ):
            fill(fine, ["library/nginx", "library/postgres", "team/app"])
            taken = fill(losing, ["library/redis", "team/shop"])[1]
            fill(dying, ["team/tools"])
            open_upload(fine, "team/app", b"x" * 300_000)
            with (
                on_screen(dashboard(fine), width=80, height=24) as small,
                on_screen(dashboard(losing), width=80, height=24) as broken,
                on_screen(dashboard(fine, losing), width=200, height=50) as large,
                on_screen(dashboard(fine, losing, dying), width=80, height=24) as several,
            ):
                keep_pushing(fine, 30)
                ask("DELETE", f"{losing}/v2/team/shop/blobs/{taken}")
                process.kill()
                keep_pushing(fine, 12)
                for screen in (broken, large, several):
                    screen.wait_for("vanished")
                keep_pushing(fine, 4)
                title = "nscr watch dashboard"
                picture(small, out / "dashboard-80.svg", title)
                picture(broken, out / "dashboard-problem-80.svg", title)
                picture(several, out / "dashboard-several-80.svg", title)
                picture(large, out / "dashboard-200.svg", title)


if __name__ == "__main__":
    main()
