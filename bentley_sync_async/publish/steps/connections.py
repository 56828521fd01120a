"""The connections of a publish: created, and given the files that the plan says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from attrs import define, evolve

from bentley_sync_async.errors import ConflictError, NotFoundError, ServerError, TransportError
from bentley_sync_async.models import SourceFileCreate, StorageConnection
from bentley_sync_async.publish.events import ConnectionPrepared, PublishEvent
from bentley_sync_async.publish.plan import ConnectionPlan, FilePlan
from bentley_sync_async.publish.state import PublishState, Target
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections


@define(eq=False)
class ConnectionPreparer:
    """Makes connections as a plan wants them.

    A change whose answer is lost is looked up before it is made again.

    Attributes:
        connections: The resource.
        state: Remembers which connection a file belongs to.
        target: Where the publish goes.
        file_ids: The ids in Storage of the files, by path.
        plans: The plans of the files, by path.
        emit: Takes the events.
    """

    connections: StorageConnections
    state: PublishState
    target: Target
    file_ids: Mapping[str, str]
    plans: Mapping[str, FilePlan]
    emit: Callable[[PublishEvent], Awaitable[None]]

    async def prepare(self, plan: ConnectionPlan) -> str:
        """Make one connection as planned; return its id.

        Raises:
            SynchronizationError: The service refuses something.
        """
        if plan.connection_id is None:
            connection_id = await self._create(plan)
        else:
            connection_id = plan.connection_id
            for path in plan.add:
                await self._add(connection_id, path)
        for path in plan.change:
            await self._change(connection_id, path)
        if plan.remove:
            await self._expect_run(connection_id)
        for path in plan.remove:
            await self._remove(connection_id, path)
        await self._remember(connection_id, plan)
        if plan.add or plan.change or plan.remove:
            await self.emit(
                ConnectionPrepared(
                    connection_id=connection_id,
                    display_name=plan.display_name,
                    created=plan.connection_id is None,
                    added=len(plan.add),
                    changed=len(plan.change),
                    removed=len(plan.remove),
                )
            )
        return connection_id

    async def _create(self, plan: ConnectionPlan) -> str:
        files = [self._source_file(path) for path in plan.add]

        async def create() -> StorageConnection:
            return await self.connections.create(self.target.imodel_id, files, display_name=plan.display_name)

        try:
            return (await create()).id
        except (TransportError, ServerError):
            async for one in self.connections.list(self.target.imodel_id):
                if one.display_name == plan.display_name:
                    return one.id
            return (await create()).id

    async def _add(self, connection_id: str, path: str) -> None:
        file = self._source_file(path)
        try:
            await self.connections.source_files.add(connection_id, file)
        except (TransportError, ServerError, ConflictError):
            async for one in self.connections.source_files.list(connection_id):
                if one.storage_file_id == file.storage_file_id:
                    return
            await self.connections.source_files.add(connection_id, file)

    async def _change(self, connection_id: str, path: str) -> None:
        local, published = self.plans[path].local, self.plans[path].published
        assert local is not None  # noqa: S101 - only files that are there change their connector
        assert published is not None  # noqa: S101
        assert published.source_file_id is not None  # noqa: S101
        await self.connections.source_files.update(
            connection_id, published.source_file_id, connector_type=local.connector
        )

    async def _remove(self, connection_id: str, path: str) -> None:
        published = self.plans[path].published
        assert published is not None  # noqa: S101 - only files that were published are removed
        assert published.source_file_id is not None  # noqa: S101
        with suppress(NotFoundError):  # it is gone already
            await self.connections.source_files.remove(connection_id, published.source_file_id)

    async def _expect_run(self, connection_id: str) -> None:
        """Remember, before a file is removed, that the connection has to be run: a process may end in between."""
        mine = [one for one in self.state.files.values() if one.connection_id == connection_id]
        await self.state.save([evolve(one, synchronized=None) for one in mine])

    async def _remember(self, connection_id: str, plan: ConnectionPlan) -> None:
        await self.state.save_connections({connection_id: plan.display_name})
        ids = {self.file_ids[path] for path in plan.files if path in self.file_ids}
        changed = {self.file_ids[path] for path in (*plan.add, *plan.change)}
        mine = [self.state.files[one] for one in ids if one in self.state.files]
        await self.state.save(
            [
                # A file that is new in the connection, or read by another connector, is in the iModel after a run only.
                evolve(one, connection_id=connection_id, synchronized=None)
                if one.file_id in changed
                else evolve(one, connection_id=connection_id)
                for one in mine
            ]
        )

    def _source_file(self, path: str) -> SourceFileCreate:
        local = self.plans[path].local
        assert local is not None  # noqa: S101 - only files that are there are added
        return SourceFileCreate(self.file_ids[path], local.connector)
