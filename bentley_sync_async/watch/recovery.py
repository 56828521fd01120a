"""Searches for the run of a trigger whose answer was lost.

Such a trigger may have created a run. The instant of the trigger is compared with the start of a run by the server's
clock alone: the Date header of the response that shows the run, less the seconds that have passed here since then. So a
local clock that is wrong, or is set meanwhile, cannot make an old run look like a new one. Three cases stay inexact:

* The Date header counts whole seconds and is older than its arrival. A run that another client started less than a
  second and the time of one response before our trigger counts as ours.
* Without a Date header, a run that has ended by the time of the search cannot be distinguished from an older one.
* After a resume on another machine, the seconds that have passed are as exact as the clocks of the two machines agree.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
from attrs import frozen

from bentley_sync_async.errors import LocationError, NotFoundError, ProtocolError
from bentley_sync_async.models import RunRef, StorageRun
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.wire.headers import server_date
from bentley_sync_async.wire.locations import run_ref

from .retry_state import GRACE


@frozen(kw_only=True)
class RecoveredRun:
    """The run of the connection that the search has found.

    Attributes:
        ref: The run.
        ours: Whether it started after our trigger; otherwise it was active before it.
    """

    ref: RunRef
    ours: bool


async def find_triggered_run(
    connections: AnyConnections, connection_id: str, *, attempted_at: float
) -> RecoveredRun | None:
    """Return the connection's run that is active or started after the attempt; `None` if there is none.

    Args:
        connections: The resource to search.
        connection_id: The connection that was triggered.
        attempted_at: When it was triggered, by the event loop's clock.

    Raises:
        SynchronizationError: A request failed.
    """
    ref = await _latest(connections, connection_id)
    return await classify_run(connections, ref, attempted_at=attempted_at) if ref is not None else None


async def classify_run(connections: AnyConnections, ref: RunRef, *, attempted_at: float) -> RecoveredRun | None:
    """Return whether a run is ours; `None` if it ended before the attempt. Arguments as for `find_triggered_run`."""
    try:
        run, response = await connections.runs.reader(ref).read()
    except NotFoundError as exc:
        if anyio.current_time() - attempted_at < GRACE:
            raise LocationError(f"The service does not show {ref} yet.") from exc
        return None
    elapsed = timedelta(seconds=anyio.current_time() - attempted_at)
    server_now = server_date(response.headers)
    # A run that ended at once may never have started.
    started = run.start_date_time or run.end_date_time
    if started is None or server_now is None:
        # A run that has not started reads the files as they are now, just as a run of ours would.
        return None if run.completed else RecoveredRun(ref=ref, ours=started is None)
    ours = started >= server_now - elapsed
    return RecoveredRun(ref=ref, ours=ours) if ours or not run.completed else None


async def _latest(connections: AnyConnections, connection_id: str) -> RunRef | None:
    """Return the latest run: by the connection's `lastRun` link, which the service sets at once, else by the list."""
    connection = await connections.get(connection_id)
    link = connection.links.last_run
    if link is not None and link.href:
        try:
            ref = run_ref(link.href, base_url=connections.base_url)
        except ProtocolError:
            pass  # a gateway may show links to another host; the list needs no link
        else:
            if (ref.kind, ref.connection_id) == (connections.kind, connection_id):
                return ref
    runs = [run async for run in connections.runs.list(connection_id, prefer="representation")]
    active = [run for run in runs if not run.completed]
    latest = active[0] if active else max(runs, key=_started_at, default=None)
    if latest is None:
        return None
    return RunRef(connection_id=connection_id, run_id=latest.id, kind=connections.kind)


def _started_at(run: StorageRun) -> datetime:
    return run.start_date_time or run.end_date_time or datetime.min.replace(tzinfo=UTC)
