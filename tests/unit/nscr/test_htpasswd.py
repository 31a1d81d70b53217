from pathlib import Path

import pytest

from nscr.errors import ConfigurationError
from nscr.htpasswd import read_htpasswd

HASH = "$2y$05$" + "a" * 53


def test_users_among_comments_and_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(f"# people\n\nanna:{HASH}\n  böb:{HASH.replace('y', 'b', 1)}  \n")
    assert list(read_htpasswd(file)) == ["anna", "böb"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no user"),
        (f"anna:{HASH}\nanna:{HASH}", "line 2: user 'anna' stands there twice"),
        (f"anna:{HASH}\nbob:$apr1$secret", "line 2: not"),
        (f"anna:{HASH}x", "line 1"),
        (f":{HASH}", "line 1"),
        ("anna", "line 1"),
        ("anna:{SHA}secret", "line 1"),
        ("anna:$2y$31$" + "a" * 53, "line 1"),
    ],
)
def test_what_is_refused_is_named_by_line_and_without_its_hash(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_htpasswd(file)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "aaaa" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    for name in ("absent", "latin"):
        with pytest.raises(ConfigurationError, match="cannot read"):
            read_htpasswd(tmp_path / name)
