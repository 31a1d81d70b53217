"""Suites of checks as JUnit XML. Pure; knows nothing of runs or registries.

There is no standard. What is written is valid where two widely used schemas both are: that of Apache Ant's tasks, the
strictest (each attribute, the empty elements, no output within a case), and that of Jenkins' xUnit plugin, which adds
`skipped`. Texts are hostile: what XML 1.0 forbids, and what would steer a terminal, becomes U+FFFD; the document is
ASCII, all else in it are character references.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from xml.etree import ElementTree as ET

import msgspec

from nscr_cli.ui import printable

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMELESS = "-"
_LONGEST_NAME = 1_000
_LONGEST_TEXT = 100_000  # libxml2 refuses a text of more than 10 MB


class Outcome(StrEnum):
    """What became of a case. Everything but PASSED and SKIPPED makes a pipeline red.

    FAILED is what was tested, ERROR is the test: it could not be carried out, or not far enough to say anything.
    """

    PASSED = "passed"
    FAILED = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One check.

    Attributes:
        classname: what the case is one of; readers group by it.
        type: of failure or error, e.g. the rule that was broken.
        message: in one line, of anything but PASSED.
        text: all of it, in lines, of a failure or an error.
    """

    name: str
    classname: str
    outcome: Outcome
    type: str = ""
    message: str = ""
    text: str = ""
    seconds: float = 0.0


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """Checks that were made together.

    Attributes:
        started: with its zone.
        hostname: of whoever checked; `localhost` where that says nothing.
        properties: what else there is to know, by name.
        output: lines to read after a failure, e.g. how to try it again.
    """

    name: str
    cases: Sequence[Case]
    started: datetime
    seconds: float = 0.0
    hostname: str = "localhost"
    properties: dict[str, str] = {}
    output: str = ""


def junit_document(suites: Iterable[Suite]) -> str:
    """The XML document, in ASCII; each suite counts its own cases."""
    root = ET.Element("testsuites")  # without totals: Ant's schema knows none, and all readers add up
    for number, suite in enumerate(suites):
        root.append(_suite(suite, number))
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=False)
    return f"{_DECLARATION}{body.decode('ascii')}\n"


def _suite(suite: Suite, number: int) -> ET.Element:
    counts = Counter(case.outcome for case in suite.cases)
    element = ET.Element(
        "testsuite",
        {
            "id": str(number),
            "name": _line(suite.name),
            "package": _line(suite.name),
            "timestamp": suite.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),  # a zone is not allowed
            "hostname": _line(suite.hostname),
            "tests": str(len(suite.cases)),
            "failures": str(counts[Outcome.FAILED]),
            "errors": str(counts[Outcome.ERROR]),
            "skipped": str(counts[Outcome.SKIPPED]),
            "time": f"{suite.seconds:.3f}",
        },
    )
    properties = ET.SubElement(element, "properties")
    for name, value in suite.properties.items():
        ET.SubElement(properties, "property", {"name": _line(name), "value": _line(value)})
    element.extend([_case(case) for case in suite.cases])
    ET.SubElement(element, "system-out").text = _lines(suite.output)
    ET.SubElement(element, "system-err")
    return element


def _case(case: Case) -> ET.Element:
    attributes = {"name": _line(case.name), "classname": _line(case.classname), "time": f"{case.seconds:.3f}"}
    element = ET.Element("testcase", attributes)
    match case.outcome:
        case Outcome.SKIPPED:
            ET.SubElement(element, "skipped", {"message": _line(case.message)})
        case Outcome.FAILED | Outcome.ERROR:
            attributes = {"message": _line(case.message), "type": _line(case.type or case.outcome)}
            ET.SubElement(element, case.outcome.value, attributes).text = _lines(case.text)
    return element


def _line(text: str) -> str:
    """Words of an attribute, which must not be empty: a parser would make spaces of its line feeds anyhow."""
    return printable(" ".join(text.split()), limit=_LONGEST_NAME) or _NAMELESS


def _lines(text: str) -> str:
    whole = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return "\n".join(printable(line.expandtabs(), limit=_LONGEST_TEXT + 1) for line in whole.split("\n"))
