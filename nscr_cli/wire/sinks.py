"""Where received bodies go: hashed as they come, kept only up to a limit, so that memory does not grow with a blob."""

import hashlib


class Sink:
    """Takes the pieces of one body.

    Attributes:
        length: bytes received.
        kept: the first of them, up to the limit.
    """

    def __init__(self, *, algorithm: str = "sha256", keep: int = 0) -> None:
        self._hash = hashlib.sha256() if algorithm == "sha256" else hashlib.new(algorithm)
        self._keep = keep
        self.algorithm = algorithm
        self.length = 0
        self.kept = bytearray()

    def write(self, piece: bytes) -> None:
        """Take the next piece."""
        self._hash.update(piece)
        self.length += len(piece)
        if len(self.kept) < self._keep:
            room = self._keep - len(self.kept)
            self.kept += piece if len(piece) <= room else piece[:room]

    @property
    def digest(self) -> str:
        """Digest of everything received so far, as `algorithm:hex`."""
        return f"{self.algorithm}:{self._hash.hexdigest()}"

    @property
    def is_whole(self) -> bool:
        """Everything received was kept."""
        return len(self.kept) == self.length
