"""The plots of a run over its time: each a title, a legend, a picture, and the same figures as a table. Pure."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import msgspec
from markupsafe import Markup

from nscr_cli.reporting.html import svg
from nscr_cli.reporting.html.axes import WIDTH, Tick, TimeAxis, amount, clock, linear
from nscr_cli.reporting.html.families import FAMILIES
from nscr_cli.reporting.html.series import Series, bands

Points = list[tuple[float, float]]
Share = Callable[[float], float]
HEIGHT = 190
_LANE = 40
_LABELLED = ("main", "final")


class Table(msgspec.Struct, frozen=True):
    """The figures of a plot."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of one plot.

    Attributes:
        legend: style and name of each thing that is drawn.
        axis: labels left of the picture.
    """

    name: str
    title: str
    note: str
    legend: tuple[tuple[str, str], ...]
    axis: Markup
    picture: Markup
    table: Table


class Shown(msgspec.Struct, frozen=True):
    """An instant at which a finding showed: when, its number, what it is."""

    time_ns: int
    number: int
    words: str


class Canvas(msgspec.Struct, frozen=True):
    """What all plots over time have in common: the axis, the times of faults, what happened, when findings showed."""

    series: Series
    shown: tuple[Shown, ...] = ()
    height: int = HEIGHT

    @property
    def axis(self) -> TimeAxis:
        """From the run's start to its end."""
        return TimeAxis(self.series.end_ns)

    def middle(self, step: int) -> float:
        """Where the points of a step are drawn."""
        begin, end = self.series.step_ns * step, min(self.series.step_ns * (step + 1), self.series.end_ns)
        return self.axis.x((begin + end) / 2)

    def length_s(self, step: int) -> float:
        """How long a step is; the last one ends with the run."""
        series = self.series
        if step < series.steps - 1:
            return series.step_ns / 1e9
        return max(series.step_ns / 10, series.end_ns - step * series.step_ns) / 1e9

    def behind(self, ticks: Sequence[Tick]) -> Iterator[Markup]:
        """Bands of faults, the grid, the borders of phases."""
        axis, step_ns = self.axis, self.series.step_ns
        for begin, end in bands(step for fault in self.series.faults for step in fault.strikes):
            label = f"faults struck, {clock(begin * step_ns / 1e9)} to {clock((end + 1) * step_ns / 1e9)}"
            yield svg.band(axis.x(begin * step_ns), axis.x((end + 1) * step_ns), self.height, kind="fault", label=label)
        yield from svg.grid(ticks, self.height)
        for name, begin_ns in self.series.phases:
            if begin_ns > 0:
                yield svg.upright(axis.x(begin_ns), self.height, kind="phase", label=f"{phase_name(name)} begins")

    def before(self) -> Iterator[Markup]:
        """What happened to the run."""
        for mark in self.series.marks:
            yield svg.upright(self.axis.x(mark.time_ns), self.height, kind="mark", label=f"{mark.name}: {mark.detail}")

    def beside(self) -> Iterator[Markup]:
        """The labels of time, and pins of findings."""
        yield from svg.below(self.axis.ticks(), self.height)
        for name, begin_ns in self.series.phases:
            place = self.axis.share(begin_ns)
            if name in _LABELLED:
                yield svg.text(
                    phase_name(name), place, svg.ABOVE - 5, anchor="end" if place > 0.75 else "start", kind="begins"
                )
        for one in self.shown:
            label = f"finding {one.number}, {clock(round(one.time_ns / 1e9, 3))}: {one.words}"
            yield svg.pin(self.axis.share(one.time_ns), svg.ABOVE, label, kind="pin")

    def rows(self, columns: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        """One row a step: when it began, then a cell of each column."""
        times = [f"{step * self.series.step_ns / 1e9:g}" for step in range(self.series.steps)]
        return tuple(zip(times, *columns, strict=True))


def phase_name(name: str) -> str:
    """A phase in words."""
    return {"seed": "seed", "main": "load", "final": "final reads"}.get(name, name)


def rate(canvas: Canvas) -> Plot:
    """Operations a second by family, one upon the other; the table has them by kind."""
    series = canvas.series
    families = [family for family in FAMILIES if set(family.kinds) & set(series.kinds)]
    layers = [[0.0] * series.steps]
    for family in families:
        counts = [series.ended(kind) for kind in family.kinds if kind in series.kinds]
        each = [sum(column) / canvas.length_s(step) for step, column in enumerate(zip(*counts, strict=True))]
        layers.append([below + more for below, more in zip(layers[-1], each, strict=True)])
    most = max(layers[-1], default=0.0)
    scale = linear(most)
    ticks = scale.ticks()
    drawn = [
        svg.area(_points(canvas, upper, scale.share), _points(canvas, lower, scale.share), kind=f"layer {family.style}")
        for family, (lower, upper) in zip(families, pairwise(layers), strict=True)
    ]
    total = sum(sum(series.ended(kind)) for kind in series.kinds)
    columns = [
        [amount(count / canvas.length_s(step)) for step, count in enumerate(series.ended(kind))]
        for kind in series.kinds
    ]
    return Plot(
        name="rate",
        title="Operations a second",
        note=f"all that ended, however they did; one step is {clock(series.step_ns / 1e9)}",
        legend=tuple((f"layer {family.style}", family.name) for family in families),
        axis=svg.gutter(ticks, canvas.height),
        picture=svg.picture(
            "rate",
            "Operations a second over the time of the run",
            f"{total:,} operations in {clock(round(series.end_ns / 1e9, 1))}, at most {amount(most)} a second. "
            + _faults_told(series),
            height=canvas.height,
            inside=[*canvas.behind(ticks), *drawn, *canvas.before()],
            beside=canvas.beside(),
        ),
        table=Table(("from, s", *(f"{kind}, 1/s" for kind in series.kinds)), canvas.rows(columns)),
    )


def faults(canvas: Canvas) -> Plot | None:
    """When each fault struck, one lane a fault, the darker the more often; None where none did."""
    series = canvas.series
    if not series.faults:
        return None
    canvas = msgspec.structs.replace(canvas, height=_LANE * len(series.faults))
    inside: list[Markup] = []
    beside = list(canvas.beside())
    most = max(max(fault.strikes.values()) for fault in series.faults)
    for lane, fault in enumerate(series.faults):
        top = _LANE * lane
        inside += [
            svg.strike(
                canvas.axis.x(step * series.step_ns),
                canvas.axis.x((step + 1) * series.step_ns),
                top + 18,
                _LANE - 20,
                share=count / most,
                label=f"{fault.name}: {count:,}",
            )
            for step, count in sorted(fault.strikes.items())
        ]
        beside.append(svg.text(f"{fault.name}: {fault.total:,}", 0, top + 30, kind="row"))
    columns = [[str(fault.strikes.get(step, 0)) for step in range(series.steps)] for fault in series.faults]
    return Plot(
        name="faults",
        title="Faults",
        note="each request that was struck on purpose; the darker, the more within a step",
        legend=(),
        axis=svg.gutter((), canvas.height),
        picture=svg.picture(
            "faults",
            "When faults struck, over the time of the run",
            _faults_told(series),
            height=canvas.height,
            inside=[*svg.grid((), canvas.height), *inside],
            beside=beside,
        ),
        table=Table(("from, s", *(fault.name for fault in series.faults)), canvas.rows(columns)),
    )


def trouble(canvas: Canvas) -> Plot | None:
    """Operations that did not end well; None where all did."""
    series = canvas.series
    fail, info = series.troubled()
    if not any(fail) and not any(info):
        return None
    canvas = msgspec.structs.replace(canvas, height=90)
    lower = [count / canvas.length_s(step) for step, count in enumerate(fail)]
    upper = [below + count / canvas.length_s(step) for step, (below, count) in enumerate(zip(lower, info, strict=True))]
    scale = linear(max(upper))
    ticks = scale.ticks()
    ground = [0.0] * series.steps
    return Plot(
        name="trouble",
        title="Refused, or without an answer",
        note="a second; what is asked for and is not there is refused, and that is right",
        legend=(("layer fail", "fail: certainly did not happen"), ("layer info", "info: nobody knows")),
        axis=svg.gutter(ticks, canvas.height),
        picture=svg.picture(
            "trouble",
            "Operations a second that did not end well, over the time of the run",
            f"{sum(fail):,} ended fail, {sum(info):,} ended info.",
            height=canvas.height,
            inside=[
                *canvas.behind(ticks),
                svg.area(_points(canvas, lower, scale.share), _points(canvas, ground, scale.share), kind="layer fail"),
                svg.area(_points(canvas, upper, scale.share), _points(canvas, lower, scale.share), kind="layer info"),
                *canvas.before(),
            ],
            beside=canvas.beside(),
        ),
        table=Table(("from, s", "fail", "info"), canvas.rows([[str(one) for one in fail], [str(one) for one in info]])),
    )


def _points(canvas: Canvas, values: Sequence[float], share: Share) -> Points:
    points = [(canvas.middle(step), canvas.height * (1 - share(value))) for step, value in enumerate(values)]
    # The first and the last step reach the edges.
    return [(0.0, points[0][1]), *points, (float(WIDTH), points[-1][1])] if points else []


def _faults_told(series: Series) -> str:
    if not series.faults:
        return ""
    return "Faults: " + "; ".join(f"{fault.name} struck {fault.total:,} times" for fault in series.faults) + "."
