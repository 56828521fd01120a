"""A program that uses manifest connections, for the type checkers."""

from typing import assert_type

from bentley_sync_async import (
    ConnectorType,
    DocumentAttribute,
    ManifestAction,
    ManifestFile,
    ManifestRun,
    RunWatcher,
    StorageRun,
    SynchronizationClient,
)
from bentley_sync_async.models import (
    ConnectionDetails,
    ConnectionSummary,
    ManifestConnection,
    ManifestSourceFile,
    TriggeredRun,
)


async def manifests(client: SynchronizationClient) -> ConnectionDetails:
    api = client.manifest_connections
    connection = await api.create("imodel", ["dms-7"], display_name="n")
    assert_type(connection, ManifestConnection)
    assert_type([one async for one in api.list("imodel")], list[ConnectionSummary])
    assert_type([one async for one in api.list("imodel", prefer="representation")], list[ManifestConnection])
    assert_type(await api.source_files.add(connection.id, "dms-8"), ManifestSourceFile)
    assert_type([one async for one in api.source_files.list(connection.id)], list[ManifestSourceFile])
    file = ManifestFile(
        id="dms-7",
        name="a.dgn",
        url="https://blobs.example/a.dgn",
        connector_type=ConnectorType.MSTN,
        action=ManifestAction.BRIDGE,
        document_attribute=DocumentAttribute(class_name="PWDocumentLink", properties={"Revision": "R01"}),
    )
    assert_type(await api.runs.trigger(connection.id, [file]), TriggeredRun)
    assert_type(await api.runs.get(connection.id, "run"), StorageRun)
    run = ManifestRun(connection_id=connection.id, files=(file,))
    watcher = client.watch_manifest(run, timeout=3600)
    assert_type(watcher, RunWatcher)
    client.resume(watcher.resume_token(), manifest=run)
    client.run_many([run, "storage connection"])
    return connection
