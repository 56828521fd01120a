"""The report of a publish: text for people, JSON for programs, JUnit XML for CI systems. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from attrs import frozen

from bentley_sync_async.bulk.outcomes import Outcome
from bentley_sync_async.bulk.report import counted, duration_text, outcome_lines
from bentley_sync_async.models.platform import Changeset
from bentley_sync_async.wire.codec import encode, to_builtins

from .outcomes import FileOutcome, FileStatus

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
