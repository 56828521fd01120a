"""What a type checker has to refuse: each line is an error, and an ignore that is not needed is one as well."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from bentley_sync_async import (
    ConnectorType,
    RunRef,
    SourceFileCreate,
    StorageRun,
    SynchronizationClient,
    Timeouts,
    TokenUnavailableError,
)


async def refused(client: SynchronizationClient, run: StorageRun) -> None:
    client.storage_connections.list("i", prefer="everything")  # type: ignore[call-overload]
    client.watch("c", when_busy="explode")  # type: ignore[arg-type]
    client.watch("c", 5)  # type: ignore[call-arg]
    client.attach(5)  # type: ignore[arg-type]
    await client.storage_connections.create("i", ["f"])  # type: ignore[list-item]
    await client.storage_connections.runs.trigger(run.connection_id)  # type: ignore[arg-type]
    run.state = run.state  # type: ignore[misc]
    RunRef("c", "r")  # type: ignore[call-arg]
    Timeouts(5)  # type: ignore[call-arg]
    SourceFileCreate(ConnectorType.MSTN)  # type: ignore[call-arg]
    SynchronizationClient(5)  # type: ignore[arg-type]
    TokenUnavailableError()  # type: ignore[call-arg]
