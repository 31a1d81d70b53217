"""What the process that conducts a run and those that load say to each other: one JSON document a line, over pipes.

What a member must do comes on its standard input, so that no password stands in its arguments or environment.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import trio

from nscr_cli.client.target import Credentials, Target
from nscr_cli.errors import EnvironmentFailed
from nscr_cli.monitors.progress import Broken


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What a member loads.

    Attributes:
        folder: of the run; plan and journal so far tell the rest.
        number, count: the how manieth member it is, from 0, of how many.
        origin_ns: the instant 0 of the run, on the clock of the machine.
        board: descriptor of the board.
        proxy_port: of the fault proxy on loopback; None where there is none.
    """

    folder: str
    number: int
    count: int
    origin_ns: int
    board: int
    address: Target
    credentials: Credentials | None
    proxy_port: int | None
    secrets: tuple[str, ...]


class Go(msgspec.Struct, frozen=True, kw_only=True, tag="go"):
    """The load begins."""

    began_ns: int


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Begin nothing new; what is open may take so long to end."""

    grace_s: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The member can begin."""


class Counted(msgspec.Struct, frozen=True, kw_only=True, tag="counted"):
    """What has ended since the last time: operations by what was asked and how it ended, latencies by bucket.

    Attributes:
        broken: what single answers showed to be broken.
    """

    outcomes: dict[str, dict[str, int]]
    latencies: dict[str, dict[int, int]]
    broken: tuple[Broken, ...] = ()


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The member has done its share; `failure` says why its journal could not be written, if so."""

    failure: str | None


Order = Go | Stop
Report = Ready | Counted | Ended


def written(document: Assignment | Order | Report) -> bytes:
    """One line."""
    return msgspec.json.encode(document, enc_hook=_to_text) + b"\n"


def read_assignment(line: bytes) -> Assignment:
    """The first line that a member is told."""
    return msgspec.json.decode(line, type=Assignment, dec_hook=_from_text)


async def lines_of(stream: trio.abc.ReceiveStream) -> AsyncIterator[bytes]:
    """Whole lines, until the stream ends; what is behind the last of them is lost."""
    rest = b""
    while data := await stream.receive_some():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line


class CrewFailed(EnvironmentFailed):
    """A process that loads could not begin, or died."""


def _to_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"an order holds no {type(value).__name__}")


def _from_text(kind: type, value: object) -> object:
    if issubclass(kind, Path):
        return kind(str(value))
    raise TypeError(f"an order holds no {kind.__name__}")
