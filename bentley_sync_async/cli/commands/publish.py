"""`bentley-sync publish`: an iModel of the configured service, brought up to date with local files."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable

from attrs import define

from bentley_sync_async import InvalidArgumentError, SynchronizationClient
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_publish
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.publish import left_text, publish_report_text
from bentley_sync_async.cli.shutdown import Screen, run_to_end
from bentley_sync_async.cli.views.background import JSONView, named_json
from bentley_sync_async.cli.views.publish import PublishView, best_publish_view
from bentley_sync_async.publish import FileAction, PublishReport, PublishRun, SavedReports

from .background import BackgroundCommand, show

INTERVAL = 0.25  # seconds between two updates of the progress
_RATE = re.compile(r"(\d+(?:\.\d+)?)([kKmM]?)")
_FACTORS = {"": 1, "k": 1024, "m": 1024 * 1024}


@define(kw_only=True)
class Publish(BackgroundCommand):
    """Brings an iModel up to date with local files, and reports how to continue.

    Attributes:
        make_client: Makes the client.
        open_publish: Opens the publish.
        reports: The folder for the diagnostic reports of files that could not be synchronized; `None` for none.
        dry_run: Whether to print the plan instead.
    """

    make_client: Callable[[], SynchronizationClient]
    open_publish: Callable[[SynchronizationClient], PublishRun]
    reports: str | None = None
    dry_run: bool = False
    _publish: PublishRun | None = None

    def _run(self) -> ExitCode:
        self._check_junit()
        return run_to_end(self.follow)

    async def follow(self) -> ExitCode:
        """Publish and show the events; return the exit code."""
        async with self.make_client() as client:
            publish = self.open_publish(client)
            if self.dry_run:
                return await self._plan(publish)
            async with publish:
                self._publish = publish
                names = DisplayNames(url=client.run_url)
                view: PublishView = JSONView() if self.json else best_publish_view(Screen(), names)
                await show(publish, view, every=math.inf if self.json else INTERVAL)
                # Inside: the journal keeps the runs until the report is printed.
                report = publish.report
                if self.reports is not None:
                    self._print_saved(await publish.save_reports(self.reports))
                return self._print_report(report, publish_report_text(report), code_of_publish(report))

    def _print_saved(self, reports: SavedReports) -> None:
        if self.json:
            print(named_json(reports), flush=True)
        elif text := str(reports):
            Screen().print(text, markup=False, highlight=False, soft_wrap=True)

    async def _plan(self, publish: PublishRun) -> ExitCode:
        plan = await publish.plan()
        if self.json:
            print(named_json(plan))
        else:
            print(plan)
        return ExitCode.FILES if plan.counts[FileAction.REFUSE] else ExitCode.SUCCESS

    def _report(self) -> PublishReport | None:
        return self._publish.report if self._publish is not None else None

    def _begun(self) -> bool:
        report = self._report()
        return report is not None and bool(report.files or report.runs)

    def _how_to_continue(self) -> str:
        report = self._report()
        if report is None or not self._begun():
            return "Nothing was uploaded or triggered."
        if not self.has_journal:
            command = shlex.join(["bentley-sync", *self.arguments, "--journal", "publish.db"])
            return (
                f"{left_text(report)}\nThere is no --journal, so nothing was recorded: the same command asks the "
                "service what is there, and may run connections again. With a journal, it continues where it was "
                f"left the next time:\n  {command}"
            )
        command = shlex.join(["bentley-sync", *self.arguments])
        return f"{left_text(report)}\nTo continue and repeat nothing:\n  {command}"


def bytes_of(rate: str | None) -> float | None:
    """Return the bytes a second of a rate such as `500K` or `1.5M`; as for curl, K is 1,024 bytes and M 1,024 K.

    Raises:
        InvalidArgumentError: It is no such rate, or is 0.
    """
    if rate is None:
        return None
    found = _RATE.fullmatch(rate)
    if found is None or not float(found[1]):
        raise InvalidArgumentError(
            f"--limit-rate takes bytes a second above 0, with K or M for 1,024 or 1,048,576 of them, not {rate!r}."
        )
    return float(found[1]) * _FACTORS[found[2].lower()]
