"""Pieces of SVG. Pure.

A plot is stretched to the width of the page, its strokes and texts are not: lines and areas lie in an inner picture
without aspect ratio, texts beside it at percentages. So letters are as large on a phone as on a desk. All text goes
through `escape`; colours, fonts and dashes are classes of report.css.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from nscr_cli.reporting.html.axes import WIDTH, Tick

GUTTER = 52
_BELOW = 22
ABOVE = 16


def picture(
    name: str, title: str, description: str, *, height: int, inside: Iterable[Markup], beside: Iterable[Markup] = ()
) -> Markup:
    """A picture with an accessible name: `inside` is stretched, `beside` is not."""
    total = ABOVE + height + _BELOW
    return Markup(
        '<svg class="plot" role="img" aria-labelledby="{name}-t" aria-describedby="{name}-d" width="100%" '
        'height="{total}">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{description}</desc>'
        '<svg y="{above}" width="100%" height="{height}" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        "{inside}</svg>{beside}</svg>"
    ).format(
        name=name,
        title=title,
        description=description,
        total=total,
        above=ABOVE,
        height=height,
        width=WIDTH,
        inside=Markup().join(inside),
        beside=Markup().join(beside),
    )


def gutter(ticks: Sequence[Tick], height: int) -> Markup:
    """The labels left of a plot, each at the height of its line."""
    labels = [
        Markup('<text x="{x}" y="{y:.1f}" text-anchor="end">{label}</text>').format(
            x=GUTTER - 8, y=ABOVE + height * (1 - tick.place) + 4, label=tick.label
        )
        for tick in ticks
    ]
    return Markup('<svg class="gutter" aria-hidden="true" width="{width}" height="{height}">{labels}</svg>').format(
        width=GUTTER, height=ABOVE + height + _BELOW, labels=Markup().join(labels)
    )


def below(ticks: Sequence[Tick], height: int) -> Iterable[Markup]:
    """The labels of the axis below a plot."""
    for tick in ticks:
        anchor = "start" if tick.place < 0.02 else "end" if tick.place > 0.98 else "middle"
        yield text(tick.label, tick.place, ABOVE + height + 16, anchor=anchor, kind="tick")


def text(label: str, place: float, y: float, *, anchor: str = "start", kind: str = "note") -> Markup:
    """A text whose letters keep their size; `place` from 0 to 1 across."""
    return Markup('<text class="{kind}" x="{x:.2f}%" y="{y:.1f}" text-anchor="{anchor}">{label}</text>').format(
        kind=kind, x=place * 100, y=y, anchor=anchor, label=label
    )


def pin(place: float, y: float, label: str, *, kind: str) -> Markup:
    """A small triangle that points down at an instant, with a name to hover over."""
    return Markup(
        '<svg class="loose" x="{x:.2f}%" y="{y}"><path class="{kind}" d="M-5 0h10l-5 8z"><title>{label}</title>'
        "</path></svg>"
    ).format(x=place * 100, y=y, kind=kind, label=label)


def grid(ticks: Sequence[Tick], height: int) -> Iterable[Markup]:
    """Level lines, and the ground."""
    for tick in ticks:
        y = round(height * (1 - tick.place), 1)
        yield Markup('<path class="grid" d="M0 {y}H{width}"/>').format(y=y, width=WIDTH)
    yield Markup('<path class="ground" d="M0 {y}H{width}"/>').format(y=height, width=WIDTH)


def band(begin: float, end: float, height: int, *, kind: str, label: str) -> Markup:
    """A shaded time, at least as wide as can be seen."""
    return Markup('<rect class="{kind}" x="{x}" y="0" width="{w}" height="{h}"><title>{label}</title></rect>').format(
        kind=kind, x=round(begin, 1), w=round(max(3.0, end - begin), 1), h=height, label=label
    )


def strike(begin: float, end: float, y: float, height: float, *, share: float, label: str) -> Markup:
    """A step of a lane, the darker the larger its share."""
    return Markup(
        '<rect class="strike" x="{x}" y="{y}" width="{w}" height="{h}" opacity="{share:.2f}">'
        "<title>{label}</title></rect>"
    ).format(x=begin, y=y, w=round(max(2.0, end - begin), 1), h=height, share=0.35 + 0.65 * share, label=label)


def upright(x: float, height: int, *, kind: str, label: str) -> Markup:
    """A line through the whole height at one instant."""
    return Markup('<path class="{kind}" d="M{x} 0V{h}"><title>{label}</title></path>').format(
        kind=kind, x=x, h=height, label=label
    )


def line(points: Iterable[tuple[float, float]], *, kind: str) -> Markup:
    """A line through points in units of the plot."""
    drawn = _joined(points)
    return Markup('<path class="{kind}" d="M{drawn}"/>').format(kind=kind, drawn=drawn) if drawn else Markup()


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], *, kind: str) -> Markup:
    """What lies between two lines that run from left to right."""
    if not upper:
        return Markup()
    drawn = f"{_joined(upper)}L{_joined(reversed(lower))}"
    return Markup('<path class="{kind}" d="M{drawn}Z"/>').format(kind=kind, drawn=drawn)


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}".replace(".0", "") for x, y in points)


def escaped(value: object) -> Markup:
    """Text that came from elsewhere."""
    return escape(value)
