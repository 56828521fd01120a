"""Where a watch is, in a form that another process can go on from. Pure."""

from __future__ import annotations

import math
from typing import cast

from attrs import astuple, fields, frozen

from bentley_sync_async.config import WhenActive, WhenBusy
from bentley_sync_async.errors import ResumeTokenError
from bentley_sync_async.models import ExecutionState, RunRef
from bentley_sync_async.models.runs import ConnectionKind
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import run_path
from bentley_sync_async.wire.resume import checked, pack, unpack

from .diff import RUN_ENDING
from .fingerprints import Packed, RunFingerprint

# The attributes of a bookmark, in their order. Whoever changes them changes the version in wire/resume.py, too, and
# goes on to read the form of every released version.
_Values = tuple[
    str,
    str,
    tuple[str, str, str] | None,
    int,
    float | None,
    float | None,
    float | None,
    WhenActive,
    WhenBusy,
    list[tuple[str, str]],
    Packed | None,
    list[list[str]],
    float | None,
    tuple[str, str, str] | None,
    bytes | None,
]


@frozen(kw_only=True)
class ResumeState:
    """Where a watch is. It holds no secret.

    Attributes:
        origin: The platform's root that the watch talks to; no other client may go on with it.
        connection_id: The connection that is watched.
        run: Kind, connection and id of the run, `None` if none is known yet.
        seq: The number of the last event that the consumer took.
        timeout: Seconds of the whole watch, `None` for no end.
        ends_at: When the timeout ends, in seconds since 1970 (UTC); `None` if it has not begun, or there is none.
        attempted_at: When the trigger began of which nobody knows what came, likewise.
        when_active: What to do about an active run of the connection.
        when_busy: What to do about an occupied iModel.
        reported: Enums and unknown values that were reported.
        memory: What the consumer was told of the run, packed.
        ending: What it was told to be completed, without the `...Completed` event.
        grace_ends: Until when the service may not know the run yet, in seconds since 1970 (UTC).
        blocking_run: Kind, connection and id of the run that occupies the iModel, if the watch waits for one.
        blocking_fingerprint: The fingerprint of the snapshot of that run that the consumer was told last, `None` before the first.
    """

    origin: str
    connection_id: str
    run: tuple[str, str, str] | None
    seq: int
    timeout: float | None
    ends_at: float | None
    attempted_at: float | None
    when_active: WhenActive
    when_busy: WhenBusy
    reported: list[tuple[str, str]]
    memory: Packed | None
    ending: list[list[str]]
    grace_ends: float | None
    blocking_run: tuple[str, str, str] | None
    blocking_fingerprint: bytes | None

    def token(self) -> str:
        """Return it as one line of printable text."""
        return pack(astuple(self, recurse=False))

    @classmethod
    def of(cls, token: str, *, origin: str) -> ResumeState:
        """Return what a token stands for.

        Args:
            token: From `RunWatcher.resume_token`.
            origin: The platform's root of the client that is to go on.

        Raises:
            ResumeTokenError: It is no token, damaged, of a later version, or belongs to another origin.
        """
        values = checked(unpack(token), _Values)
        state = cls(**dict(zip((field.name for field in fields(cls)), values, strict=True)))
        if state.origin != origin:
            raise ResumeTokenError(
                f"This resume token belongs to {excerpt(state.origin)}, and this client talks to {origin}. "
                "Nothing was sent."
            )
        try:
            state._check()
        except (ValueError, OverflowError) as exc:  # an InvalidArgumentError is a ValueError
            raise ResumeTokenError("This resume token does not hold what one of its version holds.") from exc
        return state

    def _check(self) -> None:
        check_id(self.connection_id, "connection_id")
        if self.run is not None and self.blocking_run is not None:
            raise ValueError("a wait for another run though there is one of ours")
        for ref in (self.ref, self.waits_for):
            if ref is not None:
                run_path(ref)
        numbers = (self.timeout, self.ends_at, self.attempted_at, self.grace_ends)
        if self.seq < 0 or not all(number is None or math.isfinite(number) for number in numbers):
            raise ValueError("a number that cannot be")
        if (self.ends_at is not None) if self.timeout is None else self.timeout <= 0:
            raise ValueError("a timeout that cannot be")
        self.remembered()

    @property
    def ref(self) -> RunRef | None:
        """The run."""
        return _ref(self.run)

    @property
    def waits_for(self) -> RunRef | None:
        """The run in the way."""
        return _ref(self.blocking_run)

    def remembered(self) -> RunFingerprint | None:
        """Return what the consumer was told of the run."""
        return RunFingerprint.unpack(self.memory) if self.memory is not None else None

    @property
    def completion_reported(self) -> bool:
        """Whether the consumer took the run's `RunCompleted`."""
        memory = self.remembered()
        return memory is not None and memory.state == ExecutionState.COMPLETED and list(RUN_ENDING) not in self.ending


def _ref(values: tuple[str, str, str] | None) -> RunRef | None:
    if values is None:
        return None
    kind, connection_id, run_id = values
    return RunRef(connection_id=connection_id, run_id=run_id, kind=cast("ConnectionKind", kind))
