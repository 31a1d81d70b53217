"""Redaction: the one place where text on its way into a journal, log or message loses its secrets.

Taken out: values of Authorization headers, bearer tokens, `user:password@` of URLs, and query strings (signed
redirects, upload state), besides every secret that the caller knows by value.
"""

import re
from collections.abc import Iterable

REDACTED = "[redacted]"

_PATTERNS = (
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{4,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@?#]+@"), r"\1"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?#\"'<>]*)\?[^\s\"'<>]*"), rf"\1?{REDACTED}"),
    (re.compile(r"(?i)\b(_state|token|password|signature|sig|x-amz-[a-z-]+)=[^&\s\"'<>]+"), rf"\1={REDACTED}"),
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets: those named, and those that show by their form."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def without_query(url: str) -> str:
    """A URL or Location without user, query and fragment."""
    return redacted(url.partition("?")[0].partition("#")[0])
