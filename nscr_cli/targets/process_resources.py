"""What a process of this machine holds, from /proc (proc(5)). Linux only."""

from pathlib import Path

from nscr_cli.history.resources import Resources

_KIBIBYTE = 1024


class ProcessResources:
    """One process, by its number.

    Args:
        processes: where the kernel shows them.
    """

    def __init__(self, process: int, processes: Path = Path("/proc")) -> None:
        self._process = process
        self._folder = processes / str(process)

    async def resources(self) -> Resources | None:
        """See `targets.base.Observed`. The kernel answers from memory: no thread is needed."""
        try:
            held = [link for file in (self._folder / "fd").iterdir() if (link := _link(file)) is not None]
            status = dict(
                line.split(":", 1) for line in (self._folder / "status").read_text().splitlines() if ":" in line
            )
        except OSError:
            return None
        if "VmRSS" not in status:  # it has ended, and nobody has taken notice yet
            return None
        return Resources(
            process=self._process,
            descriptors=len(held),
            sockets=sum(link.startswith("socket:") for link in held),
            threads=int(status["Threads"]),
            memory_bytes=_bytes(status["VmRSS"]),
            peak_memory_bytes=_bytes(status["VmHWM"]),
        )


def _link(file: Path) -> str | None:
    """What a descriptor is of; None where it was closed meanwhile."""
    try:
        return str(file.readlink())
    except OSError:
        return None


def _bytes(said: str) -> int:
    return int(said.split()[0]) * _KIBIBYTE
