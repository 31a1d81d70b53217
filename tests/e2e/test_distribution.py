"""What pip installs is whole: typed, with the scenarios inside."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = "nscr_cli/reporting/html/templates"

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_wheel_holds_packages_scenarios_templates_and_type_markers(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
    )
    (wheel,) = tmp_path.glob("nscr-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    scenarios = {
        f"nscr_cli/scenarios/{path.relative_to(ROOT / 'scenarios')}" for path in ROOT.glob("scenarios/**/*.toml")
    }
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / TEMPLATES).iterdir()}
    assert scenarios
    assert {Path(name).suffix for name in templates} == {".css", ".jinja"}
    assert (
        scenarios
        | templates
        | {"nscr_cli/bugs.toml", "nscr/py.typed", "nscr_cli/py.typed", "nscr_cli/app.py", "nscr/server.py"}
        <= names
    )
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"nscr", "nscr_cli"}
