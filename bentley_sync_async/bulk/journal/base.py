"""The interface of journals, and the journal that stores nothing. Pure.

A trigger is recorded before it is sent, its run as soon as it is known, its outcome at the end. So a process that is
killed at any moment can be followed by another one that repeats nothing. A journal holds ids, instants and outcomes,
and no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from bentley_sync_async.bulk.outcomes import Outcome


@frozen(kw_only=True)
class IModelOfConnection:
    """The iModel of a connection, and the connection's name.

    Attributes:
        imodel_id: The iModel.
        itwin_id: Its iTwin; `None` if the service did not say.
        display_name: The name of the connection; `None` if it is not known.
    """

    imodel_id: str
    itwin_id: str | None = None
    display_name: str | None = None


@frozen(kw_only=True)
class JournalEntry:
    """What a process has recorded of a connection.

    Attributes:
        attempt: How many runs were started.
        token: The resume token of its watch; `None` if it was not started.
        joined: Whether its run was active already.
        outcome: Its outcome; `None` if it is not finished.
    """

    attempt: int = 0
    token: str | None = None
    joined: bool = False
    outcome: Outcome | None = None


class Journal(Protocol):
    """The journal of a bulk. Every method may raise a `JournalError`; the record may or may not be stored then."""

    async def imodels(self, connection_ids: Iterable[str]) -> Mapping[str, IModelOfConnection]:
        """Return the iModels of connections, as far as they are known."""
        ...

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the durations of connections' latest runs in seconds, as far as they are known."""
        ...

    async def save_resolved(
        self, imodels: Mapping[str, IModelOfConnection], durations: Mapping[str, Sequence[float]]
    ) -> None:
        """Store the iModels of connections, and the durations of their runs."""
        ...

    async def unfinished(self) -> Mapping[str, JournalEntry]:
        """Return the entries of a bulk that an earlier process did not finish; empty if there is none."""
        ...

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, JournalEntry]:
        """Start or continue a bulk of these connections; return what an earlier process has recorded of them."""
        ...

    async def record(self, connection_id: str, entry: JournalEntry) -> None:
        """Record how far a connection is, before it is triggered and once its run is known."""
        ...

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Record the outcome of a connection."""
        ...

    async def end(self) -> None:
        """Record that the bulk has finished all its connections."""
        ...


class NoJournal(Journal):
    """A journal that stores nothing."""

    async def imodels(self, connection_ids: Iterable[str]) -> Mapping[str, IModelOfConnection]:  # noqa: ARG002
        """Return nothing."""
        return {}

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:  # noqa: ARG002
        """Return nothing."""
        return {}

    async def save_resolved(
        self, imodels: Mapping[str, IModelOfConnection], durations: Mapping[str, Sequence[float]]
    ) -> None:
        """Do nothing."""

    async def unfinished(self) -> Mapping[str, JournalEntry]:
        """Return nothing."""
        return {}

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, JournalEntry]:  # noqa: ARG002
        """Return an empty entry for each connection."""
        return {}

    async def record(self, connection_id: str, entry: JournalEntry) -> None:
        """Do nothing."""

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Do nothing."""

    async def end(self) -> None:
        """Do nothing."""
