"""`nscr torture --junit`: one file for several scenarios, accepted by a parser of other people, red as the exit is."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema_rs
import pytest
from junitparser import Error, Failure, JUnitXml

VERDICT = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[2] / "docs" / "verdict.schema.json").read_text())
)

pytestmark = pytest.mark.e2e

Nscr = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def nscr(nscr_program: str, tmp_path: Path) -> Nscr:
    """Runs `nscr` in `tmp_path`."""
    return lambda *words: subprocess.run(
        [nscr_program, *words], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )


def _red(suites: JUnitXml) -> dict[str, set[str]]:
    return {
        suite.name: {type(one).__name__ for case in suite for one in case.result if isinstance(one, Error | Failure)}
        for suite in suites
    }


def test_two_scenarios_in_one_file_and_one_in_each_folder(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr(
        "torture",
        "tags",
        "tag-set",
        "--ops",
        "200",
        "--workers",
        "1",
        "--seed",
        "1",
        "--sabotage",
        "lost-tag",
        "--junit",
        "all.xml",
    )
    assert done.returncode == 1, done.stderr
    both = JUnitXml.fromfile(str(tmp_path / "all.xml"))
    assert [suite.name for suite in both] == ["tags", "tag-set"]
    assert "Failure" in _red(both)["tags"] | _red(both)["tag-set"]
    for scenario in ("tags", "tag-set"):
        (path,) = (tmp_path / "reports" / scenario).glob("*/junit.xml")
        assert _red(JUnitXml.fromfile(str(path))) == {scenario: _red(both)[scenario]}
        assert (path.parent / "summary.md").read_text().startswith("## nscr: ")
        VERDICT.validate(json.loads((path.parent / "verdict.json").read_text()))


def test_a_registry_that_never_answers_is_an_error_in_the_file(nscr: Nscr, tmp_path: Path) -> None:
    done = nscr("torture", "--registry-url", "http://127.0.0.1:1", "--junit", "all.xml")
    assert done.returncode == 5
    assert _red(JUnitXml.fromfile(str(tmp_path / "all.xml"))) == {"mixed": {"Error"}}
