"""The report of a publish: text for people, JSON for programs, JUnit XML for CI systems. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from attrs import frozen

from bentley_sync_async.bulk.common.junit import TestCase, junit
from bentley_sync_async.bulk.outcomes import FailedFile, Outcome
from bentley_sync_async.bulk.report import counted, duration_text, junit_case, outcome_lines
from bentley_sync_async.models.platform import Changeset
from bentley_sync_async.wire.codec import encode, to_builtins

from .outcomes import FileOutcome, FileStatus
from .plan import size_text

_BAD = frozenset({FileStatus.FAILED, FileStatus.REFUSED, FileStatus.WAITING})


@frozen(kw_only=True)
class PublishReport:
    """What was done.

    Attributes:
        files: What came of each file, by path.
        runs: What came of each connection that was run.
        not_run: Why connections that should have been run were not, by name.
        connections: The names of the connections, by id.
        changesets: What the runs have added to the iModel.
        began_at: When the publish started, by the client's clock; `None` if it was not started.
        duration: Seconds that it took so far.
    """

    files: tuple[FileOutcome, ...] = ()
    runs: tuple[Outcome, ...] = ()
    not_run: Mapping[str, str] = MappingProxyType({})
    connections: Mapping[str, str] = MappingProxyType({})
    changesets: tuple[Changeset, ...] = ()
    began_at: datetime | None = None
    duration: float = 0.0

    @property
    def counts(self) -> Mapping[FileStatus, int]:
        """The number of files by status; 0 for a status that no file has."""
        counted_files = Counter(one.status for one in self.files)
        return {status: counted_files[status] for status in FileStatus}

    @property
    def uploaded(self) -> int:
        """The bytes that were uploaded."""
        return sum(one.size for one in self.files if one.status is FileStatus.UPLOADED)

    @property
    def good(self) -> bool:
        """Whether the iModel is up to date with the local files."""
        files = not any(one.status in _BAD for one in self.files)
        return files and not self.not_run and all(run.good for run in self.runs)

    def __str__(self) -> str:
        """Return a line for each file that was not published, each run and each connection that was not run; totals."""
        return "\n".join([*self._file_lines(), *self._run_lines(), self.totals()])

    def totals(self) -> str:
        """Return one line with the number of files by status, the runs, the changesets and the time."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        size = f" ({size_text(self.uploaded)})" if self.uploaded else ""
        runs = Counter(run.status for run in self.runs)
        came = f", {', '.join(f'{count} {status}' for status, count in runs.items())}" if runs else ""
        return (
            f"{counted(len(self.files), 'file')}: {counts or 'none'}{size}; {counted(len(self.runs), 'run')}{came}; "
            f"{counted(len(self.changesets), 'new changeset')}; {duration_text(self.duration)}."
        )

    def name_of(self, run: Outcome) -> str:
        """Return the name of a run's connection, or its id if it has none."""
        return self.connections.get(run.connection_id or "", run.connection_id or "unknown connection")

    def to_json(self) -> str:
        """Return it as one JSON object, with the API's spelling of names."""
        return encode(
            {
                "beganAt": self.began_at,
                "duration": self.duration,
                "uploadedBytes": self.uploaded,
                "counts": {str(status): count for status, count in self.counts.items()},
                "files": self.files,
                "runs": [{**to_builtins(one), "displayName": self.name_of(one)} for one in self.runs],
                "notRun": dict(self.not_run),
                "changesets": self.changesets,
            }
        ).decode()

    def to_junit(self) -> str:
        """Return it as JUnit XML: each file and each run is a test case.

        A file that is in Storage passes, one that could not be uploaded is a failure, one whose turn never came is an
        error. Write it to a file as UTF-8.
        """
        cases = [
            TestCase(
                group=one.path.rpartition("/")[0] or ".",
                name=one.path,
                seconds=one.seconds or 0.0,
                kind=_KINDS.get(one.status),
                message=one.reason or str(one.status),
            )
            for one in self.files
        ]
        cases += [junit_case(run, self.name_of(run), self.file_name) for run in self.runs]
        cases += [
            TestCase(group="connections", name=name, kind="error", message=f"not run: {why}")
            for name, why in self.not_run.items()
        ]
        return junit("bentley-sync publish", cases, began_at=self.began_at, duration=self.duration)

    def file_name(self, file: FailedFile) -> str:
        """Return the path of a file that a run could not synchronize, or its id if the publish does not know it."""
        paths = {one.file_id: one.path for one in self.files if one.file_id is not None}
        return paths.get(file.storage_file_id or "", f"file {file.storage_file_id or 'without an id'}")

    def _file_lines(self) -> list[str]:
        return [f"{one.path} {one.status}: {one.reason}" for one in self.files if one.reason is not None]

    def _run_lines(self) -> list[str]:
        lines = [f"{name} was not run: {why}." for name, why in self.not_run.items()]
        for run in self.runs:
            if not run.good:
                lines += outcome_lines(run, name=self.name_of(run), file_name=self.file_name)
        return lines


_KINDS: dict[FileStatus, Literal["failure", "error"]] = {
    FileStatus.FAILED: "failure",
    FileStatus.REFUSED: "failure",
    FileStatus.WAITING: "error",
}
