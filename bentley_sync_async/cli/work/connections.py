"""Connections of both kinds: creation, the card of a connection, and the card of a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bentley_sync_async import (
    AuthenticationType,
    ConnectorType,
    InvalidArgumentError,
    RunRef,
    SourceFileCreate,
    StorageJob,
    StorageRun,
    StorageTask,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import error_text
from bentley_sync_async.cli.lookup import Kind, latest
from bentley_sync_async.cli.output.answers import Card, Section
from bentley_sync_async.cli.output.columns import Column, status_text
from bentley_sync_async.cli.output.values import seconds_text
from bentley_sync_async.cli.verbs.session import Session


def connector_type(name: str) -> ConnectorType:
    """Return a connector by its name, in upper or lower case."""
    return ConnectorType(name.upper())


def authentication_type(name: str | None) -> AuthenticationType | None:
    """Return as whom the service works; `None` if nobody said."""
    return AuthenticationType(name.capitalize()) if name is not None else None


async def source_file(at: Session, text: str, connector: str | None) -> SourceFileCreate:
    """Return a file to synchronize, by `PATH` or `PATH:CONNECTOR`.

    Raises:
        InvalidArgumentError: No connector is named.
    """
    path, colon, own = text.rpartition(":")
    if colon and "/" not in own:
        connector, text = own, path
    if not connector:
        raise InvalidArgumentError(f"Which connector reads {text}? Add it as {text}:MSTN, or name it with --connector.")
    return SourceFileCreate(await at.lookup.file(text), connector_type(connector))


async def create_connection(
    at: Session, name: str, files: Sequence[str], connector: str | None, authentication: str | None
) -> object:
    """Create a storage connection, with files by path or id."""
    imodel_id = await at.imodel()
    if at.lookup.itwin_given is None:
        at.lookup.itwin_given = (await at.client.imodels.get(imodel_id)).itwin_id
    return await at.client.storage_connections.create(
        imodel_id,
        [await source_file(at, file, connector) for file in files],
        display_name=name,
        authentication_type=authentication_type(authentication),
    )


async def connection_card(at: Session, connection_id: str) -> object:
    """Return a storage connection, for people with its files and its latest run."""
    connections = at.client.storage_connections
    connection = await connections.get(connection_id)
    if not at.people:
        return connection
    files = [file async for file in connections.source_files.list(connection_id, prefer="representation")]
    runs = await connections.runs.recent(connection_id)
    sections = [Section(title="Source files", records=files)]
    if runs:
        sections.append(Section(title="Latest run", records=[latest(runs)]))
    return Card(connection, sections)


async def run_card(at: Session, ref: RunRef) -> object:
    """Return a run, for people with a row for each file, by its name where that is known."""
    of_kind = at.client.storage_connections if ref.kind == "storage" else at.client.manifest_connections
    run: StorageRun = await of_kind.runs.get(ref.connection_id, ref.run_id)
    if not at.people:
        return run
    names = DisplayNames()
    if ref.kind == "storage" and run.jobs:
        await names.fetch(at.client, ref.connection_id)
    rows = [(task, job) for job in run.jobs for task in job.tasks]
    extra = [("Connection", names.connections.get(ref.connection_id) or ref.connection_id)]
    articles = {task.error.kb_article_link for task, _ in rows if task.error and task.error.kb_article_link}
    extra += [("Read on", article) for article in sorted(articles)]
    return Card(run, [Section(title="Files", records=rows, columns=task_columns(names))], extra)


def task_columns(names: DisplayNames) -> list[Column]:
    """Return the columns of a table of tasks."""
    return [
        Column("File", lambda row: names.file(row[0])),
        Column("Connector", lambda row: row[1].connector_type, rank=3),
        Column("Status", lambda row: status_text(row[0])),
        Column("Duration", _duration, rank=1),
        Column("Error", lambda row: error_text(row[0].error) if row[0].error is not None else None),
    ]


def _duration(row: tuple[StorageTask, StorageJob]) -> str | None:
    begun, ended = row[0].start_date_time, row[0].end_date_time
    return seconds_text(max(ended - begun, timedelta(0)).total_seconds()) if begun and ended else None


__all__ = [
    "Kind",
    "authentication_type",
    "connection_card",
    "connector_type",
    "create_connection",
    "run_card",
    "source_file",
    "task_columns",
]
