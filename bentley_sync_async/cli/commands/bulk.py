"""`bentley-sync bulk`: many connections of the configured service, each run once."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial

import anyio
from attrs import define

from bentley_sync_async import InvalidArgumentError, SynchronizationClient, SynchronizationError
from bentley_sync_async.bulk import BulkReport, BulkRun
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error, code_of_report
from bentley_sync_async.cli.formatting.budget import hour_text, quota_text
from bentley_sync_async.cli.formatting.bulk import detached_text, report_text
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.id_lists import STDIN, IdList, read_ids
from bentley_sync_async.cli.report_file import ReportFile
from bentley_sync_async.cli.shutdown import SHUTDOWN_ERRORS, Screen, code_of_shutdown, print_message, run_to_end
from bentley_sync_async.cli.views.bulk import BulkView, JSONBulkView, best_bulk_view, named_json
from bentley_sync_async.transport import BudgetUse

_INTERVAL = 1.0  # seconds between two updates of the progress, which cost time


@define(kw_only=True)
class Bulk:
    """Runs the connections of a file or of iModels, and reports how to continue.

    Attributes:
        make_client: Makes the client.
        open_bulk: Opens the bulk of these connections.
        arguments: The arguments of this command, to repeat it.
        file: The file with the ids, `-` for standard input; `None` if there is none.
        column: The column of the ids.
        imodels: How many iModels were given.
        has_journal: Whether there is a journal.
        junit: The file for the JUnit XML; `None` for none.
        dry_run: Whether to print the plan instead.
        json: Whether to print events as JSON.
    """

    make_client: Callable[[], SynchronizationClient]
    open_bulk: Callable[[SynchronizationClient, Sequence[str]], BulkRun]
    arguments: Sequence[str]
    file: str | None = None
    column: str | None = None
    imodels: int = 0
    has_journal: bool = False
    junit: str | None = None
    dry_run: bool = False
    json: bool = False
    _report_file: ReportFile | None = None
    _bulk: BulkRun | None = None

    def run(self) -> ExitCode:
        """Run the connections to the end, an error or a shutdown; return the exit code."""
        try:
            return self._run()
        except SHUTDOWN_ERRORS as error:
            code = code_of_shutdown(error)
            self._print_end(f"Detached. {self._how_to_continue()}")
        except SynchronizationError as error:
            code = code_of_error(error)
            begun = self._bulk is not None and self._bulk.report.outcomes
            self._print_end(f"{error}\n{self._how_to_continue()}" if begun else str(error))
        return self._write_junit(code)

    def _run(self) -> ExitCode:
        if self.file is None and not self.imodels:
            raise InvalidArgumentError(
                "Name a file with the ids of connections (- for standard input), or an --imodel."
            )
        listed = self._listed()
        self._report_file = ReportFile(self.junit) if self.junit is not None else None
        return run_to_end(partial(self.follow, listed.ids))

    async def follow(self, ids: Sequence[str]) -> ExitCode:
        """Run the connections and show the events; return the exit code."""
        async with self.make_client() as client:
            bulk = self.open_bulk(client, ids)
            if self.dry_run:
                return await self._plan(client, bulk)
            async with bulk:
                self._bulk = bulk
                names = DisplayNames(url=client.run_url)
                view = JSONBulkView() if self.json else best_bulk_view(Screen(), names, use=lambda: client.budget)
                await show(bulk, view, every=math.inf if self.json else _INTERVAL)
                return self._print_report(
                    bulk.report, client.budget
                )  # inside: the journal keeps the bulk until the report is printed

    def _print_report(self, report: BulkReport, use: BudgetUse) -> ExitCode:
        if self.json:
            print(named_json(report), flush=True)
        else:
            text = "\n".join(part for part in (report_text(report), hour_text(use)) if part)
            Screen().print(text, markup=False, highlight=False, soft_wrap=True)
        if self.json and not report.good:
            print_message(report.totals())
        return self._write_junit(code_of_report(report))

    async def _plan(self, client: SynchronizationClient, bulk: BulkRun) -> ExitCode:
        plan = await bulk.plan()
        print(named_json(plan) if self.json else plan)
        if not self.json and (quota := quota_text(plan.requests, client.budget)):
            print(quota)
        return ExitCode.NOT_RUN if plan.refused else ExitCode.SUCCESS

    def _listed(self) -> IdList:
        if self.file is None:
            return IdList(ids=())
        if self.file == STDIN and sys.stdin.isatty():
            print_message("Reading ids from the terminal, one a line; Ctrl-D ends the list.")
        listed = read_ids(self.file, column=self.column)
        if listed.repeated:
            print_message(f"Repeated ids: {listed.repeated:,}. Each connection is run once.")
        if listed.rows_without_id:
            print_message(f"Rows without an id, which are ignored: {listed.rows_without_id:,}.")
        return listed

    def _print_end(self, text: str) -> None:
        """Print why it ended early; with --json also the report."""
        if self.json and self._bulk is not None:
            print(named_json(self._bulk.report), flush=True)
        print_message(text)

    def _write_junit(self, code: ExitCode) -> ExitCode:
        """Write the JUnit XML, however the bulk has ended; return the exit code."""
        if self._report_file is not None and self._bulk is not None:
            try:
                self._report_file.write(self._bulk.report.to_junit())
            except OSError as exc:
                print_message(f"{self.junit} could not be written: {exc.strerror}.")
                return code or ExitCode.FILES
        return code

    def _how_to_continue(self) -> str:
        if self._bulk is None or not self._bulk.report.outcomes:
            return "Nothing was triggered."
        done = detached_text(self._bulk.report)
        if not self.has_journal:
            command = shlex.join(["bentley-sync", *self.arguments, "--journal", "bulk.db"])
            return (
                f"{done}\nThere is no --journal, so nothing was recorded: "
                f"the same command would run all of them again. "
                f"With a journal, it continues where it was left:\n  {command}"
            )
        command = shlex.join(["bentley-sync", *self.arguments])
        stdin = ", given the same ids again" if self.file == STDIN else ""
        return f"{done}\nTo continue within twelve hours and repeat nothing{stdin}:\n  {command}"


async def show(bulk: BulkRun, view: BulkView, *, every: float) -> None:
    """Show the events of a bulk to its end, and its progress every so many seconds."""
    due = anyio.current_time()
    with view:
        while True:
            with anyio.move_on_after(due - anyio.current_time()) as pause:
                event = await anext(bulk, None)
                if event is None:
                    break
                view.show(event)
            if pause.cancelled_caught or anyio.current_time() >= due:
                view.tick(bulk.progress)
                due = anyio.current_time() + every
        view.tick(bulk.progress)
