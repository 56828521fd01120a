"""What the commands for much work, a bulk and a publish, have in common: the ways in which they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol, TypeVar

import anyio
from attrs import define

from bentley_sync_async import SynchronizationError
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error
from bentley_sync_async.cli.report_file import ReportFile
from bentley_sync_async.cli.shutdown import SHUTDOWN_ERRORS, Screen, code_of_shutdown, print_message
from bentley_sync_async.cli.views.background import BackgroundView, named_json

Event_co = TypeVar("Event_co", covariant=True)
Progress_co = TypeVar("Progress_co", covariant=True)
Event = TypeVar("Event")
Progress = TypeVar("Progress")


class Report(Protocol):
    """The report of a bulk or a publish."""

    @property
    def good(self) -> bool:
        """Whether everything is up to date."""
        ...

    def totals(self) -> str:
        """Return one line."""
        ...

    def to_json(self) -> str:
        """Return it as one JSON object."""
        ...

    def to_junit(self) -> str:
        """Return it as JUnit XML."""
        ...


class Work(Protocol[Event_co, Progress_co]):
    """A bulk or a publish that was entered."""

    @property
    def progress(self) -> Progress_co:
        """How far it is."""
        ...

    async def __anext__(self) -> Event_co:
        """Return the next event."""
        ...


@define(kw_only=True)
class BackgroundCommand(ABC):
    """A command that does much work, and reports how to continue.

    Attributes:
        arguments: The arguments of this command, to repeat it.
        has_journal: Whether there is a journal.
        junit: The file for the JUnit XML; `None` for none.
        json: Whether to print events as JSON.
    """

    arguments: Sequence[str]
    has_journal: bool = False
    junit: str | None = None
    json: bool = False
    _report_file: ReportFile | None = None

    @abstractmethod
    def _run(self) -> ExitCode:
        """Do the work; return the exit code."""

    @abstractmethod
    def _report(self) -> Report | None:
        """Return the report so far; `None` if the work was not entered."""

    @abstractmethod
    def _begun(self) -> bool:
        """Return whether anything may have been done."""

    @abstractmethod
    def _how_to_continue(self) -> str:
        """Return what was done, and the command that continues."""

    def run(self) -> ExitCode:
        """Work to the end, an error or a shutdown; return the exit code."""
        try:
            return self._run()
        except SHUTDOWN_ERRORS as error:
            code = code_of_shutdown(error)
            self._print_end(f"Detached. {self._how_to_continue()}")
        except SynchronizationError as error:
            code = code_of_error(error)
            self._print_end(f"{error}\n{self._how_to_continue()}" if self._begun() else str(error))
        return self._write_junit(code)

    def _check_junit(self) -> None:
        """Check that the JUnit XML can be written, before anything is sent."""
        self._report_file = ReportFile(self.junit) if self.junit is not None else None

    def _print_report(self, report: Report, text: str, code: ExitCode) -> ExitCode:
        """Print and write the report at the end; return the exit code."""
        if self.json:
            print(named_json(report), flush=True)
        else:
            Screen().print(text, markup=False, highlight=False, soft_wrap=True)
        if self.json and not report.good:
            print_message(report.totals())
        return self._write_junit(code)

    def _print_end(self, text: str) -> None:
        """Print why it ended early; with --json also the report."""
        report = self._report()
        if self.json and report is not None:
            print(named_json(report), flush=True)
        print_message(text)

    def _write_junit(self, code: ExitCode) -> ExitCode:
        """Write the JUnit XML, however the work has ended; return the exit code."""
        report = self._report()
        if self._report_file is not None and report is not None:
            try:
                self._report_file.write(report.to_junit())
            except OSError as exc:
                print_message(f"{self.junit} could not be written: {exc.strerror}.")
                return code or ExitCode.FILES
        return code


async def show(work: Work[Event, Progress], view: BackgroundView[Event, Progress], *, every: float) -> None:
    """Show the events of a bulk or a publish to its end, and its progress every so many seconds."""
    due = anyio.current_time()
    with view:
        while True:
            with anyio.move_on_after(due - anyio.current_time()) as pause:
                try:
                    event = await anext(work)
                except StopAsyncIteration:
                    break
                view.show(event)
            if pause.cancelled_caught or anyio.current_time() >= due:
                view.tick(work.progress)
                due = anyio.current_time() + every
        view.tick(work.progress)
