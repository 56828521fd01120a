"""How long runs took, for all watches of a client. Pure."""

from collections.abc import Iterable, Sequence

from attrs import define, field

from bentley_sync_async.models import StorageRun

from .distribution import DurationPrior, learn

KEPT = 8
"""Runs of a connection that are kept; earlier ones would hardly count (`durations.RECENT`)."""

_RELEARNED = 1.1  # times as many runs noted as at the last time


@define
class DurationHistory:
    """What is known of the durations of runs, connection by connection.

    What all of them teach is reckoned anew only when a tenth more runs were noted, so that a run more costs next to
    nothing, however many there are.
    """

    _known: dict[str, tuple[float, ...]] = field(factory=dict, init=False)
    _asked: set[str] = field(factory=set, init=False)
    _count: int = field(default=0, init=False)
    _learned_at: int = field(default=0, init=False)
    _others: DurationPrior = field(factory=DurationPrior, init=False)

    def __contains__(self, connection_id: object) -> bool:
        """Return whether the past runs of the connection were asked for; to know some of its runs is less."""
        return connection_id in self._asked

    def ask(self, connection_id: str) -> None:
        """Note that the past runs of the connection are being asked for, so that nobody else does."""
        self._asked.add(connection_id)

    def leave(self, connection_id: str) -> None:
        """Note that whoever asked for them has left before the answer."""
        self._asked.discard(connection_id)

    def listed(self, connection_id: str, seconds: Sequence[float]) -> None:
        """Note how long the past runs took, the latest last, if any: those noted before are among them."""
        self.ask(connection_id)
        if seconds:
            self._known.pop(connection_id, None)
            self.note(connection_id, *seconds)

    def past(self, connection_id: str) -> tuple[float, ...]:
        """Return the seconds that the last runs of the connection took, the latest last."""
        return self._known.get(connection_id, ())

    def note(self, connection_id: str, *seconds: float) -> None:
        """Note how long runs of the connection took that have just ended, the latest last."""
        self._known[connection_id] = (*self.past(connection_id), *seconds)[-KEPT:]
        self._count += len(seconds)

    @property
    def others(self) -> DurationPrior:
        """What all runs known teach."""
        if self._count > self._learned_at * _RELEARNED:
            self._others = learn(self._known.values())
            self._learned_at = self._count
        return self._others


def durations_of(runs: Iterable[StorageRun]) -> list[float]:
    """Return the seconds that completed runs took, the latest last; one that took no time teaches nothing."""
    spans = sorted(
        (run.start_date_time, run.duration) for run in runs if run.start_date_time is not None and run.duration
    )
    return [seconds for _, seconds in spans]
