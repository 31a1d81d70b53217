"""Folds a run's journal into its series as it goes by. Pure.

Steps begin at a millisecond; whenever the run outgrows them, two and two become one. So memory does not grow with the
length of a run, and the same journal gives the same series.
"""

from collections import Counter

import msgspec

from nscr_cli.history.faults import operation_of
from nscr_cli.history.figures import Figures, read_figures
from nscr_cli.history.ops import Event, Sample
from nscr_cli.reporting.html.series import BIN_BITS, FAIL, INFO, MOST_STEPS, FaultCount, Gauge, Mark, Series, bin_of

_FIRST_STEP_NS = 1_000_000
_GAUGES = ("sessions", "manifests", "blobs", "unreferenced_blobs", "space_to_free")
_STATE = "/api/registry/state"
_GAUGED = frozenset({_STATE, "/api/registry/health", "/api/garbage-collect/stats"})
_MARKS = frozenset({"target-died", "process-died", "interrupted"})
_MOST_MARKS = 20
_STEP_BITS = 10
_BELOW = (1 << BIN_BITS) - 1


class Folding:
    """Folds what goes by; see nscr_cli.history.skimming.Skimmer.

    Args:
        shown: operations of which is to be known by which faults they were struck.
    """

    def __init__(self, shown: frozenset[int] = frozenset()) -> None:
        self._shown = shown
        self._struck: dict[int, dict[str, None]] = {}
        self._step_ns = _FIRST_STEP_NS
        self._limit_ns = _FIRST_STEP_NS * MOST_STEPS
        self._end_ns = 0
        self._kinds: dict[str, int] = {}
        self._cells: Counter[int] = Counter()
        self._waiting: list[int] = []
        self._unfinished: Counter[str] = Counter()
        self._gauges: dict[str, dict[int, Gauge]] = {}
        self._strikes: dict[str, Counter[int]] = {}
        self._in_flight: dict[str, int] = {}
        self._phases: list[tuple[str, int]] = []
        self._marks: list[Mark] = []
        self._environment: dict[str, str] = {}
        self._registry_version: str | None = None

    def ended(self, f: str, kind: str, intended_ns: int, end_ns: int) -> None:
        """An operation ended: `ok`, `fail` or `info`."""
        if end_ns > self._end_ns:
            self._end_ns = end_ns
            if end_ns >= self._limit_ns:
                self._coarsen(end_ns)
        number = self._kinds.get(f)
        if number is None:
            number = self._kinds[f] = len(self._kinds)
        place = bin_of(end_ns - intended_ns) if kind == "ok" else FAIL if kind == "fail" else INFO
        waiting = self._waiting
        waiting.append((((number << _STEP_BITS) | (end_ns // self._step_ns)) << BIN_BITS) | place)
        if len(waiting) >= 4096:
            self._settle()

    def never_ended(self, f: str, start_ns: int) -> None:
        """One has no completion in the journal."""
        self._reach(start_ns)
        self._unfinished[f] += 1

    def sampled(self, sample: Sample) -> None:
        """The monitoring API was polled."""
        step = self._reach(sample.end_ns)
        if sample.endpoint not in _GAUGED or sample.status != 200:
            return
        if self._registry_version is None and sample.endpoint == _STATE:
            self._registry_version = _version(sample.body)
        figures = read_figures(sample.endpoint, sample.body)
        for name in _GAUGES:
            value = _figure(figures, name)
            if value is not None:
                gauge = self._gauges.setdefault(name, {})
                before = gauge.get(step)
                gauge[step] = _joined(before, Gauge(value, value, value))

    def happened(self, event: Event) -> None:
        """Something happened to the run itself."""
        step = self._reach(event.time_ns)
        if event.name == "fault":
            name = event.detail.get("fault", "")
            self._strikes.setdefault(name, Counter())[step] += 1
            index = operation_of(event.detail.get("request", ""))
            if index is not None and index in self._shown:
                self._struck.setdefault(index, {})[name] = None
            in_flight = event.detail.get("in_flight", "0")
            self._in_flight[name] = max(self._in_flight.get(name, 0), int(in_flight) if in_flight.isdecimal() else 0)
        elif event.name == "phase":
            self._phases.append((event.detail.get("phase", ""), event.time_ns))
        elif event.name == "environment":
            self._environment = event.detail
        elif event.name in _MARKS and len(self._marks) < _MOST_MARKS:
            self._marks.append(Mark(event.name, event.time_ns, " ".join(event.detail.values())))

    def struck_by(self, index: int) -> tuple[str, ...]:
        """The faults that struck one of the operations that are shown."""
        return tuple(self._struck.get(index, ()))

    def series(self) -> Series:
        """What went by so far."""
        self._settle()
        names = list(self._kinds)
        cells: dict[tuple[str, int], dict[int, int]] = {}
        for cell in sorted(self._cells):
            number, step = divmod(cell >> BIN_BITS, 1 << _STEP_BITS)
            cells.setdefault((names[number], step), {})[cell & _BELOW] = self._cells[cell]
        return Series(
            step_ns=self._step_ns,
            steps=self._end_ns // self._step_ns + 1,
            end_ns=self._end_ns,
            cells=cells,
            unfinished=dict(sorted(self._unfinished.items())),
            gauges=self._gauges,
            faults=tuple(
                FaultCount(name=name, strikes=dict(strikes), most_in_flight=self._in_flight[name])
                for name, strikes in sorted(self._strikes.items())
            ),
            phases=tuple(self._phases),
            marks=tuple(self._marks),
            environment=self._environment,
            registry_version=self._registry_version,
        )

    def _reach(self, time_ns: int) -> int:
        self._end_ns = max(self._end_ns, time_ns)
        if time_ns >= self._limit_ns:
            self._coarsen(time_ns)
        return time_ns // self._step_ns

    def _settle(self) -> None:
        self._cells.update(self._waiting)
        self._waiting.clear()

    def _coarsen(self, time_ns: int) -> None:
        """Make steps longer until this time lies within."""
        self._settle()
        shift = 0
        while time_ns >= self._limit_ns << shift:
            shift += 1
        self._step_ns <<= shift
        self._limit_ns <<= shift
        coarser: Counter[int] = Counter()
        for cell, count in self._cells.items():
            number, step = divmod(cell >> BIN_BITS, 1 << _STEP_BITS)
            coarser[(((number << _STEP_BITS) | (step >> shift)) << BIN_BITS) | (cell & _BELOW)] += count
        self._cells = coarser
        for name, gauges in self._gauges.items():
            joined: dict[int, Gauge] = {}
            for step, gauge in sorted(gauges.items()):
                joined[step >> shift] = _joined(joined.get(step >> shift), gauge)
            self._gauges[name] = joined
        for name, strikes in self._strikes.items():
            fewer: Counter[int] = Counter()
            for step, count in strikes.items():
                fewer[step >> shift] += count
            self._strikes[name] = fewer


def _figure(figures: Figures, name: str) -> int | None:
    value: int | None = getattr(figures, name)
    return value


def _version(body: bytes | msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(body, type=_State).registryVersion
    except msgspec.MsgspecError:
        return None


class _State(msgspec.Struct):
    registryVersion: str | None = None  # noqa: N815 - the name in docs/external-api.md


def _joined(before: Gauge | None, after: Gauge) -> Gauge:
    if before is None:
        return after
    return Gauge(min(before.least, after.least), max(before.most, after.most), after.last)
