"""A data folder read from outside, whether or not a server runs over it: what is committed, and where its bytes are.

Only reads. SQLite's WAL gives another process one consistent moment while the server goes on writing; this connection
never checkpoints, which is the server's to do.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from nscr.errors import EnvironmentFault
from nscr.oci.digest import Digest, algorithm_of, hex_of
from nscr.stores.schema import MIGRATIONS

DATABASE_NAME = "registry.sqlite3"


def blob_path(data: Path, digest: Digest) -> Path:
    """Where the bytes of a blob are (nscr.stores.files draws the layout)."""
    name = hex_of(digest)
    return data / "blobs" / algorithm_of(digest) / name[:2] / name


def digest_of_file(path: Path, digest: Digest) -> Digest:
    """What the file hashes to, in the algorithm of `digest`."""
    with path.open("rb") as file:
        state = hashlib.file_digest(file, lambda: hashlib.new(algorithm_of(digest).value))
    return Digest(f"{algorithm_of(digest).value}:{state.hexdigest()}")


@contextmanager
def reading(data: Path) -> Iterator[sqlite3.Connection]:
    """The metadata at one moment.

    Raises:
        EnvironmentFault: there is none, or none that this version can read.
    """
    path = data / DATABASE_NAME
    if not path.is_file():
        raise EnvironmentFault(f"{data} holds no registry", hint="name the folder that nscr serve --data was given")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only=1")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("PRAGMA busy_timeout=5000")
            connection.execute("BEGIN")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != len(MIGRATIONS):
                raise EnvironmentFault(
                    f"{data} has schema {version}, this nscr reads {len(MIGRATIONS)}",
                    hint="use the nscr that serves the folder",
                )
            yield connection
    except sqlite3.Error as error:
        raise EnvironmentFault(f"cannot read {path}: {error}", hint="check the folder's rights") from error


def committed(data: Path) -> dict[Digest, int]:
    """Committed blobs with their sizes."""
    with reading(data) as connection:
        return {Digest(digest): size for digest, size in connection.execute("SELECT digest, size FROM blobs")}


def in_transit(data: Path) -> set[Digest]:
    """Blobs whose files may be there without a row: they are being published or removed."""
    with reading(data) as connection:
        return {Digest(digest) for (digest,) in connection.execute("SELECT digest FROM intents")}


def known_damaged(data: Path) -> set[Digest]:
    """Blobs that clients are told to push again."""
    with reading(data) as connection:
        return {Digest(digest) for (digest,) in connection.execute("SELECT digest FROM damaged")}
