"""Reads an htpasswd file: one `user:hash` a line, bcrypt only, blank lines and `#` comments apart.

The older schemes of such files (crypt, MD5, SHA-1) are refused at the start, by line and never with the hash. The file
is read once: whoever is taken out of it keeps access until the restart.
"""

import re
from pathlib import Path

from nscr.errors import ConfigurationError

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}")
"""Costs up to 17: a check would otherwise take minutes, and anybody can ask for one."""


def read_htpasswd(path: Path) -> dict[str, bytes]:
    """Bcrypt hashes by user.

    Raises:
        ConfigurationError: cannot be read, or a line that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"cannot read {path}: {reason}", hint="name a readable htpasswd file") from error
    users: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, hashed = line.strip().partition(":")
        if not user or not colon or _BCRYPT.fullmatch(hashed) is None:
            raise ConfigurationError(
                f"{path}, line {number}: not `user:` and a bcrypt hash of cost 4 to 17",
                hint="make the line with: htpasswd -nB USER",
            )
        if user in users:
            raise ConfigurationError(f"{path}, line {number}: user {user!r} stands there twice", hint="remove one")
        users[user] = hashed.encode()
    if not users:
        raise ConfigurationError(f"{path} names no user", hint="make a line with: htpasswd -nB USER")
    return users
