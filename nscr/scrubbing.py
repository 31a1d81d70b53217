"""Walks a whole data folder and says what is not as it should be; changes nothing, and needs no server to stand still.

Under a running server things come and go: whatever looks wrong is looked at again, and told only if it still is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nscr.folder_reading import blob_path, committed, digest_of_file, in_transit, known_damaged, reading
from nscr.oci.digest import Digest, algorithm_of, digest_of
from nscr.stores.census import SqliteReading


@dataclass
class ScrubReport:
    """Attributes: findings, one line each; `bytes_read` is of blobs."""

    blobs: int = 0
    bytes_read: int = 0
    manifests: int = 0
    findings: list[str] = field(default_factory=list)


def scrub(data: Path) -> ScrubReport:
    """Hash every blob and manifest, look for files that nothing names, and count the figures again.

    Raises:
        EnvironmentFault: no registry to read.
    """
    report = ScrubReport()
    report.findings += _database_findings(data, report)
    damaged = known_damaged(data)
    blobs = committed(data)
    for digest, size in sorted(blobs.items()):
        report.blobs += 1
        report.bytes_read += size
        if digest in damaged:
            report.findings.append(f"blob {digest} is damaged, and was found so before: push it again")
        elif (reason := _wrong_with(data, digest, size)) is not None and _is_still_wrong(data, digest):
            report.findings.append(f"blob {digest}: {reason}")
    for path in _files(data):
        digest = Digest(f"{path.parent.parent.name}:{path.name}")
        if digest not in blobs and digest not in committed(data) | dict.fromkeys(in_transit(data), 0) and path.exists():
            report.findings.append(f"{path.relative_to(data)} belongs to no blob")
    return report


def _wrong_with(data: Path, digest: Digest, size: int) -> str | None:
    path = blob_path(data, digest)
    try:
        if (held := path.stat().st_size) != size:
            return f"its file holds {held} bytes, not {size}"
        if (actual := digest_of_file(path, digest)) != digest:
            return f"its bytes hash to {actual}"
    except FileNotFoundError:
        return "its file is missing"
    except OSError as error:
        return f"its file cannot be read: {error.strerror}"
    return None


def _is_still_wrong(data: Path, digest: Digest) -> bool:
    size = committed(data).get(digest)
    return size is not None and _wrong_with(data, digest, size) is not None


def _files(data: Path) -> Iterator[Path]:
    return (path for path in sorted((data / "blobs").rglob("*")) if path.is_file())


def _database_findings(data: Path, report: ScrubReport) -> Iterator[str]:
    with reading(data) as connection:
        (integrity,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if integrity != "ok":
            yield f"the database is not sound: {integrity}"
        for repository, digest, content in connection.execute("SELECT repository, digest, content FROM manifests"):
            report.manifests += 1
            if (actual := digest_of(content, algorithm_of(digest))) != digest:
                yield f"manifest {digest} of {repository} hashes to {actual}"
        moment = SqliteReading(connection)
        if (kept := moment.figures()) != (counted := moment.recount()):
            yield f"the figures that are kept, {kept}, are not those that are counted, {counted}"
