"""What the steps of uploads sent is made again, part by part, from a real run's plan and journal."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from nscr_cli.engine.judging import read_plan
from nscr_cli.history.journal import read_journal
from nscr_cli.history.ops import Asked, Entry, F, Kind, Op
from nscr_cli.workloads.reenactment import contents, sends_a_part

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


class Everything:
    def __contains__(self, digest: object) -> bool:
        return True


def parts(entries: list[Entry]) -> dict[int, tuple[F, Asked]]:
    """The steps of uploads that carried bytes, by index."""
    return {
        one.index: (one.f, one.asked)
        for one in entries
        if isinstance(one, Op) and one.kind is Kind.INVOKE and one.asked and sends_a_part(one.f, one.asked)
    }


@pytest.mark.parametrize("scenario", ["chunk-chaos", "chunk-resume"])
def test_each_part_of_an_upload_is_made_again(nscr_program: str, tmp_path: Path, scenario: str) -> None:
    subprocess.run(
        [nscr_program, "torture", scenario, "--ops", "300", "--workers", "3", "--seed", "5", "--reports", "."],
        cwd=tmp_path, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    (folder,) = (tmp_path / scenario).iterdir()
    entries = list(read_journal(folder / "journal.jsonl"))
    made = contents(read_plan(folder), entries, Everything())
    sent = parts(entries)
    assert len(sent) > 10
    chunks = {index: asked.size for index, (f, asked) in sent.items() if f is F.PATCH_UPLOAD}
    assert {index: made[index].size for index in chunks} == chunks
    # Parts that lie one behind the other, from the first to the last byte, are the whole that was named.
    wholes: dict[tuple[str | None, str | None], bytes] = {}
    for index, (_, asked) in sent.items():
        name = (asked.upload, asked.digest)
        if asked.range is not None and asked.range[0] == len(wholes.get(name, b"")) and not asked.wrong_bytes:
            wholes[name] = wholes.get(name, b"") + b"".join(made[index].chunks())
    hashed = {f"sha256:{hashlib.sha256(content).hexdigest()}" for content in wholes.values()}
    assert len({digest for _, digest in wholes} & hashed) > 3
