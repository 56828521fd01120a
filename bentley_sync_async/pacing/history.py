"""The durations of past runs that a client knows, by connection, and the prior that they give for any run. Pure."""

from collections.abc import Iterable, Sequence

from attrs import define, field

from bentley_sync_async.models import StorageRun

from .distribution import DurationPrior, fit_prior

KEPT = 8
"""Runs kept per connection; earlier ones would hardly count (`distribution.RECENT`)."""

_REFIT = 1.1  # times as many runs as at the last fit


@define
class DurationHistory:
    """The durations of past runs, by connection.

    The prior is fitted again only when a tenth more runs were recorded, so that recording a run costs next to nothing
    however many there are.
    """

    _durations: dict[str, tuple[float, ...]] = field(factory=dict, init=False)
    _requested: set[str] = field(factory=set, init=False)
    _count: int = field(default=0, init=False)
    _fitted_count: int = field(default=0, init=False)
    _prior: DurationPrior = field(factory=DurationPrior, init=False)

    def was_requested(self, connection_id: str) -> bool:
        """Return whether the past runs of the connection were requested; single runs may be known all the same."""
        return connection_id in self._requested

    def mark_requested(self, connection_id: str) -> None:
        """Record that the past runs of the connection are being requested, so that no other watch requests them."""
        self._requested.add(connection_id)

    def unmark_requested(self, connection_id: str) -> None:
        """Record that the request was cancelled before its answer came."""
        self._requested.discard(connection_id)

    def record_listed(self, connection_id: str, seconds: Sequence[float]) -> None:
        """Record the durations of the runs that the service listed, which include those recorded before.

        Args:
            connection_id: The connection.
            seconds: The durations in seconds, the latest last; may be empty.
        """
        self.mark_requested(connection_id)
        if seconds:
            self._durations.pop(connection_id, None)
            self.record(connection_id, *seconds)

    def durations(self, connection_id: str) -> tuple[float, ...]:
        """Return the durations of the connection's last runs in seconds, the latest last."""
        return self._durations.get(connection_id, ())

    def record(self, connection_id: str, *seconds: float) -> None:
        """Record the durations of runs that have just ended, in seconds, the latest last."""
        self._durations[connection_id] = (*self.durations(connection_id), *seconds)[-KEPT:]
        self._count += len(seconds)

    @property
    def prior(self) -> DurationPrior:
        """The prior that all recorded runs give for any run."""
        if self._count > self._fitted_count * _REFIT:
            self._prior = fit_prior(self._durations.values())
            self._fitted_count = self._count
        return self._prior


def durations_of(runs: Iterable[StorageRun]) -> list[float]:
    """Return the durations of completed runs in seconds, the latest last; a run without a duration is left out."""
    timed = sorted(
        (run.start_date_time, run.duration) for run in runs if run.start_date_time is not None and run.duration
    )
    return [seconds for _, seconds in timed]
