"""`bentley-sync run` and `attach`: one run of the configured service, followed to its end."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable, Sequence

import anyio
from attrs import define

from bentley_sync_async import (
    IModelBusyError,
    PollDelayed,
    RunAppeared,
    RunFailedError,
    RunRef,
    RunVanishedError,
    RunWatcher,
    SynchronizationClient,
    SynchronizationError,
    TokenUnavailableError,
    TransportError,
    TriggerDelayed,
    WatchEvent,
    WatchTimeoutError,
)
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error, code_of_run
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.network import network_text
from bentley_sync_async.cli.shutdown import SHUTDOWN_ERRORS, Screen, code_of_shutdown, print_message, run_to_end
from bentley_sync_async.cli.views.run import best_view
from bentley_sync_async.cli.views.summary import Outcome, print_summary

_PATIENCE = 60.0  # seconds for a host that was never reached; an outage in the middle of a watch gets half an hour


@define(kw_only=True)
class Follower:
    """Follows one run, and reports how to follow it again.

    Attributes:
        make_client: Makes the client.
        open_watch: Opens the watch.
        arguments: The arguments of this command, to repeat it if no run is known.
        hint: A hint for invalid arguments.
        json: Whether to print events as JSON.
    """

    make_client: Callable[[], SynchronizationClient]
    open_watch: Callable[[SynchronizationClient], RunWatcher]
    arguments: Sequence[str]
    hint: str = ""
    json: bool = False
    _watcher: RunWatcher | None = None
    _client: SynchronizationClient | None = None

    def run(self) -> ExitCode:
        """Follow the run to its end, an error or a shutdown; return the exit code."""
        try:
            return run_to_end(self.follow)
        except SHUTDOWN_ERRORS as error:
            print_message(f"Detached. {self._how_to_continue()}")
            return code_of_shutdown(error)
        except SynchronizationError as error:
            print_message(self._error_text(error))
            return code_of_error(error)

    async def follow(self) -> ExitCode:
        """Follow the run to its end and show its events; return the exit code."""
        async with self.make_client() as client:
            self._client = client
            try:
                self._watcher = watcher = self.open_watch(client)
            except SynchronizationError as error:  # nothing was sent: an argument is invalid
                print_message(f"{error}\n{self.hint}" if self.hint else str(error))
                return ExitCode.USAGE
            return await (self._as_json(watcher) if self.json else self._for_people(client, watcher))

    async def _events(self, watcher: RunWatcher) -> AsyncIterator[WatchEvent]:
        """Yield the events of the watch, as long as the service was reached within the first minute.

        Raises:
            SynchronizationError: The failure of the last attempt to reach it.
        """
        began_at, reached = anyio.current_time(), False
        async for event in watcher:
            unreached = _unreached(event)
            reached = reached or unreached is None
            yield event
            if unreached is not None and not reached and anyio.current_time() - began_at >= _PATIENCE:
                raise unreached

    async def _as_json(self, watcher: RunWatcher) -> ExitCode:
        async for event in self._events(watcher):
            print(event.to_json(), flush=True)  # so that a pipe has it at once
        run = await watcher.result()
        try:
            run.raise_for_result()
        except RunFailedError as failure:
            print_message(str(failure))
        return code_of_run(run)

    async def _for_people(self, client: SynchronizationClient, watcher: RunWatcher) -> ExitCode:
        console, names = Screen(), DisplayNames(url=client.run_url)
        with best_view(console, names, [watcher.connection_id]) as view:
            async for event in self._events(watcher):
                if isinstance(event, RunAppeared):  # not before: nothing may delay the trigger
                    for connection_id in dict.fromkeys([event.ref.connection_id, watcher.connection_id]):
                        await names.fetch(client, connection_id)
                view.show(watcher.connection_id, event)
        run = await watcher.result()
        if run.failed_tasks:
            # A file has a name after its first run.
            await names.fetch(client, run.connection_id or watcher.connection_id)
        print_summary(console, [Outcome(names.connection(watcher.connection_id), run)], names)
        return code_of_run(run)

    def _error_text(self, error: SynchronizationError) -> str:
        if isinstance(error, WatchTimeoutError):
            state = f" with the run in {error.run.state}" if error.run is not None else ""
            return f"The timeout of the watch ran out{state}. {self._how_to_continue()}"
        if isinstance(error, IModelBusyError):
            return (
                f"The iModel is busy with {error.ref}. "
                "Run again when it has ended, or let the command wait for that: --when-busy wait."
            )
        error_text = network_text(error) if isinstance(error, TransportError) else str(error)
        seen = self._watcher is not None and self._watcher.run is not None
        going_on = seen and not isinstance(error, RunVanishedError)
        return f"{error_text}\n{self._how_to_continue()}" if going_on else error_text

    @property
    def _ref(self) -> RunRef | None:
        return self._watcher.ref if self._watcher is not None else None

    def _how_to_continue(self) -> str:
        ref = self._ref
        if ref is None or self._client is None:
            command = shlex.join(["bentley-sync", *self.arguments])
            return f"No run was seen yet; if there is one, it goes on. To follow it:\n  {command}"
        command = shlex.join(["bentley-sync", "attach", self._client.run_url(ref), *(["--json"] * self.json)])
        if self._watcher is not None and self._watcher.run is not None and self._watcher.run.completed:
            return f"The run is completed. To see it again:\n  {command}"
        return f"The run goes on: the API cannot cancel it. To follow it again:\n  {command}"


def _unreached(event: WatchEvent) -> SynchronizationError | None:
    """Return the failure of a request that reached neither the service nor the issuer; `None` if one was reached."""
    if not isinstance(event, TriggerDelayed | PollDelayed):
        return None
    cause = event.cause
    never_sent = isinstance(cause, TransportError) and not cause.sent
    return cause if never_sent or isinstance(cause, TokenUnavailableError) else None
