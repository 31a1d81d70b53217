"""How long operations took: over time, one small picture a kind on a common scale, and as distributions. Pure."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from markupsafe import Markup

from nscr_cli.reporting.html import svg
from nscr_cli.reporting.html.axes import WIDTH, LogAxis, TimeAxis, logarithmic, milliseconds, runs
from nscr_cli.reporting.html.families import family_of
from nscr_cli.reporting.html.plots import Canvas, Plot, Points, Table
from nscr_cli.reporting.html.series import Series, latency_of, percentile
from nscr_cli.reporting.latency import OperationSummary

_HEIGHT = 96
_ROW = 46
_TALLEST = 30
_PER_DECADE = 16
_SHARES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def over_time(canvas: Canvas) -> list[Plot]:
    """For each kind of operation its median, 95th and 99th percentile in each step."""
    canvas = msgspec.structs.replace(canvas, height=_HEIGHT)
    measured = {}
    for kind in _often_first(canvas.series):
        percentiles = canvas.series.percentiles(kind, [share for _, share in _SHARES])
        if any(value is not None for value in percentiles[0]):
            measured[kind] = percentiles
    values = [value for lines in measured.values() for line in lines for value in line if value is not None]
    if not values:
        return []
    scale = logarithmic(min(values), max(values))
    return [_one_over_time(canvas, kind, lines, scale) for kind, lines in measured.items()]


def distribution(series: Series, summaries: Sequence[OperationSummary]) -> Plot | None:
    """For each kind of operation how its latencies are distributed, one row below the other; None where none was ok."""
    kinds = {kind: bins for kind in _often_first(series) if (bins := series.latencies(kind))}
    if not kinds:
        return None
    places = [place for bins in kinds.values() for place in bins]
    scale = logarithmic(latency_of(min(places)), latency_of(max(places)))
    height = _ROW * len(kinds)
    inside: list[Markup] = [
        svg.upright(round(tick.place * WIDTH, 1), height, kind="grid", label=tick.label) for tick in scale.ticks()
    ]
    beside: list[Markup] = []
    for row, (kind, bins) in enumerate(kinds.items()):
        ground = _ROW * (row + 1)
        inside += _ridge(bins, ground, scale, family_of(kind).style)
        beside.append(svg.text(kind, 0, ground - _ROW + 30, kind="row"))
    slowest = max(kinds, key=lambda kind: (percentile(kinds[kind], 0.99) or 0, kind))
    told = milliseconds(percentile(kinds[slowest], 0.99) or 0)
    return Plot(
        name="distribution",
        title="Latency, distributed",
        note="of what was ok, from its intended start to its end; the scale is logarithmic",
        legend=(("line p50", "median"), ("line p95", "95 % were faster"), ("line p99", "99 % were faster")),
        axis=Markup(),
        picture=svg.picture(
            "distribution",
            "Distribution of latencies by kind of operation, on a logarithmic scale",
            f"Slowest is {slowest}: 99 % took at most {told}.",
            height=height,
            inside=inside,
            beside=[*beside, *svg.below(scale.ticks(), height)],
        ),
        table=Table(
            ("operation", "ok", "p50", "p90", "p95", "p99", "p99.9", "slowest"),
            tuple(_row(summary) for summary in summaries if summary.latency is not None),
        ),
    )


def _often_first(series: Series) -> list[str]:
    """Kinds of operations, those that there is most to say of first."""
    return sorted(series.kinds, key=lambda kind: (-sum(series.latencies(kind).values()), kind))


def _one_over_time(canvas: Canvas, kind: str, lines: list[list[float | None]], scale: LogAxis) -> Plot:
    ticks = scale.ticks()
    drawn: list[Markup] = []
    for begin, upper in runs(lines[2]):
        lower = [value for value in lines[0][begin : begin + len(upper)] if value is not None]
        drawn.append(
            svg.area(_points(canvas, begin, upper, scale), _points(canvas, begin, lower, scale), kind="spread")
        )
    for (name, _), line in zip(_SHARES, lines, strict=True):
        drawn += [svg.line(_points(canvas, begin, run, scale), kind=f"line {name}") for begin, run in runs(line)]
    bins = canvas.series.latencies(kind)
    whole = [percentile(bins, share) or 0.0 for _, share in _SHARES]
    told = ", ".join(f"{name} {milliseconds(value)}" for (name, _), value in zip(_SHARES, whole, strict=True))
    return Plot(
        name=f"latency-{kind}",
        title=kind,
        note=told,
        legend=(),
        axis=svg.gutter(ticks, canvas.height),
        picture=svg.picture(
            f"latency-{kind}",
            f"Latency of {kind} over the time of the run",
            f"{sum(bins.values()):,} were ok; over the whole run {told}.",
            height=canvas.height,
            inside=[*canvas.behind(ticks), *drawn, *canvas.before()],
            beside=svg.below(canvas.axis.ticks(most=4), canvas.height),
        ),
        table=Table(
            ("from, s", *(name for name, _ in _SHARES)),
            canvas.rows([[milliseconds(value) if value is not None else "" for value in line] for line in lines]),
        ),
    )


def _points(canvas: Canvas, begin: int, values: Sequence[float], scale: LogAxis) -> Points:
    points = [
        (canvas.middle(begin + number), canvas.height * (1 - scale.share(value))) for number, value in enumerate(values)
    ]
    if len(points) == 1:  # a step alone is as wide as a step
        axis: TimeAxis = canvas.axis
        edges = axis.x(canvas.series.step_ns * begin), axis.x(canvas.series.step_ns * (begin + 1))
        return [(edge, points[0][1]) for edge in edges]
    return points


def _ridge(bins: dict[int, int], ground: int, scale: LogAxis, style: str) -> Iterator[Markup]:
    """How many there are at each latency, and where half, 95 % and 99 % of them end."""
    heights: Counter[int] = Counter()
    for place, count in bins.items():
        heights[math.floor(math.log10(max(latency_of(place), scale.least)) * _PER_DECADE)] += count
    tallest = max(heights.values())
    slots = range(min(heights), max(heights) + 1)
    outline: Points = []
    for slot in slots:
        top = ground - _TALLEST * heights[slot] / tallest
        left, right = (scale.share(10 ** (edge / _PER_DECADE)) * WIDTH for edge in (slot, slot + 1))
        outline += [(left, top), (right, top)]
    floor: Points = [(outline[0][0], ground), (outline[-1][0], ground)]
    yield svg.area(outline, floor, kind=f"layer {style}")
    yield Markup('<path class="ground" d="M0 {y}H{width}"/>').format(y=ground, width=WIDTH)
    for name, share in _SHARES:
        latency = percentile(bins, share) or scale.least
        x = round(scale.share(latency) * WIDTH, 1)
        yield Markup('<path class="line {name}" d="M{x} {top}V{ground}"><title>{told}</title></path>').format(
            name=name, x=x, top=ground - _TALLEST - 4, ground=ground, told=f"{name}: {milliseconds(latency)}"
        )


def _row(summary: OperationSummary) -> tuple[str, ...]:
    latency = summary.latency
    if latency is None:
        return ()
    return (
        f"{summary.f} {summary.style}".strip(),
        f"{summary.ok:,}",
        *(
            milliseconds(value)
            for value in (
                latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms, latency.p99_9_ms, latency.max_ms,
            )
        ),
    )  # fmt: skip
