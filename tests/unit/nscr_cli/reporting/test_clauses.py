"""What of a clause becomes a link."""

import pytest

from nscr_cli.reporting.clauses import place_of

SPECIFICATION = "https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md"


@pytest.mark.parametrize(
    ("clause", "place"),
    [
        ("spec.md#pulling-manifests: a tag names what was last put", f"{SPECIFICATION}#pulling-manifests"),
        ("RFC 9110, 15.3.7: 206 serves the range", "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7"),
        ("RFC 9110: HTTP", "https://www.rfc-editor.org/rfc/rfc9110"),
        ("RFC 9110, 9.3.2; spec.md#pulling-manifests: HEAD", f"{SPECIFICATION}#pulling-manifests"),
        ("a registry that nobody disturbs stays up", None),
        ("javascript:alert(1)", None),
    ],
)
def test_the_place_that_a_clause_names(clause: str, place: str | None) -> None:
    assert place_of(clause) == place
