"""Torture as part of the gate: its verdict is merged, its consent is asked for."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import clean_environment
from tests.e2e.images import image, push_image

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(("sabotage", "exit_code", "verdict"), [((), 0, "VALID"), (("lost-tag",), 1, "INVALID")])
def test_its_verdict_is_merged(
    nscr_program: str,
    serve: Callable[..., Any],
    tmp_path: Path,
    sabotage: tuple[str, ...],
    exit_code: int,
    verdict: str,
) -> None:
    registry = serve(*(word for name in sabotage for word in ("--sabotage", name)))
    with httpx.Client(base_url=registry.url) as client:
        push_image(client, "team/app", "v1", image("1"))
    done = subprocess.run(
        [nscr_program, "gate", "--registry-url", registry.url, "--json", "--torture", "tags", "--torture-for", "3s"],
        cwd=tmp_path, env=clean_environment(), timeout=240, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    verdicts = {check["check"]: check["verdict"] for check in answer["checks"]}
    assert verdicts.pop("torture tags") == verdict
    assert set(verdicts.values()) == {"VALID"}
    (run,) = answer["tortured"]
    assert (run["scenario"], run["verdict"]) == ("tags", verdict)
    assert (tmp_path / run["folder"] / "verdict.json").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--registry-url", "http://registry.invalid", "--torture", "tags"), "--i-may-torture registry.invalid"),
        (("--registry-url", "http://127.0.0.1:1", "--torture", "tagz"), "did you mean"),
    ],
)
def test_what_is_asked_is_refused_before_anything_is_done(nscr_program: str, flags: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [nscr_program, "gate", *flags], env=clean_environment(), timeout=60, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
