"""Runs of a connection (pages `run-storage-connection`, `get-storage-connection-runs`, ...)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.synchronization.payloads import RunView
from bentley_sync_async.emulator.synchronization.problems import already_processing
from bentley_sync_async.emulator.synchronization.store import Connection, Run, Store

from .entities import connection_of, require_permission, run_of
from .kinds import MANIFEST, STORAGE, Kind


def run_storage_connection(store: Store, call: Call) -> Reply:
    """Answer `run-storage-connection`.

    The first of several simultaneous triggers gets a 202 immediately. The others get a 409 while the first is being
    accepted, and after that a 303 to its run.
    """
    connection = connection_of(store, call, STORAGE.run_code)
    require_permission(store, connection)
    return trigger(store, call, connection, lambda: store.start_run(connection))


def trigger(store: Store, call: Call, connection: Connection, start: Callable[[], Run]) -> Reply:
    """Answer a trigger: start a run, or name the one that is active on the iModel."""
    if store.in_accept_window(connection.imodel_id):
        raise already_processing()
    active = store.active_run(connection.imodel_id)
    if active is not None:
        return Reply(303, headers=_location(store, call, active))
    store.open_accept_window(connection.imodel_id)
    return Reply(202, headers=_location(store, call, start()))


def list_runs(store: Store, call: Call, kind: Kind = STORAGE) -> Reply:
    """Answer `get-storage-connection-runs`, with the wrong path of the page in its paging links, or the twin."""
    connection = connection_of(store, call, kind.runs_code, kind)
    path = kind.path if kind is MANIFEST else "/synchronization/imodels/connection"
    full = wants_representation(call, store.settings)
    runs = list(connection.runs.values())

    def show(run: Run) -> dict[str, Any]:
        view = RunView(run, store.running_clock, store.settings)
        return view.full() if full else view.summary()

    return page(
        call,
        store.settings,
        code=kind.runs_code,
        name="runs",
        items=runs[::-1] if store.settings.newest_first else runs,
        show=show,
        path=f"{path}/{connection.id}/runs",
    )


def get_run(store: Store, call: Call, kind: Kind = STORAGE) -> Reply:
    """Answer `get-storage-connection-run` or `get-manifest-connection-run`."""
    connection = connection_of(store, call, kind.run_code, kind)
    run = run_of(connection, call, kind.run_code)
    return Reply.of_json(200, {"run": RunView(run, store.running_clock, store.settings).full()})


def _location(store: Store, call: Call, run: Run) -> dict[str, str]:
    return {"Location": run.path if store.settings.location == "relative" else call.root + run.path}
