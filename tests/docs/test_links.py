"""Every link within the documents leads somewhere: to a file that is there, and to a heading that is in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])


def _without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def _links(text: str) -> Iterator[tuple[str, str]]:
    """Path and heading of each link that is no address of the web."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(text)):
        if not re.match(r"[a-z]+:", target):
            path, _, heading = target.partition("#")
            yield path, heading


def _headings(text: str) -> set[str]:
    """The anchors that GitHub makes of headings."""
    anchors: set[str] = set()
    for heading in re.findall(
        r"^#+ (.*)$", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        number = sum(1 for known in anchors if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", known))
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return anchors


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    lost = []
    for path, heading in _links(document.read_text()):
        target = document.parent / path if path else document
        if not target.exists() or (heading and heading not in _headings(target.read_text())):
            lost.append(f"{path}#{heading}")
    assert lost == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_document_is_in_the_index(path: Path):
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve() for target, _ in _links(index.read_text())}
    assert path == index or path in listed or path.parent in listed, "add it to docs/README.md"


def test_links_and_headings_are_read_as_github_does():
    text = (
        "# One, [two](a.md) `three`!\n\n## One\n## One\n\n```\n# none [no](link.md)\n```\n`[no](link.md)` [a](b.md#c)\n"
    )
    assert _headings(text) == {"one-two-three", "one", "one-1"}
    assert list(_links(text)) == [("a.md", ""), ("b.md", "c")]
    assert list(_links("[web](https://a/b) [here](#one)")) == [("", "one")]
