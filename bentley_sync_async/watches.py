"""The ways to begin a watch, as methods of a client."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING

from .config import WhenActive, WhenBusy
from .errors import InvalidArgumentError
from .models import RunRef
from .models.run_refs import ConnectionKind
from .pacing.scheduler import SharedPacing
from .pacing.strategies import Pacing
from .resources.synchronization.connections_of_kind import AnyConnections
from .resources.synchronization.kinds import connections_of_kind
from .transport.hooks import Hooks
from .transport.pipeline import Pipeline
from .watch.resume_state import ResumeState
from .watch.watcher import RunWatcher
from .wire.ids import check_id
from .wire.locations import run_path, run_ref

if TYPE_CHECKING:
    from .models.manifests import ManifestRun


class Watches:
    """What a client has to follow runs."""

    _pipeline: Pipeline
    _shared_pacing: SharedPacing
    _hooks: Hooks

    @cached_property
    def _watched(self) -> Callable[[ConnectionKind], AnyConnections]:
        """Returns the resource of a kind for watches: they have retries of their own; others would hide a failure."""
        pipeline = self._pipeline.without_retries()
        return cache(lambda kind: connections_of_kind(kind, pipeline))

    def watch(
        self,
        connection_id: str,
        *,
        timeout: float | None = None,
        when_active: WhenActive = "join",
        when_busy: WhenBusy = "wait",
        pacing: Pacing | None = None,
    ) -> RunWatcher:
        """Return a watcher that triggers the connection on its first step and follows the run to its end.

        The API has no cancel: leaving the watch detaches, and the run goes on.

        Args:
            connection_id: The storage connection.
            timeout: Seconds for the whole watch, from its first step; `None` for no end.
            when_active: What to do when a run of this connection is active: `join` follows it; `rerun` triggers another
                after it, which is sure to see files that were uploaded before this call.
            when_busy: What to do when a run of another connection occupies the iModel: `wait` and trigger after it,
                `join` it, or `fail` with an `IModelBusyError`.
            pacing: When to poll; `LearnedPacing()` by default.

        Raises:
            InvalidArgumentError: An argument cannot be right.
        """
        return RunWatcher(
            self._watched("storage"),
            connection_id=check_id(connection_id, "connection_id"),
            timeout=timeout,
            when_active=when_active,
            when_busy=when_busy,
            pacing=pacing,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )

    def watch_manifest(
        self,
        run: ManifestRun,
        *,
        timeout: float | None = None,
        when_active: WhenActive = "rerun",
        when_busy: WhenBusy = "wait",
        pacing: Pacing | None = None,
    ) -> RunWatcher:
        """Return a watcher that triggers a run of a manifest connection with its files and follows it to its end.

        Args:
            run: The connection and the files. Their signed URLs must be valid until the run has read them.
            timeout: As for `watch`.
            when_active: What to do when a run of this connection is active: `rerun` triggers after it; `join` follows
                it, with its own files instead of these.
            when_busy: As for `watch`.
            pacing: As for `watch`.

        Raises:
            InvalidArgumentError: An argument cannot be right.
        """
        check_id(run.connection_id, "connection_id")
        return RunWatcher(
            self._watched("manifest"),
            manifest=run,
            connection_id=run.connection_id,
            timeout=timeout,
            when_active=when_active,
            when_busy=when_busy,
            pacing=pacing,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )

    def run_url(self, ref: RunRef) -> str:
        """Return the URL of a run, as a Location shows it; `attach` takes it in another process, too.

        Args:
            ref: The run.

        Raises:
            InvalidArgumentError: It cannot be a run.
        """
        return self._pipeline.url(run_path(ref))

    def attach(
        self, ref_or_url: RunRef | str, *, timeout: float | None = None, pacing: Pacing | None = None
    ) -> RunWatcher:
        """Return a watcher that follows a run which was triggered before, by this program or by others.

        Args:
            ref_or_url: The run, or its URL as a Location or `lastRun` link shows it.
            timeout: Seconds for the whole watch, from its first step; `None` for no end.
            pacing: When to poll; `LearnedPacing()` by default.

        Raises:
            ForeignOriginError: The URL is not on this client's origin.
            LocationError: The URL names no run.
            InvalidArgumentError: An argument cannot be right.
        """
        match ref_or_url:
            case RunRef():
                run_path(ref_or_url)  # raises if its ids cannot be
                ref = ref_or_url
            case str():
                ref = run_ref(ref_or_url, base_url=self._pipeline.base_url)
            case _:
                raise InvalidArgumentError(f"A run is a RunRef or its URL, not {type(ref_or_url).__name__}.")
        return RunWatcher(
            self._watched(ref.kind),
            ref=ref,
            timeout=timeout,
            pacing=pacing,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )

    def resume(self, token: str, *, manifest: ManifestRun | None = None, pacing: Pacing | None = None) -> RunWatcher:
        """Return a watcher that continues where another one was when its resume token was made.

        Its events continue the numbering. It reports the events that the other watcher had not yielded and those since,
        and none twice. The timeout ends when that of the other watch would have.

        Args:
            token: From `RunWatcher.resume_token` or a `WatchError`, of this process or another.
            manifest: The files again, if the watch of a manifest connection may still have to trigger its run: a token
                holds no signed URLs.
            pacing: When to poll; `LearnedPacing()` by default.

        Raises:
            ResumeTokenError: It is no resume token, damaged, of a later version, or of another origin.
            InvalidArgumentError: The files are of another connection than the watch.
        """
        state = ResumeState.from_token(token, origin=self._pipeline.base_url)
        if manifest is not None and (state.kind, state.connection_id) != ("manifest", manifest.connection_id):
            raise InvalidArgumentError(
                f"The token is of {state.kind} connection {state.connection_id}, and the files are of manifest "
                f"connection {manifest.connection_id}."
            )
        return RunWatcher.resuming(
            self._watched(state.kind),
            state,
            manifest=manifest,
            pacing=pacing,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )
