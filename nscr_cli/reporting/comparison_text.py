"""A comparison as people read it on a terminal or in a pull request (Markdown), and as JSON. Pure."""

import json
from collections.abc import Iterator, Sequence

import msgspec
from tabulate import tabulate

from nscr_cli.durations import three_digits
from nscr_cli.reporting.comparison import Change, Comparison, Difference
from nscr_cli.reporting.markdown import code, table
from nscr_cli.reporting.measures import ALL
from nscr_cli.reporting.run_report import REPORT_FORMAT
from nscr_cli.ui import printable

_SPEED_COLUMNS = ("speed of", "", "new", "old", "ratio", "between", "")
_VERDICT_COLUMNS = ("checker", "new", "old")
_BROKEN_COLUMNS = ("promise", "", "new", "old")
_MIX_COLUMNS = ("operation", "new", "old")
_LONGEST = 400


def plain_comparison(comparison: Comparison) -> str:
    """As text for a terminal or a log."""
    blocks = [f"{headline(comparison)}\nnew: {_folders(comparison.new)}\nold: {_folders(comparison.old)}"]
    blocks += ["\n  ".join([title, *lines]) for title, lines in _said(comparison)]
    for headers, rows in _tables(comparison):
        blocks.append(tabulate(rows, headers=headers, disable_numparse=True))
    return "\n\n".join(blocks) + "\n"


def markdown_comparison(comparison: Comparison) -> str:
    """As Markdown; names of folders and what a run said stand as code."""
    parts = [f"## nscr: {headline(comparison)}"]
    parts.append(f"- new: {_codes(comparison.new)}\n- old: {_codes(comparison.old)}")
    for title, lines in _said(comparison):
        parts.append(f"### {title[0].upper()}{title[1:]}\n\n" + "\n".join(f"- {code(line)}" for line in lines))
    parts += [table(headers, rows) for headers, rows in _tables(comparison)]
    return "\n\n".join(parts) + "\n"


def comparison_document(comparison: Comparison) -> str:
    """As JSON in ASCII."""
    facts = {
        "format": REPORT_FORMAT,
        "exit_code": int(comparison.exit_code),
        "speed": comparison.speed,
        "new": {"runs": comparison.new, "verdict": comparison.verdict_new},
        "old": {"runs": comparison.old, "verdict": comparison.verdict_old},
        "checkers": [{"checker": name, "new": new, "old": old} for name, new, old in comparison.verdicts],
        "broken": [
            {**msgspec.structs.asdict(one.promise), "became": one.became, "new": one.new, "old": one.old}
            for one in comparison.broken
        ],
        "speeds": comparison.speeds,
        "mix": [{"operation": name, "new": new, "old": old} for name, new, old in comparison.mix],
        "cannot_tell_because": comparison.unsure,
        "notes": comparison.notes,
    }
    return json.dumps(msgspec.to_builtins(facts), indent=2, ensure_ascii=True) + "\n"


def headline(comparison: Comparison) -> str:
    """The comparison in a sentence: promises first, then speed."""
    came = [one for one in comparison.broken if one.became == "new"]
    gone = [one for one in comparison.broken if one.became == "gone"]
    still = len(comparison.broken) - len(came) - len(gone)
    said = []
    if came:
        said.append(f"{len(came)} newly broken: {', '.join(str(one.promise) for one in came)}")
    if gone:
        said.append(f"{len(gone)} broken no more")
    if still:
        said.append(f"{still} still broken")
    if not comparison.broken:
        same = comparison.verdict_new == comparison.verdict_old
        said.append(
            f"{comparison.verdict_new} as before" if same else f"{comparison.verdict_new}, was {comparison.verdict_old}"
        )
    return f"{'; '.join(said)}; {_speed(comparison)}"


def _speed(comparison: Comparison) -> str:
    told = [one for one in comparison.speeds if one.change is comparison.speed]
    first = told[0] if told else None
    match comparison.speed:
        case Change.SLOWER | Change.FASTER if first is not None:
            return f"{comparison.speed}: {_named(first)} {_ratio(first)}"
        case Change.WITHIN_NOISE if first is not None:
            return f"no slower, as far as noise lets see: {_named(first)} {_ratio(first)}"
    return "of speed nobody can tell"


def _named(one: Difference) -> str:
    if one.what == ALL:
        return f"{one.quantile} of all operations"
    return "the rate" if not one.quantile else f"{one.quantile} of {one.what}"


def _ratio(one: Difference) -> str:
    return f"{one.ratio:.2f} x ({one.low:.2f} to {one.high:.2f})"


def _said(comparison: Comparison) -> Iterator[tuple[str, list[str]]]:
    for title, lines in (("nobody can tell, because", comparison.unsure), ("notes", comparison.notes)):
        if lines:
            yield title, [printable(line, limit=_LONGEST) for line in lines]


def _tables(comparison: Comparison) -> Iterator[tuple[tuple[str, ...], Sequence[tuple[str, ...]]]]:
    if comparison.broken:
        rows = [(str(one.promise), one.became, _runs(one.new, comparison.new), _runs(one.old, comparison.old))
                for one in comparison.broken]  # fmt: skip
        yield _BROKEN_COLUMNS, rows
    changed = [(name, new or "–", old or "–") for name, new, old in comparison.verdicts if new != old]
    if changed:
        yield _VERDICT_COLUMNS, changed
    if comparison.speeds:
        yield _SPEED_COLUMNS, [_row(one) for one in comparison.speeds]
    mixed = [(name, f"{new:.1%}", f"{old:.1%}") for name, new, old in comparison.mix if abs(new - old) >= 0.01]
    if mixed:
        yield _MIX_COLUMNS, mixed


def _row(one: Difference) -> tuple[str, ...]:
    unit = " ms" if one.quantile else "/s"
    shown = [f"{three_digits(value)}{unit}" if value is not None else "" for value in (one.new, one.old)]
    between = f"{one.low:.2f} to {one.high:.2f}"
    return one.what, one.quantile, *shown, f"{one.ratio:.2f} x", between, one.change.value


def _runs(count: int, of: tuple[str, ...]) -> str:
    return f"{count} of {len(of)}"


def _folders(folders: tuple[str, ...]) -> str:
    return ", ".join(printable(folder, limit=_LONGEST) for folder in folders)


def _codes(folders: tuple[str, ...]) -> str:
    return ", ".join(code(folder) for folder in folders)
