"""The tutorial and the how-to pages that can be tried here are tried, word for word."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.consoles import missing, tried
from tests.e2e.ports import unclaimed_port

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def _try(document: Path, port: str, nscr_program: str, folder: Path) -> None:
    """Type all of a document, on another port than it says: that one may be taken here."""
    here = folder / document.name
    here.write_text(document.read_text().replace(f":{port}", f":{(free := str(unclaimed_port()))}"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NSCR_", "REGISTRY_", "OTEL_"))}
    path = f"{Path(nscr_program).parent}:{os.environ['PATH']}"
    workplace = folder / "workplace"
    workplace.mkdir()
    environment = clean | {"PATH": path, "NSCR_PORT": free, "COLUMNS": "120"}
    with closing(tried(here, workplace, environment)) as steps:
        for typed, came, said in steps:
            assert came.code == (said or 0), f"$ {typed.command}\n{came.output}"
            lost = missing(typed.expected, came.output)
            assert lost is None, f"$ {typed.command}\n{came.output}\ndoes not show: {lost}"


@pytest.mark.needs("curl")
def test_the_tutorial(nscr_program: str, tmp_path: Path) -> None:
    _try(ROOT / "docs" / "tutorial.md", "7000", nscr_program, tmp_path)


@pytest.mark.needs("curl")
@pytest.mark.needs("docker-registry")
def test_how_to_torture_distribution(nscr_program: str, tmp_path: Path) -> None:
    _try(ROOT / "docs" / "how-to" / "distribution.md", "5000", nscr_program, tmp_path)


def test_a_document_that_is_wrong_is_found_out(nscr_program: str, tmp_path: Path) -> None:
    assert shutil.which("bash")
    for number, block in enumerate(("$ false", "$ echo one\ntwo", "$ true\n$ echo $?\n1")):
        (folder := tmp_path / str(number)).mkdir()
        (folder / "wrong.md").write_text(f"```console\n{block}\n```\n")
        with pytest.raises(AssertionError):
            _try(folder / "wrong.md", "5000", nscr_program, folder)
