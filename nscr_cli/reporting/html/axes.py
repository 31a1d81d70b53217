"""Axes: where round values lie, and how they are written. Pure."""

import math
from collections.abc import Iterator

import msgspec

WIDTH = 1000
"""Units across every plot; it is stretched to whatever width the page has."""

_ROUND_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_ROUND_LONG_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


class Tick(msgspec.Struct, frozen=True):
    """A value on an axis: where it lies, from 0 to 1, and its label."""

    place: float
    label: str


class TimeAxis(msgspec.Struct, frozen=True):
    """The time of a run, from left to right."""

    end_ns: int

    def share(self, time_ns: float) -> float:
        """Where an instant lies, from 0 to 1."""
        return min(1.0, max(0.0, time_ns / self.end_ns)) if self.end_ns > 0 else 0.0

    def x(self, time_ns: float) -> float:
        """The same in units of the plot."""
        return round(self.share(time_ns) * WIDTH, 1)

    def ticks(self, most: int = 6) -> list[Tick]:
        """Round times."""
        end_s = self.end_ns / 1e9
        rounds = (*_ROUND_S, *_ROUND_LONG_S)
        step = next((one for one in rounds if end_s / one <= most), None)
        if step is None:
            step = 86400 * math.ceil(end_s / most / 86400)
        return [Tick(self.share(number * step * 1e9), clock(number * step)) for number in range(int(end_s / step) + 1)]


class LinearAxis(msgspec.Struct, frozen=True):
    """Amounts from nothing up to a whole number of round steps."""

    step: float
    steps: int
    is_bytes: bool = False

    @property
    def top(self) -> float:
        """The largest amount that has room."""
        return self.step * self.steps

    def share(self, value: float) -> float:
        """Where it lies, from 0 below to 1 on top."""
        return value / self.top

    def ticks(self) -> list[Tick]:
        """Round amounts, without the zero, which is the ground."""
        return [Tick(number / self.steps, self.label(number * self.step)) for number in range(1, self.steps + 1)]

    def label(self, value: float) -> str:
        """An amount as people write it."""
        return size(value) if self.is_bytes else amount(value)


class LogAxis(msgspec.Struct, frozen=True):
    """Latencies in milliseconds, by powers of ten."""

    least: float
    most: float

    def share(self, value: float) -> float:
        """Where it lies, from 0 to 1; what is beyond an end lies on it."""
        span = math.log10(self.most / self.least)
        return min(1.0, max(0.0, math.log10(max(value, self.least) / self.least) / span))

    def ticks(self) -> list[Tick]:
        """The powers of ten."""
        first, last = round(math.log10(self.least)), round(math.log10(self.most))
        return [Tick(self.share(10.0**power), milliseconds(10.0**power)) for power in range(first, last + 1)]


def linear(most: float, *, is_bytes: bool = False, is_whole: bool = False) -> LinearAxis:
    """An axis on which all amounts up to `most` have room, with at most five steps; `is_whole` of counts."""
    base = 1.0
    while is_bytes and most / base >= 1024:
        base *= 1024
    power = 10.0 ** math.floor(math.log10(most / base / 5)) if most > 0 else 1.0
    if is_whole or (is_bytes and base == 1.0):
        power = max(power, 1.0)
    step = next(base * factor * power for factor in (1, 2, 5, 10, 20) if most <= 5 * base * factor * power * 1.0001)
    return LinearAxis(step, max(1, math.ceil(most / step * 0.9999)), is_bytes)


def logarithmic(least: float, most: float) -> LogAxis:
    """An axis of whole powers of ten on which all from `least` to `most` have room."""
    low = math.floor(math.log10(max(least, 0.001)))
    high = math.ceil(math.log10(max(most, 0.001)))
    return LogAxis(10.0**low, 10.0 ** max(high, low + 1))


def clock(seconds: float) -> str:
    """A time since the run's start: `0`, `200 ms`, `15 s`, `2 min`, `1 h 30`."""
    if seconds == 0:
        return "0"
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest:02d}" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes:02d}" if minutes else "")


def milliseconds(value: float) -> str:
    """A latency: `20 µs`, `1.5 ms`, `2 s`."""
    if value < 0.9995:
        return f"{value * 1000:.3g} µs"
    if value < 999.5:
        return f"{value:.3g} ms"
    return f"{value / 1000:.4g} s"


def amount(value: float) -> str:
    """A count or rate, short: `0.5`, `800`, `12k`, `1.2M`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1000 if unit == 'k' else limit):.4g}{unit}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def size(value: float) -> str:
    """Bytes, in units of 1024."""
    unit = 0
    while value >= 1024 and unit < len(_BYTES) - 1:
        value /= 1024
        unit += 1
    return f"{value:.3g} {_BYTES[unit]}" if value < 999.5 else f"{value:,.0f} {_BYTES[unit]}"


def runs(values: list[float | None]) -> Iterator[tuple[int, list[float]]]:
    """The stretches of values without a gap, each with where it begins."""
    begin: int | None = None
    for place, value in enumerate([*values, None]):
        if value is not None and begin is None:
            begin = place
        elif value is None and begin is not None:
            yield begin, [one for one in values[begin:place] if one is not None]
            begin = None
