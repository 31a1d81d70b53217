"""What was asked of a registry and what it acknowledged, on disk as it happens, so that a soak can be resumed.

Each line is [event, key, value]: `begin` before a write is sent, `ack` when it was acknowledged, `seen` when a
reading after a kill settled what became of it. One writer a key.
"""

import json
import threading
from pathlib import Path
from typing import Any


class Ledger:
    """Last known value of each key, and what may have replaced it."""

    def __init__(self, path: Path) -> None:
        self.known: dict[str, Any] = {}
        self.pending: dict[str, Any] = {}
        self.acknowledged = 0
        self._lock = threading.Lock()
        if path.exists():
            for line in path.read_text().splitlines():
                if line.endswith("]"):
                    self._apply(*json.loads(line))
        self._file = path.open("a", buffering=1)

    def close(self) -> None:
        self._file.close()

    def _apply(self, event: str, key: str, value: Any) -> None:
        if event == "begin":
            self.pending[key] = value
            return
        self.pending.pop(key, None)
        self.known[key] = value
        self.acknowledged += event == "ack"

    def note(self, event: str, key: str, value: Any) -> None:
        with self._lock:
            self._apply(event, key, value)
            self._file.write(json.dumps([event, key, value]) + "\n")

    def allowed(self, key: str) -> list[Any]:
        """Values that a reading may find."""
        return [self.known.get(key), *([self.pending[key]] if key in self.pending else [])]
