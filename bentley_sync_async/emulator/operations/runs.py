"""Runs of a storage connection (pages `run-storage-connection`, `get-storage-connection-runs`, ...)."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.messages import Call, Reply
from bentley_sync_async.emulator.payloads import RunView
from bentley_sync_async.emulator.problems import already_processing
from bentley_sync_async.emulator.world import Run, World

from .lookup import connection_of, require_permission, run_of
from .paging import page, wants_representation

_CODE = "InvalidStorageConnectionRunRequest"
_LIST_CODE = "InvalidStorageConnectionRunsRequest"


def run_storage_connection(world: World, call: Call) -> Reply:
    """Answer `run-storage-connection`.

    The first of several simultaneous triggers is answered at once; for as long as it is still being accepted the
    others get a 409, and after that a 303 to its run.
    """
    connection = connection_of(world, call, _CODE)
    require_permission(world, connection)
    if world.accepting(connection.imodel_id):
        raise already_processing()
    active = world.active_run(connection.imodel_id)
    if active is not None:
        return Reply(303, headers=_location(world, call, active))
    world.accept(connection.imodel_id)
    return Reply(202, headers=_location(world, call, world.start_run(connection)))


def list_runs(world: World, call: Call) -> Reply:
    """Answer `get-storage-connection-runs`; its links have the wrong path that the page prints."""
    connection = connection_of(world, call, _LIST_CODE)
    whole = wants_representation(call, world.settings)
    runs = list(connection.runs.values())

    def show(run: Run) -> dict[str, Any]:
        view = RunView(run, world.running_clock, world.settings)
        return view.whole() if whole else view.summary()

    return page(
        call,
        world.settings,
        code=_LIST_CODE,
        name="runs",
        items=runs[::-1] if world.settings.newest_first else runs,
        show=show,
        path=f"imodels/connection/{connection.id}/runs",
    )


def get_run(world: World, call: Call) -> Reply:
    """Answer `get-storage-connection-run`."""
    connection = connection_of(world, call, _CODE)
    run = run_of(connection, call, _CODE)
    return Reply.of_json(200, {"run": RunView(run, world.running_clock, world.settings).whole()})


def _location(world: World, call: Call, run: Run) -> dict[str, str]:
    return {"Location": run.path if world.settings.location == "relative" else call.root + run.path}
