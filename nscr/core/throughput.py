"""What is read and written a second: counts of bytes, seen now and then, become seconds, minutes, hours and days.

Who moves bytes adds them to a `Count` and knows no time. `observe` books what has come since it was called last, evenly
over the time since then: a late call makes no peak. How much falls before an instant follows from that instant alone,
so the seconds of a minute add up to the minute, and all of them to what was counted.

Only whole seconds are told, of the longer units as well: what the running second has so far is no rate. Units are
those of UTC. Nothing outlives the process; of each unit so many are kept, and only those in which something happened.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

SECOND = 1000
EDGE = 10
"""Milliseconds: who wants to look at the edge of a second comes a little late, and what stopped at it shows no more."""


class Unit(Enum):
    """A unit of time: its milliseconds, and how many are kept."""

    SECONDS = (SECOND, 60)
    MINUTES = (60 * SECOND, 60)
    HOURS = (3600 * SECOND, 24)
    DAYS = (86_400 * SECOND, 30)

    def __init__(self, milliseconds: int, kept: int) -> None:
        self.milliseconds = milliseconds
        self.kept = kept


class Count:
    """Bytes that went by so far."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted, from the client's side: it uploads what the registry writes."""

    blob_upload: Count = field(default_factory=Count)
    blob_download: Count = field(default_factory=Count)
    manifest_upload: Count = field(default_factory=Count)
    manifest_download: Count = field(default_factory=Count)


class Traffic(NamedTuple):
    """Bytes of each kind."""

    blob_upload: int = 0
    blob_download: int = 0
    manifest_upload: int = 0
    manifest_download: int = 0

    @property
    def read(self) -> int:
        return self.blob_download + self.manifest_download

    @property
    def written(self) -> int:
        return self.blob_upload + self.manifest_upload

    def plus(self, other: "Traffic") -> "Traffic":
        return Traffic(*(mine + its for mine, its in zip(self, other, strict=True)))

    def minus(self, other: "Traffic") -> "Traffic":
        return Traffic(*(mine - its for mine, its in zip(self, other, strict=True)))

    def part(self, numerator: int, denominator: int) -> "Traffic":
        return Traffic(*(mine * numerator // denominator for mine in self))


NOTHING = Traffic()


@dataclass(frozen=True, slots=True)
class Point:
    """A unit of time, or as much of it as was seen.

    Attributes:
        start: of the whole unit.
        milliseconds: how much of it is told: whole seconds, at least one.
    """

    start: int
    milliseconds: int
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Peak:
    """The most in one second; when it began, None as long as there was nothing."""

    bytes: int = 0
    at: int | None = None

    def or_more(self, bytes_: int, at: int) -> "Peak":
        return Peak(bytes_, at) if bytes_ > self.bytes else self


@dataclass(frozen=True, slots=True)
class Peaks:
    """Each has a second of its own: that of all reads is not that of the most blob reads."""

    read: Peak = Peak()
    written: Peak = Peak()
    blob_upload: Peak = Peak()
    blob_download: Peak = Peak()
    manifest_upload: Peak = Peak()
    manifest_download: Peak = Peak()

    def with_second(self, traffic: Traffic, at: int) -> "Peaks":
        return Peaks(
            self.read.or_more(traffic.read, at),
            self.written.or_more(traffic.written, at),
            self.blob_upload.or_more(traffic.blob_upload, at),
            self.blob_download.or_more(traffic.blob_download, at),
            self.manifest_upload.or_more(traffic.manifest_upload, at),
            self.manifest_download.or_more(traffic.manifest_download, at),
        )


class _Ring:
    """The last units of one length, by their number since the epoch; empty ones have no entry."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.held: dict[int, Traffic] = {}

    def book(self, traffic: Traffic, since: int, until: int) -> None:
        """Spread over a time; of one that is longer than the ring, over its first unit and the last ones."""
        length = self._unit.milliseconds
        first, last = since // length, until // length
        for number in (first, *range(max(first + 1, last - self._unit.kept), last + 1)):
            begin, end = max(since, number * length), min(until, (number + 1) * length)
            share = traffic
            if first != last:
                share = traffic.part(end - since, until - since).minus(traffic.part(begin - since, until - since))
            if share != NOTHING:
                self.held[number] = self.held.get(number, NOTHING).plus(share)

    def forget(self, now: int) -> None:
        """What is too old to be told. One more is kept: the running unit may not be told yet."""
        oldest = now // self._unit.milliseconds - self._unit.kept
        for number in [each for each in self.held if each < oldest]:
            del self.held[number]


class Throughput:
    """Follows the counts. To be used from one thread.

    Attributes:
        counts: to be added to.
        peaks: of the whole seconds since the start.
    """

    def __init__(self, started: int) -> None:
        """Args: started, milliseconds since the epoch, as all times here."""
        self.counts = Counts()
        self.started = started
        self.peaks = Peaks()
        self._booked = NOTHING
        self._rings = {unit: _Ring(unit) for unit in Unit}
        self._since = self._seen = started

    def observe(self, now: int) -> None:
        """Book what has come since the last time. A clock that was set back begins everything but the peaks anew."""
        if now < self._seen:
            self._rings = {unit: _Ring(unit) for unit in Unit}
            self._since = self._seen = now
        if now % SECOND <= EDGE:
            now = max(self._seen, now - now % SECOND)
        counts = self.counts
        total = Traffic(
            counts.blob_upload.bytes,
            counts.blob_download.bytes,
            counts.manifest_upload.bytes,
            counts.manifest_download.bytes,
        )
        news = total.minus(self._booked)
        if news != NOTHING:
            self._booked = total
            for ring in self._rings.values():
                ring.book(news, self._seen, now)
        self._note_peaks(now)
        self._seen = now
        for ring in self._rings.values():
            ring.forget(now)

    def _note_peaks(self, now: int) -> None:
        """Of the seconds that are over since the last time."""
        for number, traffic in self._rings[Unit.SECONDS].held.items():
            if self._seen // SECOND <= number < now // SECOND:
                self.peaks = self.peaks.with_second(traffic, number * SECOND)

    def current(self) -> Traffic:
        """Bytes in the last whole second before the last observation."""
        return self._rings[Unit.SECONDS].held.get(self._seen // SECOND - 1, NOTHING)

    def history(self, unit: Unit) -> Iterator[Point]:
        """The units since the start, or as many as are kept, oldest first; quiet ones too."""
        length = unit.milliseconds
        whole = self._seen // SECOND * SECOND
        begun = self._since // SECOND * SECOND
        running = self._rings[Unit.SECONDS].held.get(whole // SECOND, NOTHING)
        last = (whole - 1) // length
        for number in range(max(begun // length, last - unit.kept + 1), last + 1):
            told = min(whole, (number + 1) * length) - max(begun, number * length)
            traffic = self._rings[unit].held.get(number, NOTHING)
            if number == whole // length:
                traffic = traffic.minus(running)
            if told > 0:
                yield Point(number * length, told, traffic)
