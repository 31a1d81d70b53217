"""The findings of docs/findings.md, judged again from the operations that prove them."""

from pathlib import Path

import pytest

from nscr_cli.checkers.verdict import Verdict
from nscr_cli.engine.judging import judge_run

FINDINGS = Path(__file__).parent / "findings"
DOCUMENT = Path(__file__).parents[2] / "docs" / "findings.md"
PROVED = {
    "blob-read-while-pushed": ("protocol", "server-error"),
    "dangling-tag": ("listing", "listed-but-not-there"),
    "deletes-at-once": ("protocol", "server-error"),
    "digest-after-conversion": ("protocol", "wrong-digest-header"),
    "long-page": ("listing", "long-page"),
    "malformed-digest": ("protocol", "server-error"),
    "moved-tag-deleted": ("tags", "lost-write"),
    "out-of-order-chunk": ("uploads", "out-of-order-accepted"),
    "page-ignored": ("listing", "page-begins-too-early"),
    "sha512-mount": ("blobs", "lost-blob"),
    "tag-listed-and-not-found": ("listing", "ghost-tag"),
    "tag-read-while-written": ("protocol", "server-error"),
    "two-chunks-for-one-place": ("uploads", "mixed-chunks"),
    "two-closing-puts": ("protocol", "server-error"),
    "two-patches-corrupt": ("blobs", "corrupt-content"),
    "unsatisfiable-range": ("reads", "broken-refusal"),
    "unsorted-listing": ("listing", "unsorted-listing"),
}
# Every list of this registry shows it, whatever else is wrong with the list.
BESIDES = ("listing", "unsorted-listing")


@pytest.mark.parametrize("name", PROVED)
def test_a_finding_is_found_again(name: str) -> None:
    _, _, results = judge_run(FINDINGS / name)
    found = {(finding.checker, finding.rule) for result in results for finding in result.findings}
    assert found - {BESIDES} == {PROVED[name]} - {BESIDES}
    assert PROVED[name] in found
    assert {result.checker: result.verdict for result in results}[PROVED[name][0]] is Verdict.INVALID


def test_every_finding_is_kept_and_written_down() -> None:
    text = DOCUMENT.read_text()
    assert {folder.name for folder in FINDINGS.iterdir()} == set(PROVED)
    assert not [name for name in PROVED if name not in text]
    assert not [rule for _, rule in PROVED.values() if f"`{rule}`" not in text]
