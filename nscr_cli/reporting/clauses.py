"""Where the clause of a finding can be read: the OCI Distribution Specification, an RFC, or nowhere but in the finding.

A clause is text of a checker's own; still nothing becomes a link but what has exactly the form of a place. Pure.
"""

import re

_SPECIFICATION = "https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md"
_ANCHOR = re.compile(r"spec\.md(#[a-z0-9-]+)")
_RFC = re.compile(r"RFC (\d{4})(?:, (?:section )?(\d+(?:\.\d+)*))?")


def place_of(clause: str) -> str | None:
    """The address of the first place that a clause names."""
    anchor = _ANCHOR.search(clause)
    if anchor is not None:
        return _SPECIFICATION + anchor[1]
    rfc = _RFC.search(clause)
    if rfc is not None:
        return f"https://www.rfc-editor.org/rfc/rfc{rfc[1]}" + (f"#section-{rfc[2]}" if rfc[2] else "")
    return None
