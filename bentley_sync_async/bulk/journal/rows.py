"""The rows of a journal as values; each is checked as strictly as a resume token, as a file can be edited. Pure.

A `SynchronizationError` of a function here says which value is wrong; the journal adds the file and the row.
"""

from __future__ import annotations

import math

from attrs import frozen

from bentley_sync_async.bulk.outcomes import Outcome
from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.watch.resume_state import ResumeState
from bentley_sync_async.wire.codec import decode
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import run_path

from .base import IModelOfConnection, JournalEntry

_MOST = 1_000_000  # attempts and requests


@frozen(kw_only=True)
class Bulk:
    """A bulk.

    Attributes:
        id: Its number.
        origin: The platform's root that its connections belong to.
        touched_at: When its last record was made, in seconds since 1970 (UTC).
        ended: Whether it has finished all its connections.
    """

    id: int
    origin: str
    touched_at: float
    ended: bool

    @classmethod
    def of(cls, bulk_id: int, origin: object, begun_at: object, touched_at: object, ended_at: object) -> Bulk:
        """Return a bulk.

        Raises:
            SynchronizationError: A value is wrong.
        """
        _seconds(begun_at, "begun_at")
        if ended_at is not None:
            _seconds(ended_at, "ended_at")
        touched = _seconds(touched_at, "touched_at")
        return cls(id=bulk_id, origin=_text(origin, "origin"), touched_at=touched, ended=ended_at is not None)


def entry(
    connection_id: object, attempt: object, token: object, joined: object, outcome: object, *, origin: str
) -> tuple[str, JournalEntry]:
    """Return a connection and what was recorded of it.

    Raises:
        SynchronizationError: A value is wrong, or belongs to another connection or origin.
    """
    owner = _id(connection_id, "connection_id")
    attempts = _count(attempt, "attempt")
    if joined not in {0, 1}:
        raise _wrong("joined", joined, "0 or 1")
    if token is not None:
        _check_token(token, owner, origin)
        if attempts == 0 or outcome is not None:
            raise InvalidArgumentError("A connection with a token was started, and is not finished.")
    return owner, JournalEntry(
        attempt=attempts,
        token=None if token is None else str(token),
        joined=bool(joined),
        outcome=None if outcome is None else _outcome(outcome, owner),
    )


def imodel(
    connection_id: object, imodel_id: object, itwin_id: object, display_name: object
) -> tuple[str, IModelOfConnection]:
    """Return a connection and its iModel, whose ids and name are what the service sent.

    Raises:
        SynchronizationError: A value is wrong.
    """
    return _id(connection_id, "connection_id"), IModelOfConnection(
        imodel_id=_text(imodel_id, "imodel_id"),
        itwin_id=None if itwin_id is None else _text(itwin_id, "itwin_id"),
        display_name=None if display_name is None else _text(display_name, "display_name"),
    )


def duration(connection_id: object, seconds: object) -> tuple[str, float]:
    """Return a connection and the duration of one of its runs in seconds.

    Raises:
        SynchronizationError: A value is wrong.
    """
    return _id(connection_id, "connection_id"), _seconds(seconds, "seconds")


def _check_token(token: object, owner: str, origin: str) -> None:
    state = ResumeState.from_token(token, origin=origin)  # type: ignore[arg-type]  # it checks the type, too
    if state.connection_id != owner:
        raise InvalidArgumentError(f"Its resume token belongs to connection {excerpt(state.connection_id)}.")
    if state.ref is not None and (state.ref.kind, state.ref.connection_id) != (state.kind, owner):
        raise InvalidArgumentError(f"Its resume token follows {excerpt(str(state.ref))}, of another connection.")
    if state.when_busy != "wait":  # of a bulk it is: another connection's run is never its own
        raise InvalidArgumentError("Its resume token is not of a bulk.")


def _outcome(value: object, owner: str) -> Outcome:
    if not isinstance(value, bytes):
        raise _wrong("outcome", value, "JSON as a BLOB")
    outcome = decode(value, Outcome)
    if outcome.connection_id != owner:
        raise InvalidArgumentError(f"Its outcome belongs to connection {excerpt(str(outcome.connection_id))}.")
    if outcome.ref is not None:
        run_path(outcome.ref)
        if outcome.ref.connection_id != owner:
            raise InvalidArgumentError(f"Its outcome is that of {excerpt(str(outcome.ref))}, of another connection.")
    _count(outcome.attempts, "attempts of the outcome")
    _count(outcome.requests, "requests of the outcome")
    if outcome.waited is not None:
        _seconds(outcome.waited, "waited of the outcome")
    return outcome


def _id(value: object, name: str) -> str:
    return check_id(value, name)  # type: ignore[arg-type]  # it checks the type, too


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a text")
    return value


def _count(value: object, name: str) -> int:
    if not isinstance(value, int) or not 0 <= value <= _MOST:
        raise _wrong(name, value, f"a whole number from 0 to {_MOST:,}")
    return value


def _seconds(value: object, name: str) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise _wrong(name, value, "a number of seconds from 0")
    return float(value)


def _wrong(name: str, value: object, expected: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name} must be {expected}, not {excerpt(repr(value)[:200])}.")
