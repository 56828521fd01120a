"""What came of a bulk: a table for people, JSON for programs, JUnit XML for CI systems. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from xml.etree import ElementTree as ET

from attrs import frozen

from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.codec import encode, to_builtins

from .outcomes import FailedFile, Outcome, OutcomeStatus

_LONGEST_REASON = 500
_HEADINGS = ("connection", "outcome", "duration", "waited", "requests", "failed files")
# XML 1.0 has no way to write these, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FIXABLE = {True: "yes", False: "no", None: "not said"}


@frozen(kw_only=True)
class BulkReport:
    """What came of each connection of a bulk.

    `print(report)` shows a table.

    Attributes:
        outcomes: What came of each connection, in no certain order.
        began_at: When the bulk began, by the client's clock; `None` if it has not.
        duration: Seconds that it took so far.
    """

    outcomes: tuple[Outcome, ...]
    began_at: datetime | None
    duration: float

    @property
    def counts(self) -> Mapping[OutcomeStatus, int]:
        """How many connections came to what; 0 for what none came to."""
        counted = Counter(outcome.status for outcome in self.outcomes)
        return {status: counted[status] for status in OutcomeStatus}

    @property
    def requests(self) -> int:
        """Requests to the API that the connections took, token requests not counted."""
        return sum(outcome.requests for outcome in self.outcomes)

    @property
    def good(self) -> bool:
        """Whether every connection is up to date: its run succeeded, or had nothing to do."""
        return all(outcome.good for outcome in self.outcomes)

    def __str__(self) -> str:
        rows = [_HEADINGS, *(_row(outcome) for outcome in self.outcomes)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines += [line for outcome in self.outcomes if not outcome.good for line in _details(outcome)]
        return "\n".join([*lines, self.totals()])

    def totals(self) -> str:
        """Return one line with how many connections came to what, the time and the requests."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        return (
            f"{len(self.outcomes)} connections: {counts or 'none'}; {duration_text(self.duration)}, "
            f"{self.requests} requests."
        )

    def to_json(self) -> str:
        """Return it as one JSON object, with the API's spelling of names."""
        return encode(
            {
                "beganAt": self.began_at,
                "duration": self.duration,
                "requests": self.requests,
                "counts": {str(status): count for status, count in self.counts.items()},
                "outcomes": [{**to_builtins(one), "duration": one.duration} for one in self.outcomes],
            }
        ).decode()

    def to_junit(self) -> str:
        """Return it as JUnit XML: each connection is a test case, each iModel a class.

        A connection that is up to date passes, Skipped is skipped; a run that is no success is a failure, anything else
        that kept a connection from being run to its end is an error.
        """
        kinds = Counter(_KINDS[outcome.status] for outcome in self.outcomes)
        counts: dict[str, str] = {
            "tests": str(len(self.outcomes)),
            "failures": str(kinds["failure"]),
            "errors": str(kinds["error"]),
            "skipped": str(kinds["skipped"]),
            "time": f"{self.duration:.3f}",
        }
        root = ET.Element("testsuites", counts)
        suite = ET.SubElement(root, "testsuite", {"name": "bentley-sync bulk", **counts})
        if self.began_at is not None:
            suite.set("timestamp", self.began_at.replace(tzinfo=None).isoformat(timespec="seconds"))
        for outcome in self.outcomes:
            suite.append(_test_case(outcome))
        ET.indent(root)
        return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


_KINDS = {
    OutcomeStatus.SUCCEEDED: None,
    OutcomeStatus.SKIPPED: "skipped",
    OutcomeStatus.PARTIALLY: "failure",
    OutcomeStatus.FAILED: "failure",
    OutcomeStatus.TIMED_OUT: "error",
    OutcomeStatus.REFUSED: "error",
    OutcomeStatus.DETACHED: "error",
}


def duration_text(seconds: float | None) -> str:
    """Return a duration as people write it: `1:02:03`, or `2:03` below an hour; `-` for none."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _name(outcome: Outcome) -> str:
    return outcome.connection_id or f"iModel {outcome.imodel_id}"


def _row(outcome: Outcome) -> tuple[str, ...]:
    return (
        _name(outcome),
        str(outcome.status),
        duration_text(outcome.duration),
        duration_text(outcome.waited),
        str(outcome.requests),
        str(len(outcome.failed_files) or ""),
    )


def _details(outcome: Outcome) -> list[str]:
    reason = ": ".join(part for part in (outcome.error_key, outcome.reason) if part)
    lines = [f"{_name(outcome)} {outcome.status}{f': {_one_line(reason)}' if reason else ''}"]
    return lines + [f"  {_file(file)}" for file in outcome.failed_files]


def _file(file: FailedFile) -> str:
    why = ": ".join(part for part in (file.error_key, file.description) if part) or f"{file.result}, no reason given"
    article = f"; see {_one_line(file.kb_article_link)}" if file.kb_article_link else ""
    return (
        f"file {file.storage_file_id or 'without an id'}: {_one_line(why)} "
        f"(can the user fix it: {_FIXABLE[file.can_user_fix]}{article})"
    )


def _one_line(text: str) -> str:
    return excerpt(" ".join(text.split()), _LONGEST_REASON)


def _test_case(outcome: Outcome) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=_xml(outcome.imodel_id or "unknown iModel"),
        name=_xml(_name(outcome)),
        time=f"{outcome.duration or 0.0:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    values = {
        "waited": None if outcome.waited is None else f"{outcome.waited:.3f}",
        "requests": str(outcome.requests),
        "attempts": str(outcome.attempts),
        "run": str(outcome.ref) if outcome.ref is not None else None,
    }
    for name, value in values.items():
        if value is not None:
            ET.SubElement(properties, "property", name=name, value=_xml(value))
    kind = _KINDS[outcome.status]
    if kind is not None:
        said, *files = _details(outcome)
        told = ET.SubElement(case, kind, message=_xml(said))
        if kind != "skipped":
            told.set("type", str(outcome.result or outcome.status))
            told.text = _xml("\n".join(line.strip() for line in files)) or None
    return case


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
