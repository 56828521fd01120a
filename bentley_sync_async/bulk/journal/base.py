"""What a bulk remembers beyond the end of its process.

A trigger is noted before it is sent, its run as soon as it is known, what came of it at the end. A process that is
killed at any moment can so be followed by another one that repeats nothing. A journal holds ids, instants and outcomes,
and no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from bentley_sync_async.bulk.outcomes import Outcome


@frozen(kw_only=True)
class Place:
    """Where a connection belongs.

    Attributes:
        imodel_id: Its iModel.
        itwin_id: Its iTwin; `None` if the service did not say.
    """

    imodel_id: str
    itwin_id: str | None = None


@frozen(kw_only=True)
class Noted:
    """What an earlier process has noted of a connection.

    Attributes:
        attempt: How many runs it has begun with.
        token: A resume token, with which its watch goes on; `None` if it had not come to it.
        joined: Whether its run was there already.
        outcome: What came of it; `None` if it is not done with.
    """

    attempt: int = 0
    token: str | None = None
    joined: bool = False
    outcome: Outcome | None = None


class Journal(Protocol):
    """What a bulk remembers. Every method may raise a `JournalError`; what it was to note may then be unknown."""

    async def places(self, connection_ids: Iterable[str]) -> Mapping[str, Place]:
        """Return where connections belong, as far as that is known."""
        ...

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the seconds that the latest runs of connections took, as far as that is known."""
        ...

    async def learn(self, places: Mapping[str, Place], durations: Mapping[str, Sequence[float]]) -> None:
        """Remember where connections belong, and how long their runs took."""
        ...

    async def unfinished(self) -> Mapping[str, Noted]:
        """Return what an earlier process has noted of a bulk that it did not finish; empty if there is none."""
        ...

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, Noted]:
        """Begin with these connections, or go on with them; return what an earlier process has noted of them."""
        ...

    async def note(self, connection_id: str, note: Noted) -> None:
        """Note how a watch goes on, before it triggers and once its run is known."""
        ...

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Note what came of a connection."""
        ...

    async def end(self) -> None:
        """Note that the bulk is done with all its connections."""
        ...


class NoJournal(Journal):
    """Remembers nothing."""

    async def places(self, connection_ids: Iterable[str]) -> Mapping[str, Place]:  # noqa: ARG002
        """Know of none."""
        return {}

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:  # noqa: ARG002
        """Know of none."""
        return {}

    async def learn(self, places: Mapping[str, Place], durations: Mapping[str, Sequence[float]]) -> None:
        """Forget it."""

    async def unfinished(self) -> Mapping[str, Noted]:
        """Know of none."""
        return {}

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, Noted]:  # noqa: ARG002
        """Begin."""
        return {}

    async def note(self, connection_id: str, note: Noted) -> None:
        """Forget it."""

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Forget it."""

    async def end(self) -> None:
        """Forget it."""
