"""A minimal Debian with Python, made once for all tests of a run, by whichever process needs it first."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest


def debian_root(factory: pytest.TempPathFactory) -> Path:
    """Its root folder, of the release that this machine runs, or of Debian's stable one; nobody writes to it."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    root = shared / "debian-root"
    with (shared / "debian-root.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            unfinished = shared / "debian-root.unfinished"
            command = ["debootstrap", "--variant=minbase", "--include=python3", _suite(), str(unfinished)]
            subprocess.run(command, check=True, capture_output=True, timeout=600)
            unfinished.rename(root)
    return root


def _suite() -> str:
    lines = Path("/etc/os-release").read_text().replace('"', "").splitlines()
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    return release["VERSION_CODENAME"] if release.get("ID") == "debian" else "stable"
