"""The state of a watch in a form that another process can resume from. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, cast

from attrs import astuple, fields, frozen

from bentley_sync_async.config import WhenActive, WhenBusy
from bentley_sync_async.errors import ResumeTokenError
from bentley_sync_async.models import ExecutionState, RunRef
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import run_path
from bentley_sync_async.wire.resume import checked, pack, unpack

from .diff import RUN_ITSELF
from .events import RunJoined, RunTriggered, WatchEvent
from .fingerprints import PackedRun, RunFingerprint

RunStart = Literal["triggered", "recovered", "joined", "joined foreign"]
"""The event with which a watch begins to follow a run."""

STARTS: Mapping[RunStart, tuple[type[RunTriggered | RunJoined], Mapping[str, bool]]] = {
    "triggered": (RunTriggered, {"recovered": False}),
    "recovered": (RunTriggered, {"recovered": True}),
    "joined": (RunJoined, {"foreign": False}),
    "joined foreign": (RunJoined, {"foreign": True}),
}
"""The events, and their members besides the run."""

# The values of a token of version 3: the attributes of `ResumeState` in their order. Version 2 lacks the last one, and
# version 1 the last two; the earliest version that can hold a state is written. A change of them needs a new version in
# wire/resume.py, and the values of every released version must still be read.
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
    PackedRun | None,
    list[list[str]],
    float | None,
    tuple[str, str, str] | None,
    bytes | None,
    RunStart | None,
    ConnectionKind,
]
_LATER_VALUES = (None, "storage")  # what versions 2 and 3 have added, as the earlier ones mean it


@frozen(kw_only=True)
class ResumeState:
    """The state of a watch. It holds no secret.

    Attributes:
        origin: The base URL of the client; a client with another one must not resume the watch.
        connection_id: The connection that is watched.
        run: Kind, connection and id of the run, `None` if none is known yet.
        seq: The number of the last event that the consumer took.
        timeout: Seconds of the whole watch, `None` for no end.
        ends_at: When the timeout ends, in seconds since 1970 (UTC); `None` if it has not begun, or there is none.
        attempted_at: When the trigger with an unknown outcome began, in seconds since 1970 (UTC).
        when_active: What to do when a run of the connection is active.
        when_busy: What to do when another connection's run is active on the iModel.
        unknown_values: Enums and unknown values that were reported.
        fingerprint: The packed fingerprint of the run's snapshot that was reported last; `None` before the first.
        unreported_completions: Which completed run, jobs and tasks were reported without a `...Completed` event.
        grace_ends: Until when the service may not know the run yet, in seconds since 1970 (UTC).
        blocking_run: Kind, connection and id of the run that blocks the iModel; `None` if the watch waits for none.
        blocking_fingerprint: The fingerprint of the blocking run's snapshot that was reported last; `None` before the
            first.
        unreported_start: The event about the start of `run` if the consumer has not taken it; `None` otherwise.
        kind: The kind of the connection that is watched.
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
    unknown_values: list[tuple[str, str]]
    fingerprint: PackedRun | None
    unreported_completions: list[list[str]]
    grace_ends: float | None
    blocking_run: tuple[str, str, str] | None
    blocking_fingerprint: bytes | None
    unreported_start: RunStart | None = None
    kind: ConnectionKind = "storage"

    def token(self) -> str:
        """Return the state as one line of printable text."""
        values = astuple(self, recurse=False)
        left_out = 0 if self.kind != "storage" else 1 if self.unreported_start is not None else 2
        return pack(values[: len(values) - left_out], version=3 - left_out)

    @classmethod
    def from_token(cls, token: str, *, origin: str) -> ResumeState:
        """Return the state that a token holds.

        Args:
            token: From `RunWatcher.resume_token`.
            origin: The base URL of the client that resumes it.

        Raises:
            ResumeTokenError: It is no token, is damaged, of a later version, or of another origin.
        """
        values = unpack(token)
        if isinstance(values, list):
            missing = len(fields(cls)) - len(values)
            values += _LATER_VALUES[len(_LATER_VALUES) - missing :]
        values = checked(values, _Values)
        state = cls(**dict(zip((field.name for field in fields(cls)), values, strict=True)))
        if state.origin != origin:
            raise ResumeTokenError(
                f"This resume token belongs to {excerpt(state.origin)}, and this client talks to {origin}. "
                "Nothing was sent."
            )
        try:
            state._check()
        except (ValueError, OverflowError) as exc:  # an InvalidArgumentError is a ValueError
            raise ResumeTokenError("This resume token does not have the values of its version.") from exc
        return state

    def _check(self) -> None:
        check_id(self.connection_id, "connection_id")
        if self.run is not None and self.blocking_run is not None:
            raise ValueError("a blocking run beside a run of ours")
        if self.unreported_start is not None and self.run is None:
            raise ValueError("the start of no run")
        for ref in (self.ref, self.blocking_ref):
            if ref is not None:
                run_path(ref)
        numbers = (self.timeout, self.ends_at, self.attempted_at, self.grace_ends)
        if self.seq < 0 or not all(number is None or math.isfinite(number) for number in numbers):
            raise ValueError("an impossible number")
        if (self.ends_at is not None) if self.timeout is None else self.timeout <= 0:
            raise ValueError("an impossible timeout")
        self.run_fingerprint()

    @property
    def ref(self) -> RunRef | None:
        """The run that is followed."""
        return _ref(self.run)

    @property
    def blocking_ref(self) -> RunRef | None:
        """The run that blocks the iModel."""
        return _ref(self.blocking_run)

    def run_fingerprint(self) -> RunFingerprint | None:
        """Return the fingerprint of the run's snapshot that was reported last."""
        return RunFingerprint.unpack(self.fingerprint) if self.fingerprint is not None else None

    @property
    def completion_reported(self) -> bool:
        """Whether the consumer took the run's `RunCompleted`."""
        reported = self.run_fingerprint()
        if reported is None or reported.state != ExecutionState.COMPLETED:
            return False
        return list(RUN_ITSELF) not in self.unreported_completions


def start_of(event: WatchEvent) -> RunStart | None:
    """Return how an event reports the start of a run; `None` if it reports none."""
    for start, (cls, members) in STARTS.items():
        if type(event) is cls and all(getattr(event, name) == value for name, value in members.items()):
            return start
    return None


def _ref(values: tuple[str, str, str] | None) -> RunRef | None:
    if values is None:
        return None
    kind, connection_id, run_id = values
    return RunRef(connection_id=connection_id, run_id=run_id, kind=cast("ConnectionKind", kind))
