"""A finding's operations as a picture: one lane a process, one bar an operation, in the order of events. Pure.

The axis has one step for each distinct stamp, as in reporting/timeline.py: it is only the order that proves anything.
Digests are told apart by letters, which a reader keeps in mind more easily than hexadecimal digits.
"""

from collections.abc import Sequence
from string import ascii_uppercase

import msgspec
from markupsafe import Markup

from nscr_cli.checkers.wording import outcome, short
from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.keys import digest_of, tag_of
from nscr_cli.history.ops import F, Kind
from nscr_cli.reporting.html.svg import text
from nscr_cli.ui import printable

_TOP = 6
_LABEL = 15
_BAR = 10
_ROW = 38
_LANE_HEAD = 20
_LANE_GAP = 8
_LONGEST_LABEL = 64
_MOST_DRAWN = 16


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as a row of the table below the picture."""

    index: int
    process: int
    asked: str
    begin_s: str
    end_s: str
    came_back: str
    faults: str


class Lanes(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a finding's operations.

    Attributes:
        letters: what each letter in the picture stands for.
        left_out: operations that are in the table only.
    """

    picture: Markup
    letters: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    left_out: int


def lanes(name: str, operations: Sequence[Operation], *, below: str) -> Lanes:
    """The picture of a finding, and its table; keys are cut to what is `below` this prefix."""
    letters = _letters(operations)
    drawn = operations[:_MOST_DRAWN]
    return Lanes(
        picture=_picture(name, drawn, letters),
        letters=tuple((letter, digest) for digest, letter in letters.items()),
        steps=tuple(_step(one, below) for one in operations),
        left_out=len(operations) - len(drawn),
    )


def _picture(name: str, operations: Sequence[Operation], letters: dict[str, str]) -> Markup:
    stamps = sorted({stamp for one in operations for stamp in (one.start_ns, one.end_ns) if stamp != NEVER})
    places = {stamp: (number + 0.5) / len(stamps) for number, stamp in enumerate(stamps)}
    by_process: dict[int, list[Operation]] = {}
    for one in operations:
        by_process.setdefault(one.process, []).append(one)
    parts: list[Markup] = []
    guides = [
        Markup('<line class="guide" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="100%"/>').format(x=place * 100)
        for place in places.values()
    ]
    y = float(_TOP)
    grounds: list[Markup] = []
    for process, own in by_process.items():
        height = _LANE_HEAD + _ROW * len(own)
        grounds.append(
            Markup('<rect class="lane" x="0" y="{y}" width="100%" height="{height}" rx="4"/>').format(
                y=y, height=height
            )
        )
        parts.append(_text(f"process {process}", y + 14, "process"))
        for row, one in enumerate(own):
            parts += _bar(one, y + _LANE_HEAD + _ROW * row, places, letters)
        y += height + _LANE_GAP
    told = "; ".join(f"#{one.index} by process {one.process}: {_label(one, letters)}" for one in operations)
    return Markup(
        '<svg class="lanes" role="img" aria-labelledby="{name}-t" aria-describedby="{name}-d" width="100%" '
        'height="{height}">'
        '<title id="{name}-t">The operations that prove it, by process, in the order of events</title>'
        '<desc id="{name}-d">{told}</desc>{parts}</svg>'
    ).format(name=name, height=round(y), told=told, parts=Markup().join([*grounds, *guides, *parts]))


def _bar(one: Operation, y: float, places: dict[int, float], letters: dict[str, str]) -> list[Markup]:
    begin = places[one.start_ns]
    is_endless = one.end_ns == NEVER
    end = 1.0 if is_endless else places[one.end_ns]
    kind = one.kind.value
    parts = [_text(f"#{one.index} {_label(one, letters)}", y + _LABEL - 3, "operation")]
    parts.append(
        Markup(
            '<rect class="bar {kind}" x="{x:.2f}%" y="{y}" width="{width:.2f}%" height="{height}" rx="3">'
            "<title>{title}</title></rect>"
        ).format(
            kind=kind,
            x=begin * 100,
            y=y + _LABEL + 2,
            width=max(0.8, (end - begin) * 100),
            height=_BAR,
            title=f"{one.start_ns / 1e9:.6f} s to {'?' if is_endless else f'{one.end_ns / 1e9:.6f} s'}",
        )
    )
    return parts


def _label(one: Operation, letters: dict[str, str]) -> str:
    """What was asked, and what came back, short."""
    asked = [one.f.value]
    tag = tag_of(one.key)
    if tag is not None:
        asked.append(printable(tag, limit=24))
    digest = digest_of(one.key) or one.asked.digest
    if digest is not None:
        asked.append(letters.get(digest, short(digest)))
    if one.asked.range is not None:
        asked.append(f"[{one.asked.range[0]}–{one.asked.range[1]}]")
    return printable(f"{' '.join(asked)} → {_returned(one, letters)}", limit=_LONGEST_LABEL)


def _returned(one: Operation, letters: dict[str, str]) -> str:
    """What came back, in as few words as tell it; all of it stands in the table."""
    answered = one.answered
    parts = [str(answered.status) if answered.status is not None else "no answer"]
    digest = answered.digest or answered.header_digest
    if answered.present is False:
        parts.append("not there")
    elif one.kind is Kind.OK and digest is not None:
        parts.append(letters.get(digest, short(digest)))
    if answered.length is not None and one.f is F.GET_BLOB and answered.present:
        parts.append(f"{answered.length:,} bytes")
    if answered.error_code is not None:
        parts.append(answered.error_code)
    if one.kind is Kind.INFO:
        parts.append("nobody knows")
    return " ".join(parts)


def _letters(operations: Sequence[Operation]) -> dict[str, str]:
    """A letter for each digest, in order of appearance."""
    digests: dict[str, None] = {}
    for one in operations:
        named = (digest_of(one.key), one.asked.digest, one.answered.digest, one.answered.header_digest)
        digests |= dict.fromkeys(digest for digest in named if digest)
    return dict(zip(digests, ascii_uppercase, strict=False))


def _step(one: Operation, below: str) -> Step:
    wrote = f" of {short(one.asked.digest)}" if one.asked.digest and "@" not in one.key else ""
    return Step(
        index=one.index,
        process=one.process,
        asked=printable(f"{one.f.value} {one.key.removeprefix(below)}{wrote}", limit=600),
        begin_s=f"{one.start_ns / 1e9:.6f}",
        end_s="nobody knows" if one.end_ns == NEVER else f"{one.end_ns / 1e9:.6f}",
        came_back=printable(outcome(one), limit=600),
        faults=", ".join(one.faults),
    )


def _text(label: str, y: float, kind: str) -> Markup:
    return text(label, 0.01, y, kind=kind)
