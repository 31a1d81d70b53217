"""A correct registry that others push to, delete from and collect at the same time is accused of nothing.

NSCR_TEST_BUSY_SECONDS makes it last longer than the few seconds of CI.
"""

import json
import os
import random
import subprocess
import threading
import time

import msgspec
import pytest
import trio

from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.monitoring.documents import State
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import parse_target
from nscr_cli.client.trust import dialer_for
from nscr_cli.monitors.looking import RegistryReader, look_around
from nscr_cli.monitors.reach import Lookout, Question, Recheck
from nscr_cli.monitors.rules import STATE
from tests.e2e.conftest import Serve, clean_environment
from tests.e2e.pushing import ask, push_image

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SECONDS = float(os.environ.get("NSCR_TEST_BUSY_SECONDS", "8"))
ENOUGH = 3
LAYERS = [bytes([number]) * 2000 for number in range(6)]
ACCUSATIONS = ("vanished", "contradiction", "malformed", "server-error", "unhealthy")


def keep_writing(url: str, number: int, is_over: threading.Event) -> None:
    """Push, delete the tag, then the blobs that only it needed, and push the same again: in a repository of its own.

    So whenever a tag is there, all is there that it reaches; and whatever was deleted comes back under its own name.
    """
    chance, repository = random.Random(number), f"team/{number}"
    while not is_over.is_set():
        blobs = push_image(url, repository, "1", *LAYERS[:2])
        time.sleep(chance.choice((0, 0, 0.02, 0.1)))
        ask("DELETE", f"{url}/v2/{repository}/manifests/1")
        for blob in blobs:
            ask("DELETE", f"{url}/v2/{repository}/blobs/{blob}")
        if chance.random() < 0.2:
            ask("POST", f"{url}/api/garbage-collect", b"")


class Noting(Lookout):
    """Remembers what it suspected, and what it ever accused the registry of."""

    def __init__(self) -> None:
        super().__init__()
        self.suspicions = 0
        self.accusations: set[str] = set()

    def conclude(self, question: Question, found: Recheck, now_s: float) -> bool:
        is_settled = super().conclude(question, found, now_s)
        self.suspicions += 1
        self.accusations.update(condition.text for condition in self.conditions)
        return is_settled


async def keep_walking(url: str, lookout: Noting) -> None:
    """Without a rest, so that walks and writes meet as often as they can; longer where they did not meet."""
    began = time.monotonic()
    target, _ = parse_target(url)
    async with Monitoring(target) as monitoring:
        client = RegistryClient(dialer_for(target), target)
        while time.monotonic() - began < (SECONDS if lookout.suspicions >= ENOUGH else 6 * SECONDS):
            state = msgspec.json.decode((await monitoring.poll(STATE)).body, type=State)
            lookout.begin(state)
            while not lookout.is_done:
                await look_around(lookout, RegistryReader(client), monitoring)
        await client.aclose()


def test_nobody_is_accused_while_others_write(
    serve: Serve, nscr_program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url, lookout = serve().url, Noting()
    command = [nscr_program, "watch", "dashboard", "--registry-url", url, "--interval", "1s", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as watch:
        assert watch.stdout is not None
        lines = [watch.stdout.readline()]
        is_over = threading.Event()
        writers = [threading.Thread(target=keep_writing, args=(url, number, is_over)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            trio.run(keep_walking, url, lookout)
        finally:
            is_over.set()
        for writer in writers:
            writer.join()
        time.sleep(3)  # and once all is still
        watch.terminate()
        lines += watch.communicate(timeout=20)[0].splitlines()
    rounds = [json.loads(line) for line in lines]
    told = [alert for each in rounds for alert in each["alerts"]]
    generations = sorted({each["generation"] for each in rounds} - {None})
    with capsys.disabled():
        span = f"generations {generations[0]} to {generations[-1]}"
        print(f"\n{len(rounds)} rounds, {span}, {lookout.suspicions} suspicions, alerts: {told}")
    assert [alert for alert in told if alert.startswith(ACCUSATIONS)] == []
    assert lookout.accusations == set()
    assert lookout.suspicions >= ENOUGH  # there was something to be wrong about
    assert generations[-1] - generations[0] > SECONDS
