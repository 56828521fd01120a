"""The report of a bulk: a table for people, JSON for programs, JUnit XML for CI systems. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import frozen

from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.codec import encode, to_builtins

from .common.junit import TestCase, junit
from .outcomes import FailedFile, Outcome, OutcomeStatus

_MAX_NAME = 256  # no id is longer
_MAX_REASON = 500
_MAX_WIDTH = 60
_HEADINGS = ("duration", "waited", "requests", "failed files", "outcome", "connection")
_FIXABLE = {True: "yes", False: "no", None: "not said"}


@frozen(kw_only=True)
class BulkReport:
    """The outcomes of all connections of a bulk.

    `print(report)` shows a table.

    Attributes:
        outcomes: The outcome of each connection: in the order of the ids, then those without a valid id or connection.
        began_at: When the bulk started, by the client's clock; `None` if it was not started.
        duration: Seconds that it took so far.
    """

    outcomes: tuple[Outcome, ...]
    began_at: datetime | None
    duration: float

    @property
    def counts(self) -> Mapping[OutcomeStatus, int]:
        """The number of connections by status; 0 for a status that no connection has."""
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
        names = self._names()
        rows = table([_HEADINGS, *(_row(one, name) for one, name in names)], numbers=4)
        details = [line for one, name in names if not one.good for line in outcome_lines(one, name=name)]
        return "\n".join([*rows, *details, self.totals()])

    def _names(self) -> list[tuple[Outcome, str]]:
        """Return each outcome with its connection's name, or with the id if there is none or another has it too."""
        shared = Counter(one.display_name for one in self.outcomes)
        return [
            (one, one.display_name if one.display_name and shared[one.display_name] == 1 else _id(one))
            for one in self.outcomes
        ]

    def totals(self) -> str:
        """Return one line with the number of connections by status, the time and the requests."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        return (
            f"{counted(len(self.outcomes), 'connection')}: {counts or 'none'}; {duration_text(self.duration)}, "
            f"{counted(self.requests, 'request')}."
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

        A succeeded run passes, a skipped one is skipped, any other completed run is a failure; a connection without a
        completed run is an error. Write it to a file as UTF-8.
        """
        cases = [junit_case(outcome, name) for outcome, name in self._names()]
        return junit("bentley-sync bulk", cases, began_at=self.began_at, duration=self.duration)


_KINDS: dict[OutcomeStatus, Literal["failure", "error", "skipped"] | None] = {
    OutcomeStatus.SUCCEEDED: None,
    OutcomeStatus.SKIPPED: "skipped",
    OutcomeStatus.PARTIAL_SUCCESS: "failure",
    OutcomeStatus.FAILED: "failure",
    OutcomeStatus.TIMED_OUT: "error",
    OutcomeStatus.REFUSED: "error",
    OutcomeStatus.DETACHED: "error",
}


def duration_text(seconds: float | None) -> str:
    """Return a duration as `1:02:03`, or `2:03` below an hour; `-` for none."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counted(number: int, what: str) -> str:
    """Return a number with a noun, in the plural unless the number is one."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def table(rows: Sequence[Sequence[str]], *, numbers: int) -> list[str]:
    """Return the lines of a table, headings first; the first `numbers` columns are aligned to the right.

    A cell that is wider than the maximum width of a column shifts only its own line.
    """
    widths = [min(max(map(len, column)), _MAX_WIDTH) for column in zip(*rows, strict=True)]
    aligned = [str.rjust if column < numbers else str.ljust for column in range(len(widths))]
    return [
        "  ".join(align(cell, width) for align, cell, width in zip(aligned, row, widths, strict=True)).rstrip()
        for row in rows
    ]


FileName: TypeAlias = Callable[[FailedFile], str]


def _file_name(file: FailedFile) -> str:
    return file.file_name or f"file {file.storage_file_id or file.source_file_id or 'without an id'}"


def outcome_lines(outcome: Outcome, *, name: str | None = None, file_name: FileName = _file_name) -> list[str]:
    """Return a line with the outcome of a connection and its reason, then a line for each failed file.

    Args:
        outcome: The outcome.
        name: The connection's name; by default its id.
        file_name: Names a failed file; by default with the name it had last, or its id.
    """
    why = ": ".join(part for part in (outcome.error_key, outcome.reason) if part)
    line = f"{_shown(name or _id(outcome))} {outcome.status}"
    files = [f"  {_file(file, file_name)}" for file in outcome.failed_files]
    return [f"{line}: {_one_line(why)}" if why else line, *files]


def _id(outcome: Outcome) -> str:
    return outcome.connection_id if outcome.connection_id is not None else f"iModel {outcome.imodel_id}"


def _shown(name: str) -> str:
    return excerpt(name, _MAX_NAME) or "(empty)"


def _row(outcome: Outcome, name: str) -> tuple[str, ...]:
    return (
        duration_text(outcome.duration),
        duration_text(outcome.waited),
        str(outcome.requests),
        str(len(outcome.failed_files) or "-"),
        str(outcome.status),
        _shown(name),
    )


def _file(file: FailedFile, file_name: FileName) -> str:
    why = ": ".join(part for part in (file.error_key, file.description) if part) or f"{file.result}, no reason given"
    article = f"; see {_one_line(file.kb_article_link)}" if file.kb_article_link else ""
    return (
        f"{_one_line(file_name(file))}: {_one_line(why)} (can the user fix it: {_FIXABLE[file.can_user_fix]}{article})"
    )


def _one_line(text: str) -> str:
    return excerpt(text, _MAX_REASON)


def junit_case(outcome: Outcome, name: str | None = None, file_name: FileName = _file_name) -> TestCase:
    """Return the test case of a connection.

    Args:
        outcome: Its outcome.
        name: Its name; by default its id.
        file_name: Names a failed file.
    """
    summary, *files = outcome_lines(outcome, name=name, file_name=file_name)
    kind = _KINDS[outcome.status]
    return TestCase(
        group=_one_line(outcome.imodel_id or "unknown iModel"),
        name=_shown(name or _id(outcome)),
        seconds=outcome.duration or 0.0,
        kind=kind,
        type=str(outcome.result or outcome.status),
        message=summary,
        details="\n".join([outcome.reason or summary, *files]),
        output=_figures(outcome),
    )


def _figures(outcome: Outcome) -> str:
    figures = {
        "run": outcome.ref.run_id if outcome.ref is not None else "none",
        "result": outcome.result or "none",
        "waited": f"{outcome.waited:.3f} s" if outcome.waited is not None else "not triggered",
        "requests": outcome.requests,
        "attempts": outcome.attempts,
    }
    return "\n".join(f"{name}: {value}" for name, value in figures.items())
