"""Finds out what a bulk has to do with: which connections there are, on which iModels, how long their runs take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import anyio
from attrs import define, field

from bentley_sync_async.errors import AuthenticationError, CredentialsError, InvalidArgumentError, SynchronizationError
from bentley_sync_async.pacing.history import durations_of
from bentley_sync_async.redaction import redact
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.wire.ids import check_id

from .journal.base import Journal, Place
from .outcomes import Outcome, OutcomeStatus, status_of_error

_AT_A_TIME = 16

T = TypeVar("T")

HOPELESS = (AuthenticationError, CredentialsError)
"""What does not concern one connection but everything that this client could ask for."""


@define
class ResolvedConnections:
    """What is known of the connections of a bulk.

    Attributes:
        places: Where they belong, as far as that is known.
        durations: Seconds that their latest runs took, as far as that is known.
        refused: What the service refused to look up, and ids that cannot be.
    """

    places: dict[str, Place] = field(factory=dict)
    durations: dict[str, Sequence[float]] = field(factory=dict)
    refused: list[Outcome] = field(factory=list)


class ConnectionResolver:
    """Asks the service, a few requests at a time, for what the journal does not know."""

    def __init__(self, connections_for: Callable[[str], StorageConnections], journal: Journal) -> None:
        """Make a surveyor.

        Args:
            connections_for: Returns the storage connections, to be asked on behalf of one of them.
            journal: What is known already, and remembers what is found.
        """
        self._connections_for = connections_for
        self._journal = journal
        self._found = ResolvedConnections()

    async def connections_of(self, imodel_ids: Iterable[str]) -> tuple[list[str], list[Outcome]]:
        """Return the connections of iModels, and what could not be asked.

        Raises:
            SynchronizationError: The credentials were refused.
        """
        refused: list[Outcome] = []
        found: dict[str, list[str]] = {}

        async def ask(imodel_id: str) -> None:
            try:
                listing = self._connections_for("").list(check_id(imodel_id, "imodel_id"), prefer="representation")
                connections = [connection async for connection in listing]
            except SynchronizationError as error:
                if isinstance(error, HOPELESS):
                    raise
                status = status_of_error(error)
                refused.append(Outcome(connection_id=None, imodel_id=str(imodel_id), status=status, reason=str(error)))
                return
            found[imodel_id] = [connection.id for connection in connections]
            for connection in connections:
                self._found.places[connection.id] = Place(
                    imodel_id=connection.imodel_id or imodel_id, itwin_id=connection.itwin_id
                )

        wanted = list(dict.fromkeys(imodel_ids))
        await _all(ask, wanted)
        return [connection_id for one in wanted for connection_id in found.get(one, ())], refused

    async def resolve(self, connection_ids: Sequence[str]) -> ResolvedConnections:
        """Return where connections belong and how long their runs took, and remember it.

        Raises:
            SynchronizationError: The credentials were refused, or the journal cannot be used.
        """
        known = await self._journal.places(connection_ids)
        self._found.places = {**known, **self._found.places}
        self._found.durations = dict(await self._journal.durations(connection_ids))
        new_places = {one: place for one, place in self._found.places.items() if known.get(one) != place}
        new_durations: dict[str, Sequence[float]] = {}

        async def ask(connection_id: str) -> None:
            if connection_id not in self._found.places:
                place = await self._place(connection_id)
                if isinstance(place, Outcome):
                    self._found.refused.append(place)
                    return
                if place is not None:
                    self._found.places[connection_id] = new_places[connection_id] = place
            if connection_id not in self._found.durations:
                past = await self._past(connection_id)
                if past:
                    self._found.durations[connection_id] = new_durations[connection_id] = past

        unknown = [one for one in connection_ids if one not in self._found.places or one not in self._found.durations]
        await _all(ask, unknown)
        if new_places or new_durations:
            await self._journal.learn(new_places, new_durations)
        return self._found

    async def _place(self, connection_id: str) -> Place | Outcome | None:
        """Return where a connection belongs, why it cannot be run, or `None` if that cannot be told now."""
        try:
            connection = await self._connections_for(connection_id).get(connection_id)
        except HOPELESS:
            raise
        except SynchronizationError as error:
            status = status_of_error(error)
            if status != OutcomeStatus.REFUSED:
                return None  # it may have passed when the connection is triggered
            return Outcome(connection_id=connection_id, status=status, reason=str(error))
        if connection.imodel_id is None:
            return None
        return Place(imodel_id=connection.imodel_id, itwin_id=connection.itwin_id)

    async def _past(self, connection_id: str) -> list[float]:
        """Return how long the latest runs took, in one request; none if it fails: it is no more than a hint."""
        try:
            runs = await self._connections_for(connection_id).runs.recent(connection_id)
        except HOPELESS:
            raise
        except SynchronizationError:
            return []
        return durations_of(runs)


def usable(connection_ids: Iterable[object]) -> tuple[list[str], list[Outcome]]:
    """Return the ids that can be ids of connections, each once, and why the others cannot."""
    good: list[str] = []
    refused: list[Outcome] = []
    for connection_id in dict.fromkeys(connection_ids):
        try:
            good.append(_checked(connection_id))
        except InvalidArgumentError as error:
            refused.append(Outcome(connection_id=str(connection_id), status=OutcomeStatus.REFUSED, reason=str(error)))
    return good, refused


def _checked(connection_id: object) -> str:
    usable_id = check_id(connection_id, "connection_id")  # type: ignore[arg-type]  # it checks that, too
    if redact(usable_id) != usable_id:  # else it would be sent as part of a URL, and kept in the journal
        raise InvalidArgumentError("connection_id must be an id, and this one holds a token or another secret.")
    return usable_id


async def _all(ask: Callable[[T], Awaitable[None]], questions: Iterable[T]) -> None:
    """Ask all questions, a few at a time; the first error ends it, and comes out as itself."""
    rest = iter(questions)
    errors: list[Exception] = []

    async def work() -> None:
        for question in rest:
            try:
                await ask(question)
            except Exception as error:  # noqa: BLE001 - it is raised by itself instead of in a group
                errors.append(error)
                group.cancel_scope.cancel()
                return

    async with anyio.create_task_group() as group:
        for _ in range(_AT_A_TIME):
            group.start_soon(work)
    if errors:
        raise errors[0]
