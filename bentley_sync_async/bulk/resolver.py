"""The resolver: finds the connections of iModels, the iModel of each connection, and the durations of past runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, evolve, field

from bentley_sync_async.errors import (
    AuthenticationError,
    ConfigurationError,
    CredentialsError,
    InvalidArgumentError,
    SynchronizationError,
    UsageError,
)
from bentley_sync_async.pacing.history import durations_of
from bentley_sync_async.redaction import redact
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.wire.ids import check_id

from .common.concurrency import for_each
from .journal.base import IModelOfConnection, Journal
from .outcomes import FailedFile, Outcome, OutcomeStatus, status_of_error

_CONCURRENCY = 16

CLIENT_WIDE_ERRORS = (AuthenticationError, ConfigurationError, CredentialsError, UsageError)
"""Errors that concern every request of the client, not one connection."""


@define
class ResolvedConnections:
    """The connections of a bulk, resolved as far as possible.

    Attributes:
        imodels: Their iModels, as far as they are known.
        durations: The durations of their latest runs in seconds, as far as they are known.
        refused: The outcomes of connections that the service refused to return.
    """

    imodels: dict[str, IModelOfConnection] = field(factory=dict)
    durations: dict[str, Sequence[float]] = field(factory=dict)
    refused: list[Outcome] = field(factory=list)


class ConnectionResolver:
    """Resolves connections by the journal first, then by requests to the service, a few at a time."""

    def __init__(self, connections_for: Callable[[str], AnyConnections], journal: Journal) -> None:
        """Make a resolver.

        Args:
            connections_for: Returns the resource for the requests of one connection.
            journal: Knows earlier results, and stores new ones.
        """
        self._connections_for = connections_for
        self._journal = journal
        self._resolved = ResolvedConnections()

    async def connections_of(self, imodel_ids: Iterable[str]) -> tuple[list[str], list[Outcome]]:
        """Return the connections of iModels, and outcomes for the iModels that could not be listed.

        Raises:
            SynchronizationError: The credentials were refused.
        """
        refused: list[Outcome] = []
        found: dict[str, list[str]] = {}

        async def list_connections(imodel_id: str) -> None:
            try:
                listing = self._connections_for("").list(check_id(imodel_id, "imodel_id"), prefer="representation")
                connections = [connection async for connection in listing]
            except SynchronizationError as error:
                if isinstance(error, CLIENT_WIDE_ERRORS):
                    raise
                status = status_of_error(error)
                refused.append(Outcome(connection_id=None, imodel_id=str(imodel_id), status=status, reason=str(error)))
                return
            found[imodel_id] = [connection.id for connection in connections]
            for connection in connections:
                self._resolved.imodels[connection.id] = IModelOfConnection(
                    imodel_id=connection.imodel_id or imodel_id,
                    itwin_id=connection.itwin_id,
                    display_name=connection.display_name,
                )

        wanted = list(dict.fromkeys(imodel_ids))
        await for_each(wanted, list_connections, at_once=_CONCURRENCY)
        return [connection_id for one in wanted for connection_id in found.get(one, ())], refused

    async def resolve(self, connection_ids: Sequence[str]) -> ResolvedConnections:
        """Return the iModels of connections and the durations of their runs, and store them in the journal.

        Raises:
            SynchronizationError: The credentials were refused, or the journal cannot be used.
        """
        known = await self._journal.imodels(connection_ids)
        self._resolved.imodels = {**known, **self._resolved.imodels}
        self._resolved.durations = dict(await self._journal.durations(connection_ids))
        new_imodels = {one: imodel for one, imodel in self._resolved.imodels.items() if known.get(one) != imodel}
        new_durations: dict[str, Sequence[float]] = {}

        async def resolve_one(connection_id: str) -> None:
            if connection_id not in self._resolved.imodels:
                imodel = await self._imodel_of(connection_id)
                if isinstance(imodel, Outcome):
                    self._resolved.refused.append(imodel)
                    return
                if imodel is not None:
                    self._resolved.imodels[connection_id] = new_imodels[connection_id] = imodel
            if connection_id not in self._resolved.durations:
                durations = await self._durations_of(connection_id)
                if durations:
                    self._resolved.durations[connection_id] = new_durations[connection_id] = durations

        known_ids = self._resolved.imodels.keys() & self._resolved.durations.keys()
        await for_each([one for one in connection_ids if one not in known_ids], resolve_one, at_once=_CONCURRENCY)
        if new_imodels or new_durations:
            await self._journal.save_resolved(new_imodels, new_durations)
        return self._resolved

    async def _imodel_of(self, connection_id: str) -> IModelOfConnection | Outcome | None:
        """Return the iModel of a connection, the outcome if it cannot be run, or `None` if neither is known now."""
        try:
            connection = await self._connections_for(connection_id).get(connection_id)
        except CLIENT_WIDE_ERRORS:
            raise
        except SynchronizationError as error:
            status = status_of_error(error)
            if status != OutcomeStatus.REFUSED:
                return None  # the cause may have passed when the connection is triggered
            return Outcome(connection_id=connection_id, status=status, reason=str(error))
        if connection.imodel_id is None:
            return None
        return IModelOfConnection(
            imodel_id=connection.imodel_id, itwin_id=connection.itwin_id, display_name=connection.display_name
        )

    async def _durations_of(self, connection_id: str) -> list[float]:
        """Return the durations of the latest runs, with one request; none if it fails, as they are only a hint."""
        try:
            runs = await self._connections_for(connection_id).runs.recent(connection_id)
        except CLIENT_WIDE_ERRORS:
            raise
        except SynchronizationError:
            return []
        return durations_of(runs)


async def with_names(connections: AnyConnections, connection_id: str, files: Sequence[FailedFile]) -> list[FailedFile]:
    """Return failed files with the names that they had when they were last read, with one request.

    A name that is not known stays `None`, and so do all if the request fails, as they are only for people.

    Args:
        connections: The resource for the requests of the connection.
        connection_id: The connection.
        files: Files that a run of it could not synchronize.

    Raises:
        SynchronizationError: The credentials were refused.
    """
    if not isinstance(connections, StorageConnections):  # the caller has named the files of a manifest
        return list(files)
    try:
        listing = connections.source_files.list(connection_id)
        names = {one.storage_file_id: one.last_known_file_name async for one in listing}
    except CLIENT_WIDE_ERRORS:
        raise
    except SynchronizationError:
        return list(files)
    return [evolve(one, file_name=names.get(one.storage_file_id)) for one in files]


def valid_ids(connection_ids: Iterable[object]) -> tuple[list[str], list[Outcome]]:
    """Return the valid connection ids, each once, and an outcome for each invalid one."""
    valid: list[str] = []
    refused: list[Outcome] = []
    for connection_id in dict.fromkeys(connection_ids):
        try:
            valid.append(_checked(connection_id))
        except InvalidArgumentError as error:
            refused.append(Outcome(connection_id=str(connection_id), status=OutcomeStatus.REFUSED, reason=str(error)))
    return valid, refused


def _checked(connection_id: object) -> str:
    checked = check_id(connection_id, "connection_id")  # type: ignore[arg-type]  # it checks the type, too
    if redact(checked) != checked:  # otherwise it would be sent in a URL and kept in the journal
        raise InvalidArgumentError("connection_id must be an id, and this one holds a token or another secret.")
    return checked
