"""The errors that end a watch before its run has ended."""

from __future__ import annotations

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import RunRef, StorageRun


class WatchError(SynchronizationError):
    """A watch ended before its run. The run itself goes on: the API has no cancel.

    Attributes:
        ref: The run that was followed, `None` if none was known yet. `client.attach(ref)` follows it again.
        run: The last snapshot, `None` if there was none.
    """

    def __init__(self, text: str, *, ref: RunRef | None, run: StorageRun | None = None) -> None:
        self.ref = ref
        self.run = run
        super().__init__(text)


def run_status(ref: RunRef | None, *, attempted: bool) -> str:
    """Return a sentence for an error: whether a run was triggered, and how to follow it again."""
    if ref is not None:
        return "The run itself goes on; client.attach() follows it again."
    if attempted:
        return "It may have been triggered: list its runs before triggering it again."
    return "It was not triggered."


class WatchTimeoutError(WatchError, TimeoutError):
    """The `timeout` of a watch ran out before its run was completed; attach to `ref` to continue."""


class WatchFailedError(WatchError):
    """The service gave no good answer for so long that the watch gave up; `__cause__` is the last failure.

    Await the watcher again, or resume it, when the cause is gone.
    """

    @classmethod
    def after(
        cls, seconds: float, connection_id: str, ref: RunRef | None, run: StorageRun | None, *, attempted: bool
    ) -> WatchFailedError:
        """Return the error after so many seconds of failures; `attempted` is whether it may have been triggered."""
        return cls(
            f"No good answer on {ref or f'connection {connection_id}'} for {seconds:.0f} s; the last failure is the "
            f"cause of this error. Await this watcher again to continue. {run_status(ref, attempted=attempted)}",
            ref=ref,
            run=run,
        )


class RunVanishedError(WatchError):
    """The service does not know the run (any more): list the runs of its connection, if that still exists."""

    @classmethod
    def of(cls, ref: RunRef, run: StorageRun | None) -> RunVanishedError:
        """Return the error of a run and its last snapshot."""
        text = f"The service does not know {ref} (any more). Its connection may have been deleted: list its runs."
        return cls(text, ref=ref, run=run)


class IModelBusyError(WatchError):
    """Another connection of the iModel is being synchronized, and the watch has `when_busy="fail"`.

    Trigger again when the run `ref` has ended; with `when_busy="wait"` the watch does so itself.
    """

    @classmethod
    def of(cls, connection_id: str, ref: RunRef) -> IModelBusyError:
        """Return the error of a connection, and of the run that occupies its iModel."""
        return cls(
            f"The iModel of connection {connection_id} is busy with {ref}. "
            "Trigger again when it has ended, or watch with when_busy='wait'.",
            ref=ref,
        )
