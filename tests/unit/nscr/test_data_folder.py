import os
from pathlib import Path

import pytest

from nscr.data_folder import SABOTAGE_MARKER, admit_sabotage, held_data_folder
from nscr.errors import ConfigurationError, EnvironmentFault


def test_a_held_folder_is_refused_and_names_the_holder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with (
        held_data_folder(folder),
        pytest.raises(EnvironmentFault, match=f"pid {os.getpid()}"),
        held_data_folder(folder),
    ):
        pytest.fail("two servers on one folder")
    with held_data_folder(folder):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="not writable"), held_data_folder(tmp_path / "file" / "data"):
        pytest.fail("held")


def test_sabotage_and_honest_content_never_share_a_folder(tmp_path: Path) -> None:
    honest, sabotaged = tmp_path / "honest", tmp_path / "sabotaged"
    with held_data_folder(honest):
        admit_sabotage(honest, ())
        (honest / "registry.sqlite3").write_text("")
        with pytest.raises(ConfigurationError, match="honest registry"):
            admit_sabotage(honest, ("lost-tag",))
    with held_data_folder(sabotaged):
        admit_sabotage(sabotaged, ("lost-tag",))
        (sabotaged / "registry.sqlite3").write_text("")
        admit_sabotage(sabotaged, ("undead-tag",))
        assert (sabotaged / SABOTAGE_MARKER).read_text() == "undead-tag\n"
        with pytest.raises(ConfigurationError, match="sabotaged registry"):
            admit_sabotage(sabotaged, ())
