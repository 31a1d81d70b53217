"""index.html of a reports folder: every run, with what became of each scenario over time. Pure but for its file.

It looks as report.html does and needs no script. Trends are drawn of runs under the load of the newest only: others
would show a change that nobody made. Runs are all that a registry or a user named: text, never marks.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
from markupsafe import Markup

from nscr_cli.reporting.html.axes import amount, milliseconds
from nscr_cli.reporting.html.environment import template
from nscr_cli.reporting.shelf import PAGE_NAME, Shelf, Shelved
from nscr_cli.reporting.whole_files import whole_file
from nscr_cli.ui import printable

INDEX_PAGE_NAME = "index.html"
_STRIP = 120
_ROWS = 50
_HEIGHT = 40
_TONES = {"VALID": "valid", "UNKNOWN": "unknown", "INVALID": "invalid"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the table of its scenario."""

    started: str
    verdict: str
    tone: str
    link: str | None
    seed: str
    target: str
    found: str
    rate: str
    p99: str
    note: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario."""

    number: int
    scenario: str
    counts: str
    tone: str
    strip: Markup
    trends: tuple[tuple[str, str, Markup], ...]
    trend_note: str
    rows: tuple[Row, ...]
    left: int


def write_index_page(reports: Path, shelf: Shelf) -> Path:
    """Write index.html; where it is.

    Raises:
        ReportsUnwritable: see `whole_file`.
    """
    path = reports / INDEX_PAGE_NAME
    with whole_file(path) as file:
        file.write(index_page(shelf))
    return path


def index_page(shelf: Shelf) -> str:
    """The whole page."""
    scenarios: dict[str, list[Shelved]] = {}
    for run in shelf.runs:
        scenarios.setdefault(run.scenario, []).append(run)
    newest_first = sorted(scenarios.items(), key=lambda item: item[1][-1].started_utc, reverse=True)
    sections = [_section(number, name, runs) for number, (name, runs) in enumerate(newest_first, start=1)]
    last = [runs[-1] for runs in scenarios.values()]
    worst = next((one for one in ("INVALID", "UNKNOWN") if any(run.verdict == one for run in last)), "VALID")
    return template("index.html.jinja").render(
        sections=sections,
        runs=len(shelf.runs),
        gone=sum(run.folder is None for run in shelf.runs),
        unlisted=sum(not run.is_listed for run in shelf.runs),
        unreadable=shelf.unreadable,
        tone=_TONES[worst] if last else "unknown",
        sentence=_sentence(last),
    )


def _sentence(last: Sequence[Shelved]) -> str:
    broken = sorted(run.scenario for run in last if run.verdict == "INVALID")
    undecided = sum(run.verdict not in ("VALID", "INVALID") for run in last)
    if not last:
        return "There are no runs here yet."
    if broken:
        named = ", ".join(printable(name, limit=60) for name in broken[:5])
        return f"The last run of {len(broken)} of {len(last)} scenarios was INVALID: {named}."
    if undecided:
        return f"The last run of {undecided} of {len(last)} scenarios could not be decided; no other was INVALID."
    return f"The last run of each of {len(last)} scenarios was VALID."


def _section(number: int, scenario: str, runs: Sequence[Shelved]) -> Section:
    verdicts = [run.verdict for run in runs]
    order = dict.fromkeys(("INVALID", "UNKNOWN", "VALID", *verdicts))
    counted = [f"{verdicts.count(one):,} {printable(one, limit=40)}" for one in order if one in verdicts]
    alike = [run for run in runs if _load(run) == _load(runs[-1])][-_STRIP:]
    name = printable(scenario, limit=100)
    trends = []
    for title, values, shown in (
        ("operations a second", [run.rate for run in alike], amount),
        ("99 % within", [run.p99_ms for run in alike], milliseconds),
    ):
        known = [value for value in values if value is not None]
        if len(known) > 1:
            first, last, least, most = map(shown, (known[0], known[-1], min(known), max(known)))
            text = f"{title}: from {first} to {last}, least {least}, most {most}"
            trends.append((title, shown(known[-1]), _sparkline(values, f"{name}, {text}")))
    return Section(
        number=number,
        scenario=name,
        counts=" · ".join(counted),
        tone=_TONES.get(runs[-1].verdict, "unknown"),
        strip=_strip(runs[-_STRIP:], name),
        trends=tuple(trends),
        trend_note=f"{len(alike)} runs under the load of the newest" if trends else "",
        rows=tuple(_row(run) for run in reversed(runs[-_ROWS:])),
        left=max(0, len(runs) - _ROWS),
    )


def _load(run: Shelved) -> tuple[str, str, str]:
    return run.workers, run.registry_url, run.sabotages


def _row(run: Shelved) -> Row:
    notes = [
        note
        for note, applies in (
            ("partial", run.is_partial),
            ("folder deleted", run.folder is None),
            ("not in the index", not run.is_listed),
            (f"{run.leftovers:,} keys left in the registry", run.leftovers > 0),
        )
        if applies
    ]
    target = run.registry_url or "reference registry"
    if run.sabotages:
        target += f", sabotaged: {run.sabotages}"
    return Row(
        started=printable(run.started_utc, limit=40),
        verdict=printable(run.verdict, limit=40),
        tone=_TONES.get(run.verdict, "unknown"),
        link=f"{quote(run.folder)}/{PAGE_NAME}" if run.folder is not None and run.has_page else None,
        seed=printable(run.seed, limit=40),
        target=printable(target, limit=120),
        found=printable(f"{run.findings:,} {run.rules}", limit=200) if run.findings else "–",
        rate=amount(run.rate) if run.rate is not None else "–",
        p99=milliseconds(run.p99_ms) if run.p99_ms is not None else "–",
        note=", ".join(notes),
    )


def _strip(runs: Sequence[Shelved], name: str) -> Markup:
    """A cell a run, oldest first; the verdict is its colour, its height and its title."""
    cells = [
        Markup('<rect class="cell {tone}" x="{x}" y="{y}" width="8" height="{h}"><title>{title}</title></rect>').format(
            tone=_TONES.get(run.verdict, "unknown"),
            x=10 * place,
            y={"VALID": 12, "INVALID": 0}.get(run.verdict, 6),
            h={"VALID": 10, "INVALID": 22}.get(run.verdict, 16),
            title=printable(f"{run.started_utc}: {run.verdict}", limit=80),
        )
        for place, run in enumerate(runs)
    ]
    label = f"{name}: verdicts of the last {len(runs)} runs, oldest first"
    return Markup('<svg class="strip" role="img" aria-label="{label}" width="{w}" height="22">{cells}</svg>').format(
        label=label, w=10 * len(runs), cells=Markup().join(cells)
    )


def _sparkline(values: Sequence[float | None], label: str) -> Markup:
    known = [value for value in values if value is not None]
    most = max(known) or 1.0
    step = 240 / max(1, len(values) - 1)
    points = [
        (round(place * step, 1), round(_HEIGHT - 2 - (_HEIGHT - 4) * value / most, 1))
        for place, value in enumerate(values)
        if value is not None
    ]
    drawn = " ".join(f"{x},{y}" for x, y in points)
    return Markup(
        '<svg class="spark" role="img" aria-label="{label}" width="244" height="{h}" viewBox="-2 0 244 {h}">'
        '<path class="ground" d="M0 {h}H240"/><polyline class="line f1" points="{drawn}"/>'
        '<circle class="bar" cx="{x}" cy="{y}" r="2.5"/></svg>'
    ).format(label=label, h=_HEIGHT, drawn=drawn, x=points[-1][0], y=points[-1][1])
