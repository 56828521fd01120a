"""`bentley-sync bulk`: many connections of the configured service, each run once."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial

from attrs import define

from bentley_sync_async import InvalidArgumentError, SynchronizationClient
from bentley_sync_async.bulk import BulkReport, BulkRun
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_report
from bentley_sync_async.cli.formatting.budget import hour_text, quota_text
from bentley_sync_async.cli.formatting.bulk import detached_text, report_text
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.id_lists import STDIN, IdList, read_ids
from bentley_sync_async.cli.shutdown import Screen, print_message, run_to_end
from bentley_sync_async.cli.views.background import JSONView, named_json
from bentley_sync_async.cli.views.bulk import BulkView, best_bulk_view

from .background import BackgroundCommand, show

_INTERVAL = 1.0  # seconds between two updates of the progress, which cost time


@define(kw_only=True)
class Bulk(BackgroundCommand):
    """Runs the connections of a file or of iModels, and reports how to continue.

    Attributes:
        make_client: Makes the client.
        open_bulk: Opens the bulk of these connections.
        file: The file with the ids, `-` for standard input; `None` if there is none.
        column: The column of the ids.
        imodels: How many iModels were given.
        dry_run: Whether to print the plan instead.
    """

    make_client: Callable[[], SynchronizationClient]
    open_bulk: Callable[[SynchronizationClient, Sequence[str]], BulkRun]
    file: str | None = None
    column: str | None = None
    imodels: int = 0
    dry_run: bool = False
    _bulk: BulkRun | None = None

    def _run(self) -> ExitCode:
        if self.file is None and not self.imodels:
            raise InvalidArgumentError(
                "Name a file with the ids of connections (- for standard input), or an --imodel."
            )
        listed = self._listed()
        self._check_junit()
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
                view: BulkView = JSONView() if self.json else best_bulk_view(Screen(), names, use=lambda: client.budget)
                await show(bulk, view, every=math.inf if self.json else _INTERVAL)
                # Inside: the journal keeps the bulk until the report is printed.
                report = bulk.report
                text = "\n".join(part for part in (report_text(report), hour_text(client.budget)) if part)
                return self._print_report(report, text, code_of_report(report))

    def _report(self) -> BulkReport | None:
        return self._bulk.report if self._bulk is not None else None

    def _begun(self) -> bool:
        return self._bulk is not None and bool(self._bulk.report.outcomes)

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
