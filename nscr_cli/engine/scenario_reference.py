"""The reference of the scenarios as Markdown: made of the scenario files, the workloads and the schema of a file.

`nscr scenarios reference` prints it; docs/scenarios.md is that text. The floors are what the checkers themselves say
when they are shown a history in which nothing happened.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from random import Random

from nscr_cli.checkers.verdict import check_all
from nscr_cli.engine.judging import checkers_of
from nscr_cli.engine.plan import Flags, make_plan
from nscr_cli.engine.scenario_keys import Key, as_toml, keys_of, summary_of, tables_of
from nscr_cli.history.faults import TOXICS, Fault
from nscr_cli.history.history import History
from nscr_cli.history.plan import Scenario
from nscr_cli.reporting.known_bugs import Catalogue, Hunt
from nscr_cli.workloads.catalogue import WORKLOADS

_FLOOR = "floor of "
_TOLD_ELSEWHERE = frozenset({"title", "description", "catalogue", "workload", "weights", "evidence", "faults"})
_INTRODUCTION = """\
# The scenarios

Made by `nscr scenarios reference > docs/scenarios.md` from `scenarios/*.toml`, the workloads and the schema of a
scenario file; edit those, and make it anew when you add one.

What each checker judges, and what its floors count, stands in [checkers.md](checkers.md); the bugs, and the catalogue
of scenarios S01 to S24 that would catch them, in [bugs.toml](bugs.toml).
"""
_KEYS = """
## Keys of a scenario file

TOML, checked strictly: an unknown key, a value of another type or one that makes no sense is refused with its path and
with what was probably meant. `nscr scenarios new FILE` writes one to start from, `validate FILE` checks it,
`simulate FILE` shows what its clients would ask.
"""
_TOXICS = """
### `toxics` of a fault

Tables with a `kind`, and these keys; [architecture.md](architecture.md) says how faults strike.
"""


def render_scenarios(scenarios: Mapping[str, Scenario], catalogue: Catalogue) -> str:
    """The whole text.

    Args:
        scenarios: by name, in the order in which they are told.
    """
    hunts = {hunt.id: hunt for hunt in catalogue.scenario}
    lines = [
        _INTRODUCTION,
        *_table(("scenario", "catalogue", "in a line"), _index(scenarios)),
        *(line for name, scenario in scenarios.items() for line in _scenario(name, scenario, hunts)),
        "\n## The catalogue\n",
        *_table(("id", "name", "what is done", "carried out, in whole or in part, by"), _carried_out(scenarios, hunts)),
        _KEYS,
        *_keys(keys_of(Scenario)),
        *(line for name, table in tables_of(Scenario) for line in (f"\n### `{name}`\n", *_keys(keys_of(table)))),
        _TOXICS,
        *_table(("kind", "does", "keys"), _toxics()),
        "",
    ]
    return "\n".join(lines)


def _index(scenarios: Mapping[str, Scenario]) -> Iterator[tuple[str, ...]]:
    for name, scenario in scenarios.items():
        yield f"[{name}](#{name})", ", ".join(scenario.catalogue), scenario.title


def _scenario(name: str, scenario: Scenario, hunts: Mapping[str, Hunt]) -> Iterator[str]:
    yield f"\n## {name}\n"
    yield f"{scenario.title}.\n"
    yield scenario.description.strip()
    for one in scenario.catalogue:
        yield f"\nOf the catalogue {one}, `{hunts[one].name}`: {', '.join(hunts[one].catches)}."
    workload = WORKLOADS[scenario.workload]
    errands = sorted(scenario.weights.items(), key=lambda errand: -errand[1])
    yield f"\nErrands, of the workload `{scenario.workload}`:\n"
    yield from _table(
        ("weight", "errand", "does"),
        ((str(weight), f"`{errand}`", workload.actions[errand].summary) for errand, weight in errands if weight),
    )
    yield "\nJudged, and the least that must have been judged:\n"
    yield from _table(("checker", "floors"), _floors(name, scenario))
    if scenario.faults:
        yield "\nFaults:\n"
        yield from _table(("fault", "strikes", "with"), map(_fault, scenario.faults))
    yield f"\n{_values(scenario)}"


def _values(scenario: Scenario) -> str:
    """Every value, defaults filled in, but for what is told elsewhere."""
    values = {key.name: getattr(scenario, key.name) for key in keys_of(Scenario) if key.name not in _TOLD_ELSEWHERE}
    told = (f"`{name} = {as_toml(value)}`" for name, value in values.items() if value is not None)
    return f"Keys: {', '.join(told)}."


def _floors(name: str, scenario: Scenario) -> Iterator[tuple[str, ...]]:
    plan = make_plan(name, scenario, Flags(seed=0), started=datetime(1970, 1, 1, tzinfo=UTC), chance=Random(0))
    for result in check_all(checkers_of(scenario), plan, History([])):
        floors = [
            f"`{evidence.removeprefix(_FLOOR)}` {least}"
            for evidence, least in result.evidence.items()
            if evidence.startswith(_FLOOR)
        ]
        yield f"[{result.checker}](checkers.md#{result.checker})", ", ".join(floors)


def _fault(fault: Fault) -> tuple[str, ...]:
    aimed = f"those that are number {fault.ordinal} in a row of " if fault.ordinal else ""
    often = f"number {', '.join(map(str, fault.nth))}" if fault.nth else f"a share of {fault.share:g}"
    steps = ", ".join(f"`{step}`" for step in fault.steps)
    toxics = "; ".join(f"`{as_toml(toxic)}`" for toxic in fault.toxics)
    return fault.name, f"{often} of {aimed}{steps}", toxics


def _carried_out(scenarios: Mapping[str, Scenario], hunts: Mapping[str, Hunt]) -> Iterator[tuple[str, ...]]:
    for hunt in hunts.values():
        names = [f"[{name}](#{name})" for name, scenario in scenarios.items() if hunt.id in scenario.catalogue]
        yield hunt.id, hunt.name, hunt.operations, ", ".join(names)


def _keys(keys: Iterable[Key]) -> Iterator[str]:
    defaults = {None: "required", "": ""}
    yield from _table(
        ("key", "type", "default", "meaning"),
        (
            (f"`{key.name}`", key.kind, defaults.get(key.default, f"`{key.default}`"), _sentence(key.meaning))
            for key in keys
        ),
    )


def _toxics() -> Iterator[tuple[str, ...]]:
    for kind, toxic in TOXICS.items():
        yield f"`{kind}`", summary_of(toxic), "; ".join(map(_inline, keys_of(toxic)))


def _inline(key: Key) -> str:
    default = f", by default `{key.default}`" if key.default else ""
    meaning = f": {key.meaning.rstrip('.')}" if key.meaning else ""
    return f"`{key.name}` ({key.kind}{default}){meaning}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
