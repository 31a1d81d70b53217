"""Scenario files: strict TOML in, a Scenario out; every error names the place and what was probably meant.

A name is looked up among the shipped scenarios; what ends in .toml or holds a slash is a path of the user's own.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

import nscr_cli
from nscr_cli.checkers.eventual import bound_ns
from nscr_cli.engine.judging import checkers_of
from nscr_cli.errors import ScenarioError
from nscr_cli.history.faults import TOXICS, Fault, Step, wrong_values
from nscr_cli.history.plan import RetryAfter, Scenario
from nscr_cli.reporting.thresholds import BYSTANDER, PERCENTILES, SUBJECTS, factor, limit_ms
from nscr_cli.workloads.catalogue import WORKLOADS

MOST_WORKERS = 10_000

_PACKAGE = Path(nscr_cli.__file__).parent
_TAG_MODELS = ("linearizable", "read-your-writes")
_HUNT = re.compile(r"S\d\d", re.ASCII)
_TAG_MODELS_SHOWN = f"{', '.join(_TAG_MODELS)}, or eventual(T) with T such as 5s"


def scenario_folder() -> Path:
    """Where the shipped scenarios lie: inside the wheel, or beside the package in a work tree."""
    inside = _PACKAGE / "scenarios"
    return inside if inside.is_dir() else _PACKAGE.parent / "scenarios"


def scenario_names() -> list[str]:
    """The names of the shipped scenarios."""
    return sorted(path.stem for path in scenario_folder().rglob("*.toml"))


def is_shipped(name: str, scenario: Scenario) -> bool:
    """Whether this name is enough to have this very scenario again, wherever this nscr is."""
    return name in scenario_names() and load_scenario(name) == scenario


def load_scenario(name_or_path: str) -> Scenario:
    """The scenario of this name or in this file.

    Raises:
        ScenarioError: no such scenario, not TOML, or it does not hold together.
    """
    path = _path_of(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScenarioError(f"cannot read {path}: {reason}", hint="name a scenario or a readable TOML file") from error
    return parse_scenario(text, str(path))


def parse_scenario(text: str, source: str) -> Scenario:
    """The scenario that a TOML text describes; `source` names it in errors.

    Raises:
        ScenarioError: not TOML, or it does not hold together.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{source}: not TOML: {error}", hint="see https://toml.io for the syntax") from error
    _check_names(document, Scenario.__struct_fields__, source, "")
    _check_fault_names(document.get("faults"), source)
    _check_retry_after(document.get("retry_after"), source)
    _check_threshold_names(document.get("thresholds"), source)
    try:
        scenario = msgspec.convert(document, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{source}: {error}", hint="`$` in the path is the file itself") from error
    _check_workload(scenario, source)
    _check_values(scenario, source)
    _check_faults(scenario, source)
    _check_thresholds(scenario, source)
    return scenario


def _path_of(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path)
    for path in scenario_folder().rglob("*.toml"):
        if path.stem == name_or_path:
            return path
    try:
        is_file = Path(name_or_path).is_file()
    except OSError:  # longer than any name
        is_file = False
    hint = f"to run the file of that name, write ./{name_or_path}" if is_file else None
    raise ScenarioError(
        f"no scenario {name_or_path!r}", hint=hint or _nearest(name_or_path, scenario_names(), "scenarios")
    )


def _check_workload(scenario: Scenario, source: str) -> None:
    if scenario.workload not in WORKLOADS:
        _refuse(source, "workload", scenario.workload, _nearest(scenario.workload, WORKLOADS, "workloads"))
    workload = WORKLOADS[scenario.workload]
    _check_names(scenario.weights, workload.actions, source, "weights.")
    checkers = [checker.name for checker in checkers_of(scenario)]
    for floor in scenario.evidence:
        checker, dot, name = floor.partition(".")
        if checker not in checkers or not dot or not name:
            _refuse(source, "evidence", floor, f'write "<checker>.<name>"; {_nearest(checker, checkers, "checkers")}')


def _check_values(scenario: Scenario, source: str) -> None:
    smallest, largest = scenario.blob_sizes
    for path, value, holds, promise in (
        ("workers", scenario.workers, 1 <= scenario.workers <= MOST_WORKERS, f"at least 1, at most {MOST_WORKERS}"),
        ("duration_s", scenario.duration_s, scenario.duration_s > 0, "longer than nothing"),
        ("rate", scenario.rate, scenario.rate is None or scenario.rate > 0, "more than nothing"),
        ("ramp_s", scenario.ramp_s, 0 <= scenario.ramp_s < float("inf"), "a number of seconds"),
        (
            "memory_growth_mib",
            scenario.memory_growth_mib,
            scenario.memory_growth_mib is None or scenario.memory_growth_mib > 0,
            "more than nothing",
        ),
        ("bystander_rate", scenario.bystander_rate, 0 <= scenario.bystander_rate <= 1000, "from 0 to 1000"),
        ("stall_s", scenario.stall_s, scenario.stall_s is None or scenario.stall_s > 0, "longer than nothing"),
        ("size_sweep", scenario.size_sweep, _are_sizes(scenario.size_sweep), "smallest, then largest, in bytes"),
        ("repositories", scenario.repositories, scenario.repositories >= 1, "at least 1"),
        ("tags", scenario.tags, scenario.tags >= 1, "at least 1"),
        ("blob_sizes", scenario.blob_sizes, 0 <= smallest <= largest, "smallest, then largest, in bytes"),
        ("tag_model", scenario.tag_model, _is_tag_model(scenario.tag_model), f"one of {_TAG_MODELS_SHOWN}"),
        ("weights", scenario.weights, any(weight > 0 for weight in scenario.weights.values()), "one above 0"),
        ("weights", scenario.weights, all(weight >= 0 for weight in scenario.weights.values()), "none below 0"),
        ("catalogue", scenario.catalogue, all(map(_HUNT.fullmatch, scenario.catalogue)), 'ids such as "S06"'),
        ("evidence", scenario.evidence, all(floor >= 0 for floor in scenario.evidence.values()), "none below 0"),
    ):
        if not holds:
            _refuse(source, path, value, f"it must be: {promise}")


def _check_retry_after(choice: object, source: str) -> None:
    """Like unknown keys, to name the nearest."""
    if isinstance(choice, str) and choice not in list(RetryAfter):
        _refuse(source, "retry_after", choice, _nearest(choice, list(RetryAfter), "choices"))


def _check_fault_names(faults: object, source: str) -> None:
    """Unknown keys are found before msgspec finds them, to name the nearest; what is no table, msgspec refuses."""
    for place, fault in enumerate(faults if isinstance(faults, list) else []):
        if not isinstance(fault, dict):
            continue
        path = f"faults[{place}]"
        _check_names(fault, Fault.__struct_fields__, source, f"{path}.")
        toxics = fault.get("toxics")
        for number, toxic in enumerate(toxics if isinstance(toxics, list) else []):
            kind = toxic.get("kind") if isinstance(toxic, dict) else None
            if not isinstance(kind, str):
                continue
            if kind not in TOXICS:
                _refuse(source, f"{path}.toxics[{number}].kind", kind, _nearest(kind, TOXICS, "kinds"))
            _check_names(toxic, ("kind", *TOXICS[kind].__struct_fields__), source, f"{path}.toxics[{number}].")
        steps = fault.get("steps")
        for number, step in enumerate(steps if isinstance(steps, list) else []):
            if isinstance(step, str) and step not in list(Step):
                _refuse(source, f"{path}.steps[{number}]", step, _nearest(step, list(Step), "steps"))


def _check_threshold_names(thresholds: object, source: str) -> None:
    """A name without quotes is a table within a table to TOML."""
    for name, limit in thresholds.items() if isinstance(thresholds, dict) else ():
        if isinstance(limit, dict):
            _refuse(source, f"thresholds.{name}", limit, 'write the whole name in quotes: "p99.get-manifest" = "500ms"')


def _check_thresholds(scenario: Scenario, source: str) -> None:
    for name, limit in scenario.thresholds.items():
        percentile, _, subject = name.rpartition(".")
        if percentile not in PERCENTILES:
            hint = f'write "<percentile>.<operation>"; {_nearest(percentile, PERCENTILES, "percentiles")}'
            _refuse(source, "thresholds", name, hint)
        if subject not in SUBJECTS:
            _refuse(source, "thresholds", name, _nearest(subject, SUBJECTS, "operations"))
        if subject == BYSTANDER and not scenario.bystander_rate:
            _refuse(source, "thresholds", name, "there is no bystander: set `bystander_rate`")
        is_relative = subject == BYSTANDER and factor(limit) is not None
        if not is_relative and limit_ms(limit) is None:
            also = ", or so many times what it was before, such as 20x" if subject == BYSTANDER else ""
            _refuse(source, f"thresholds.{name}", limit, f"it must be: a duration such as 500ms{also}")


def _check_faults(scenario: Scenario, source: str) -> None:
    names = [fault.name for fault in scenario.faults]
    for place, fault in enumerate(scenario.faults):
        for path, value, promise in wrong_values(fault):
            _refuse(source, f"faults[{place}].{path}", value, f"it must be: {promise}")
        if fault.name in names[:place]:
            _refuse(source, f"faults[{place}].name", fault.name, "another fault has that name")


def _are_sizes(sweep: Iterable[tuple[int, int]]) -> bool:
    return all(0 <= smallest <= largest for smallest, largest in sweep)


def _is_tag_model(name: str) -> bool:
    return name in _TAG_MODELS or bound_ns(name) is not None


def _check_names(document: Iterable[str], known: Iterable[str], source: str, prefix: str) -> None:
    known = list(known)
    for name in document:
        if name not in known:
            raise ScenarioError(f"{source}: unknown key `{prefix}{name}`", hint=_nearest(name, known, "keys"))


def _refuse(source: str, path: str, value: object, hint: str) -> None:
    raise ScenarioError(f"{source}: `{path}` is {value!r}", hint=hint)


def _nearest(name: str, known: Iterable[str], what: str) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    listed = f"{what}: {', '.join(known)}"
    return f"did you mean `{close[0]}`? {listed}" if close else listed
