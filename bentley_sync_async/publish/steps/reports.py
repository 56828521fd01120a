"""The diagnostic reports of files that could not be synchronized, saved to a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import anyio.to_thread
from attrs import frozen

from bentley_sync_async import files
from bentley_sync_async.bulk.outcomes import FailedFile, Outcome
from bentley_sync_async.errors import InvalidArgumentError, SynchronizationError
from bentley_sync_async.models.reports import DiagnosticReport
from bentley_sync_async.resources.synchronization.reports import Reports
from bentley_sync_async.wire.codec import encode

_NO_REPORT = "The service has no report of it."


@frozen(kw_only=True)
class SavedReports:
    """The diagnostic reports that were saved.

    Attributes:
        saved: The report's file on this machine, by the path of the file that could not be synchronized.
        missing: Why there is none, for people, by the same.
    """

    saved: Mapping[str, str]
    missing: Mapping[str, str]

    def __str__(self) -> str:
        lines = [f"Diagnostic report of {path}: {place}" for path, place in self.saved.items()]
        return "\n".join([*lines, *(f"No diagnostic report of {path}: {why}" for path, why in self.missing.items())])

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return encode({"saved": dict(self.saved), "missing": dict(self.missing)}).decode()


class ReportSaver:
    """Saves the reports of failed files."""

    def __init__(self, reports: Reports, folder: Path, path_of: Callable[[FailedFile], str]) -> None:
        """Make one.

        Args:
            reports: The resource.
            folder: Where to; it is created if it is missing. Files of the same names are replaced.
            path_of: Returns the path of a failed file.
        """
        self._reports = reports
        self._folder = folder
        self._path_of = path_of
        self._names: set[str] = set()
        self._saved: dict[str, str] = {}
        self._missing: dict[str, str] = {}

    async def save(self, runs: Iterable[Outcome]) -> SavedReports:
        """Save the reports of the files that runs could not synchronize.

        Raises:
            InvalidArgumentError: Nothing can be written to the folder.
        """
        try:
            await anyio.to_thread.run_sync(lambda: self._folder.mkdir(parents=True, exist_ok=True))
            for run in runs:
                await self._save_run(run)
        except OSError as exc:
            raise InvalidArgumentError(f"{exc.filename or self._folder} cannot be written: {exc.strerror}.") from exc
        return SavedReports(saved=self._saved, missing=self._missing)

    async def _save_run(self, run: Outcome) -> None:
        if not run.failed_files or run.ref is None or run.imodel_id is None:
            return
        try:
            listed = await self._reports.list(run.imodel_id, run.ref.run_id)
        except SynchronizationError as error:
            self._missing.update({self._path_of(file): str(error) for file in run.failed_files})
            return
        of_tasks = {one.task_id: one for one in listed}
        for file in run.failed_files:
            await self._save_file(self._path_of(file), of_tasks.get(file.task_id))

    async def _save_file(self, path: str, report: DiagnosticReport | None) -> None:
        if report is None:
            self._missing[path] = _NO_REPORT
            return
        try:
            content = await self._reports.download(report)
        except SynchronizationError as error:
            self._missing[path] = str(error)
            return
        place = self._folder / self._name(path)
        await anyio.to_thread.run_sync(files.replace, place, content)
        self._saved[path] = str(place)

    def _name(self, path: str) -> str:
        """Return a name for a report's file: the path in one piece, without what file systems refuse."""
        stem = re.sub(r"[^\w .()-]+", "_", path).strip(". ")[-200:] or "file"
        name, number = f"{stem}.json", 1
        while name in self._names:
            number += 1
            name = f"{stem} {number}.json"
        self._names.add(name)
        return name
