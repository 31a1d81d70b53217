"""A headless Chromium driven by its DevTools protocol over two pipes: no port, no library, no network."""

import itertools
import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

PROGRAM = "chromium"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_LONGEST_S = 60.0

Message = dict[str, Any]


class Chromium:
    """One browser; see `started`.

    Attributes:
        events: what the browser told without having been asked, since the page was opened.
    """

    def __init__(self, write_to: int, read_from: int) -> None:
        self._write_to = write_to
        self._read_from = read_from
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self.events: list[Message] = []

    def attach(self) -> None:
        """Make a tab, and listen to all that is of interest."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.ask(f"{domain}.enable")

    def open(self, page: Path, *, width: int, height: int = 900, scheme: str = "light") -> None:
        """Open a page at this width, and wait until it is there."""
        self.events.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Page.navigate", url=page.absolute().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._read()

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def told(self, *methods: str) -> list[Message]:
        """The parameters of the events of these kinds."""
        return [event["params"] for event in self.events if event["method"] in methods]

    def ask(self, method: str, **parameters: Any) -> Message:
        """One command, and its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write_to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                result: Message = answer["result"]
                return result

    def _read(self) -> Message:
        end = time.monotonic() + _LONGEST_S
        while b"\0" not in self._rest:
            ready, _, _ = select([self._read_from], [], [], max(0.0, end - time.monotonic()))
            assert ready, "chromium does not answer"
            block = os.read(self._read_from, 1 << 20)
            assert block, "chromium is gone"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        answer: Message = json.loads(message)
        if "method" in answer:
            self.events.append(answer)
        return answer


@contextmanager
def started() -> Iterator[Chromium]:
    """A browser with a profile of its own, which is gone afterwards."""
    commands_in, commands_out = os.pipe()
    answers_in, answers_out = os.pipe()

    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = shlex.join([PROGRAM, *_FLAGS, f"--user-data-dir={profile}"])
        process = subprocess.Popen(
            # The protocol expects commands on descriptor 3, and answers on 4.
            ["bash", "-c", f"exec {command} 3<&{commands_in} 4>&{answers_out}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(commands_in, answers_out),
        )
        os.close(commands_in)
        os.close(answers_out)
        try:
            browser = Chromium(commands_out, answers_in)
            browser.attach()
            yield browser
        finally:
            process.terminate()
            process.wait(timeout=20)
            os.close(commands_out)
            os.close(answers_in)
