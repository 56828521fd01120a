"""JUnit XML for CI systems: test cases, failures and errors. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal
from xml.etree import ElementTree as ET

from attrs import frozen

# Characters that XML 1.0 cannot contain, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@frozen(kw_only=True)
class TestCase:
    """One test case.

    Attributes:
        group: Its class.
        name: Its name.
        seconds: How long it took.
        kind: How it ended if it did not pass.
        type: The type of the failure.
        message: The failure in one line.
        details: The failure in full.
        output: Figures for people.
    """

    group: str
    name: str
    seconds: float = 0.0
    kind: Literal["failure", "error", "skipped"] | None = None
    type: str = ""
    message: str = ""
    details: str = ""
    output: str | None = None


def junit(name: str, cases: Sequence[TestCase], *, began_at: datetime | None, duration: float) -> str:
    """Return a test suite as JUnit XML. Write it to a file as UTF-8."""
    kinds = Counter(case.kind for case in cases)
    named = {"name": name, "time": f"{duration:.3f}"}
    counts = {"tests": len(cases), "failures": kinds["failure"], "errors": kinds["error"]}
    named.update((key, str(count)) for key, count in counts.items())
    root = ET.Element("testsuites", named)
    suite = ET.SubElement(root, "testsuite", {**named, "skipped": str(kinds["skipped"])})
    if began_at is not None:
        # The format has no time zone; UTC is what a reader is most likely to assume.
        suite.set("timestamp", began_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"))
    for case in cases:
        suite.append(_element(case))
    ET.indent(root)
    # `xml_declaration=True` would name the encoding of the locale.
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _element(case: TestCase) -> ET.Element:
    element = ET.Element("testcase", classname=_xml(case.group), name=_xml(case.name), time=f"{case.seconds:.3f}")
    if case.kind is not None:
        failure = ET.SubElement(element, case.kind, type=_xml(case.type), message=_xml(case.message))
        failure.text = _xml(case.details or case.message)
    # The strictest schema (that of Jenkins' xUnit plugin) allows properties for a suite only.
    if case.output is not None:
        ET.SubElement(element, "system-out").text = _xml(case.output)
    return element


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
