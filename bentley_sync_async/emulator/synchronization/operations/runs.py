"""Runs of a storage connection (pages `run-storage-connection`, `get-storage-connection-runs`, ...)."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.synchronization.payloads import RunView
from bentley_sync_async.emulator.synchronization.problems import already_processing
from bentley_sync_async.emulator.synchronization.store import Run, Store

from .entities import connection_of, require_permission, run_of

_CODE = "InvalidStorageConnectionRunRequest"
_LIST_CODE = "InvalidStorageConnectionRunsRequest"


def run_storage_connection(store: Store, call: Call) -> Reply:
    """Answer `run-storage-connection`.

    The first of several simultaneous triggers gets a 202 immediately. The others get a 409 while the first is being
    accepted, and after that a 303 to its run.
    """
    connection = connection_of(store, call, _CODE)
    require_permission(store, connection)
    if store.in_accept_window(connection.imodel_id):
        raise already_processing()
    active = store.active_run(connection.imodel_id)
    if active is not None:
        return Reply(303, headers=_location(store, call, active))
    store.open_accept_window(connection.imodel_id)
    return Reply(202, headers=_location(store, call, store.start_run(connection)))


def list_runs(store: Store, call: Call) -> Reply:
    """Answer `get-storage-connection-runs`; its paging links have the same wrong path as on the page."""
    connection = connection_of(store, call, _LIST_CODE)
    full = wants_representation(call, store.settings)
    runs = list(connection.runs.values())

    def show(run: Run) -> dict[str, Any]:
        view = RunView(run, store.running_clock, store.settings)
        return view.full() if full else view.summary()

    return page(
        call,
        store.settings,
        code=_LIST_CODE,
        name="runs",
        items=runs[::-1] if store.settings.newest_first else runs,
        show=show,
        path=f"/synchronization/imodels/connection/{connection.id}/runs",
    )


def get_run(store: Store, call: Call) -> Reply:
    """Answer `get-storage-connection-run`."""
    connection = connection_of(store, call, _CODE)
    run = run_of(connection, call, _CODE)
    return Reply.of_json(200, {"run": RunView(run, store.running_clock, store.settings).full()})


def _location(store: Store, call: Call, run: Run) -> dict[str, str]:
    return {"Location": run.path if store.settings.location == "relative" else call.root + run.path}
