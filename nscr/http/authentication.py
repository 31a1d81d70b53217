"""HTTP Basic authentication (RFC 7617): one pair of credentials, compared in constant time."""

import base64
import binascii
import hashlib
import hmac

CHALLENGE = 'Basic realm="nscr", charset="UTF-8"'


class BasicAuthentication:
    """Knows the hash of the one accepted `user:password`, so that length and content cost the same to compare."""

    def __init__(self, username: str, password: str) -> None:
        self._accepted = hashlib.sha256(f"{username}:{password}".encode()).digest()

    def admits(self, authorization: str | None) -> bool:
        """Whether an Authorization header holds the credentials."""
        scheme, _, encoded = (authorization or "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            offered = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(hashlib.sha256(offered).digest(), self._accepted)
