"""`bentley-sync demo`: three synchronizations and a publish on an emulator in this process, watched for real."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import anyio
from attrs import frozen
from rich.console import Console

from bentley_sync_async import (
    BackoffPacing,
    ClientCredentials,
    ConnectorType,
    SourceFileCreate,
    StorageConnection,
    SynchronizationClient,
    SynchronizationError,
)
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.shutdown import SHUTDOWN_ERRORS, Screen, code_of_shutdown, print_message, run_to_end
from bentley_sync_async.cli.views.run import View, best_view
from bentley_sync_async.cli.views.summary import Outcome, print_summary
from bentley_sync_async.emulator import Emulator, FileRule, RunRule

from .demo_publish import publish_twice

SPEED = 15
"""How many seconds of a run pass in one second of the demo."""

_PACING = BackoffPacing(shortest=0.2, factor=1.5, longest=0.8)  # 3 to 12 seconds of the service's time
_LIMIT = 30.0

_REAL = """\

On the real service, with BENTLEY_SYNC_CLIENT_ID and BENTLEY_SYNC_CLIENT_SECRET
of your service application (see the README): bentley-sync run CONNECTION_ID"""


@frozen
class Plan:
    """A connection to create.

    Attributes:
        name: Its name.
        imodel: Which of the demo's iModels.
        files: Name and connector of each file.
    """

    name: str
    imodel: str
    files: tuple[tuple[str, ConnectorType], ...]


PLANS = (
    Plan(
        "Station",
        "Station",
        (
            ("structure.dgn", ConnectorType.MSTN),
            ("facade.dgn", ConnectorType.MSTN),
            ("survey.dwg", ConnectorType.DWG),
        ),
    ),
    Plan("Platforms", "Station", (("canopy.rvt", ConnectorType.REVIT), ("lighting.rvt", ConnectorType.REVIT))),
    Plan("Bridge", "Bridge", (("deck.ifc", ConnectorType.IFC), ("piers.ifc", ConnectorType.IFC))),
)
"""Two connections share an iModel, so that one of them has to wait for the other."""

_RUN_RULE = RunRule(
    queued=(3, 6), waiting=(10, 20), preprocessing=(4, 8), references=(4, 8), finalizing=(3, 6), parallel=2
)
_FILE_RULES = (
    FileRule(queued=(2, 6), duration=(20, 40), retries=0),
    FileRule(file_name="piers.ifc", duration=36, retries=1, retry_delay=10),
    FileRule(file_name="survey.dwg", error="SourceFileCorrupted"),
)


def run_demo() -> ExitCode:
    """Run the demo and return its exit code; one of its runs ends in PartialSuccess on purpose."""
    try:
        run_to_end(partial(show, Screen()))
    except SHUTDOWN_ERRORS as error:
        print_message(
            "Detached. The real service would go on; the emulator ends with the demo. Try again: bentley-sync demo"
        )
        return code_of_shutdown(error)
    except SynchronizationError as error:
        print_message(str(error))
        return code_of_error(error)
    return ExitCode.SUCCESS


async def show(console: Console) -> None:
    """Create the connections, follow their runs to the end, print the summary; then publish files."""
    names = DisplayNames()
    emulator = Emulator(speed=SPEED, seed=2, error_rate=0.0, accept_window=0.0)
    emulator.add_run_rule(_RUN_RULE)
    for rule in _FILE_RULES:
        emulator.add_file_rule(rule)
    async with (
        emulator,
        SynchronizationClient(
            ClientCredentials(emulator.client_id, emulator.client_secret), base_url=emulator.url, issuer=emulator.url
        ) as client,
    ):
        console.print(
            f"Emulated service: {emulator.url}, {SPEED} times as fast as the real one.\n",
            highlight=False,
            soft_wrap=True,
        )
        connections = await _create(client, emulator, names)
        outcomes = await _synchronize(client, connections, best_view(console, names, names.connections))
        for connection in connections:
            await names.fetch(client, connection.id)
        print_summary(console, outcomes, names)
        await publish_twice(console, client, _PACING)
        console.print(_REAL, markup=False, highlight=False, soft_wrap=True)


async def _create(client: SynchronizationClient, emulator: Emulator, names: DisplayNames) -> list[StorageConnection]:
    """Create the connections of files that count as uploaded to Storage."""
    imodel_ids = {name: emulator.new_imodel_id() for name in sorted({plan.imodel for plan in PLANS})}
    connections = []
    for plan in PLANS:
        imodel_id = imodel_ids[plan.imodel]
        uploaded = {emulator.new_storage_file_id(name, imodel_id=imodel_id): (name, kind) for name, kind in plan.files}
        connection = await client.storage_connections.create(
            imodel_id,
            [SourceFileCreate(file_id, kind) for file_id, (_, kind) in uploaded.items()],
            display_name=plan.name,
        )
        names.connections[connection.id] = connection.display_name or plan.name
        names.files.update({file_id: name for file_id, (name, _) in uploaded.items()})
        connections.append(connection)
    return connections


async def _synchronize(
    client: SynchronizationClient, connections: Sequence[StorageConnection], view: View
) -> list[Outcome]:
    """Trigger all connections at once and follow their runs, each in a task of its own."""
    outcomes: dict[str, Outcome] = {}

    async def follow(connection: StorageConnection) -> None:
        name = connection.display_name or connection.id
        watcher = client.watch(connection.id, timeout=_LIMIT, pacing=_PACING)
        async for event in watcher:
            view.show(connection.id, event)
        outcomes[connection.id] = Outcome(name, await watcher.result())

    try:
        with view:
            async with anyio.create_task_group() as group:
                for connection in connections:
                    group.start_soon(follow, connection)
    except ExceptionGroup as failures:  # one watch is enough to end the demo
        raise failures.exceptions[0] from failures
    return [outcomes[connection.id] for connection in connections]
