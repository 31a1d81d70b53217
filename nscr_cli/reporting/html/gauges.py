"""What the monitoring API told of a registry over the time of a run, as steps. Pure."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from nscr_cli.reporting.html import svg
from nscr_cli.reporting.html.axes import WIDTH, linear
from nscr_cli.reporting.html.plots import Canvas, Plot, Points, Share, Table
from nscr_cli.reporting.html.series import Gauge


def gauge(
    canvas: Canvas, name: str, title: str, note: str, figures: Sequence[tuple[str, str, str]], *, is_bytes: bool = False
) -> Plot | None:
    """Figures of the monitoring API as steps, each within the band of what it was; None where none was told.

    Args:
        figures: style, name in the series, and name for readers.
    """
    told = [one for one in figures if canvas.series.gauges.get(one[1])]
    if not told:
        return None
    most = max(gauge.most for _, figure, _ in told for gauge in canvas.series.gauges[figure].values())
    scale = linear(most, is_bytes=is_bytes, is_whole=not is_bytes)
    ticks = scale.ticks()
    drawn: list[Markup] = []
    columns: list[list[str]] = []
    ends: list[str] = []
    steps = range(canvas.series.steps)
    for style, figure, words in told:
        gauges = canvas.series.gauges[figure]
        drawn += _stairs(canvas, gauges, scale.share, style)
        columns.append([scale.label(gauges[step].last) if step in gauges else "" for step in steps])
        most_ever = scale.label(max(one.most for one in gauges.values()))
        ends.append(f"{words}: at most {most_ever}, at last {scale.label(gauges[max(gauges)].last)}")
    return Plot(
        name=name,
        title=title,
        note=note,
        legend=tuple((f"line {style}", words) for style, _, words in told) if len(told) > 1 else (),
        axis=svg.gutter(ticks, canvas.height),
        picture=svg.picture(
            name,
            f"{title} over the time of the run",
            "; ".join(ends) + ".",
            height=canvas.height,
            inside=[*canvas.behind(ticks), *drawn, *canvas.before()],
            beside=canvas.beside(),
        ),
        table=Table(("from, s", *(words for _, _, words in told)), canvas.rows(columns)),
    )


def _stairs(canvas: Canvas, gauges: dict[int, Gauge], share: Share, style: str) -> Iterator[Markup]:
    steps = sorted(gauges)
    height, end = canvas.height, float(WIDTH)
    upper: Points = []
    lower: Points = []
    last: Points = []
    for number, step in enumerate(steps):
        begin = canvas.axis.x(step * canvas.series.step_ns)
        until = canvas.axis.x(steps[number + 1] * canvas.series.step_ns) if number + 1 < len(steps) else end
        one = gauges[step]
        for points, value in ((upper, one.most), (lower, one.least), (last, one.last)):
            y = height * (1 - share(value))
            points += [(begin, y), (until, y)]
    yield svg.area(upper, lower, kind=f"span {style}")
    yield svg.line(last, kind=f"line {style}")
