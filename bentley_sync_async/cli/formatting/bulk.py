"""The texts of a bulk: outcomes, progress and report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from attrs import evolve

from bentley_sync_async.bulk import BulkProgress, BulkReport, FailedFile, Outcome, OutcomeStatus
from bentley_sync_async.transport import BudgetUse

from .budget import left_text
from .events import FIXABLE, duration_text

_MOST_FILES = 3  # of a connection whose run failed; the report has them all
_MOST_ROWS = 50
_LONGEST = 300
_NO_NAMES: Mapping[str, str] = MappingProxyType({})

_STYLES = {
    OutcomeStatus.SUCCEEDED: "green",
    OutcomeStatus.SKIPPED: "green",
    OutcomeStatus.PARTIAL_SUCCESS: "yellow",
}


def outcome_style(status: OutcomeStatus) -> str:
    """Return the colour of a status."""
    return _STYLES.get(status, "red")


def one_line(text: str) -> str:
    """Return a text of the service on one line, shortened, and without control characters."""
    text = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def outcome_name(outcome: Outcome, names: Mapping[str, str] = _NO_NAMES) -> str:
    """Return the subject of an outcome: a connection, or an iModel whose connections could not be listed."""
    if name := names.get(outcome.connection_id or "") or outcome.display_name:  # the former tell namesakes apart
        return one_line(name)
    named = outcome.connection_id if outcome.connection_id is not None else f"iModel {outcome.imodel_id}"
    return one_line(named)


def outcome_lines(outcome: Outcome, files: Mapping[str, str] = _NO_NAMES) -> list[str]:
    """Return the status of a connection with its cause, without its name, then lines for the first failed files.

    Args:
        outcome: The outcome.
        files: The names of files that are known, by their ids in Storage.
    """
    text = str(outcome.status)
    if outcome.duration is not None:
        text += f" after {duration_text(timedelta(seconds=outcome.duration))}"
    if not outcome.good:
        why = ": ".join(part for part in (outcome.error_key, outcome.reason) if part)
        text += f": {one_line(why)}" if why else ""
    lines = [text, *(f"  {_file(file, files)}" for file in outcome.failed_files[:_MOST_FILES])]
    if (more := len(outcome.failed_files) - _MOST_FILES) > 0:
        lines.append(f"  and {more} more files")
    return lines


def _file(file: FailedFile, names: Mapping[str, str]) -> str:
    why = ": ".join(part for part in (file.error_key, file.description) if part) or f"{file.result}, no reason given"
    file_id = file.storage_file_id or file.source_file_id
    name = file.file_name or names.get(file_id or "") or (f"file {file_id}" if file_id else "a file without an id")
    return f"{one_line(name)}: {one_line(why)} (fixable by the user: {FIXABLE[file.can_user_fix]})"


def done_text(progress: BulkProgress) -> str:
    """Return how many connections are finished."""
    percent = 100 * progress.finished // progress.total if progress.total else 0
    return f"{progress.finished:,} of {progress.total:,} ({percent} %)"


def counts_text(counts: Mapping[OutcomeStatus, int]) -> str:
    """Return how many connections have which status."""
    return ", ".join(f"{counts[status]:,} {status}" for status in OutcomeStatus if counts.get(status))


def activity_text(progress: BulkProgress, blocked: int, use: BudgetUse | None = None) -> str:
    """Return what is under way, the requests so far, and the expected time left.

    Args:
        progress: The progress of the bulk.
        blocked: How many of the active connections wait for another client's run.
        use: The client's budget, if it is known.
    """
    left = left_text(use) if use is not None else ""
    requests = f"{progress.requests:,} requests{f', {left}' if left else ''}"
    if not progress.total:
        return f"resolving the connections; {requests}"
    waits = f" ({blocked:,} waiting for a busy iModel)" if blocked else ""
    parts = [f"{progress.active:,} active{waits}, {progress.waiting:,} waiting", requests]
    if progress.seconds_left:
        parts.append(f"about {duration_text(timedelta(seconds=progress.seconds_left))} left")
    return "; ".join(parts)


def report_text(report: BulkReport) -> str:
    """Return the report if it fits on a page, otherwise the connections that are not good, and the totals."""
    if len(report.outcomes) <= _MOST_ROWS:
        return str(report)
    bad = tuple(outcome for outcome in report.outcomes if not outcome.good)
    lines = []
    if bad:
        lines.append(str(evolve(report, outcomes=bad[:_MOST_ROWS])).rpartition("\n")[0])
    if len(bad) > _MOST_ROWS:
        lines.append(f"and {len(bad) - _MOST_ROWS:,} more like these; --junit PATH and --json list all.")
    return "\n".join([*lines, report.totals()])


def detached_text(report: BulkReport) -> str:
    """Return what is not finished when a bulk ends early."""
    unfinished = [outcome for outcome in report.outcomes if outcome.status == OutcomeStatus.DETACHED]
    runs = sum(outcome.ref is not None for outcome in unfinished)
    going = f" Runs that go on, as the API cannot cancel them: {runs:,}." if runs else ""
    done = f"{len(report.outcomes) - len(unfinished):,} of {len(report.outcomes):,}"
    return f"Finished connections: {done}.{going}"
