"""The texts of a publish: events, progress and report. Pure."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from rich.filesize import decimal

from bentley_sync_async.publish import (
    ConnectionPrepared,
    FileFailed,
    FileRemoved,
    FileStatus,
    FileUploaded,
    PublishEvent,
    PublishPlanned,
    PublishProgress,
    PublishReport,
    UploadStarted,
)

from .bulk import one_line
from .events import duration_text

_MOST_ROWS = 50


def publish_text(event: PublishEvent) -> str | None:
    """Return the text of an event that is not about a run; `None` if there is nothing to say."""
    text: str | None = None
    match event:
        case PublishPlanned(plan=plan) if not plan.nothing_to_do:
            text = plan.totals()
        case UploadStarted(attempt=attempt) if attempt > 1:
            text = f"{event.path}  changed while it was read: attempt {attempt}"
        case FileUploaded(seconds=seconds):
            text = f"{event.path}  uploaded ({decimal(event.size)}) in {duration_text(timedelta(seconds=seconds))}"
        case FileFailed(reason=reason):
            text = f"{event.path}  failed: {one_line(reason)}"
        case FileRemoved():
            text = f"{event.path}  removed from Storage"
        case ConnectionPrepared(display_name=name) if changes := _changes(event):
            text = f"connection {name}  {changes}"
        case _:
            pass
    return text


def _changes(event: ConnectionPrepared) -> str:
    counts = {"added": event.added, "with another connector": event.changed, "removed": event.removed}
    changes = [f"{count:,} {what}" for what, count in counts.items() if count]
    head = [f"created, {event.connection_id}"] if event.created else []
    return ", ".join([*head, *([f"files: {', '.join(changes)}"] if changes else [])])


def uploads_text(progress: PublishProgress) -> str:
    """Return how many files and bytes are uploaded."""
    return (
        f"{progress.finished:,} of {progress.files:,} files uploaded, "
        f"{decimal(progress.sent)} of {decimal(progress.size)}"
    )


def runs_text(finished: int, active: int, total: int) -> str:
    """Return how many runs are finished and under way."""
    return f"{finished:,} of {total:,} runs finished, {active:,} active"


def publish_report_text(report: PublishReport) -> str:
    """Return the report; of many files that were not published the first ones, and the totals."""
    if report.good and not report.runs and not report.uploaded and not report.counts[FileStatus.REMOVED]:
        return f"Nothing to do: {_files(len(report.files))} up to date."
    bad = [one for one in report.files if one.reason is not None]
    if len(bad) <= _MOST_ROWS:
        return str(report)
    head = str(evolve(report, files=tuple(bad[:_MOST_ROWS]), runs=(), not_run={})).rpartition("\n")[0]
    tail = str(evolve(report, files=())).rpartition("\n")[0]
    more = f"and {len(bad) - _MOST_ROWS:,} more like these; --junit PATH and --json list all."
    return "\n".join(part for part in (head, more, tail, report.totals()) if part)


def _files(count: int) -> str:
    return f"{count:,} {'file is' if count == 1 else 'files are'}"


def left_text(report: PublishReport) -> str:
    """Return what is not finished when a publish ends early."""
    waiting = report.counts[FileStatus.WAITING]
    files = f"Files that were not finished: {waiting:,} of {len(report.files):,}."
    return f"{files} Runs that were triggered go on, as the API cannot cancel them."
