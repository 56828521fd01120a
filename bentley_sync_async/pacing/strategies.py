"""Pacing strategies: what a pacing is given, and those that learn nothing. Pure."""

from math import inf
from typing import Protocol

from attrs import Attribute, field, frozen
from attrs.validators import gt

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import StorageRun
from bentley_sync_async.transport.retry import backoff

from .distribution import DurationDistribution, DurationPrior
from .price import LOWEST_PRICE


def _number(value: object, least: float, most: float = inf) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and least <= value <= most and value != inf


def is_seconds(_settings: object, attribute: "Attribute[float]", value: object) -> None:
    """Raise if a setting is no number of seconds above 0."""
    if not _number(value, 0.0) or not value:
        raise InvalidArgumentError(f"{attribute.name} must be a number of seconds above 0, not {value!r}.")


def is_part(_settings: object, attribute: "Attribute[float]", value: object) -> None:
    """Raise if a setting is no number from 0 to 1."""
    if not _number(value, 0.0, 1.0):
        raise InvalidArgumentError(f"{attribute.name} must be a number from 0 to 1, not {value!r}.")


def _is_growth(_settings: object, attribute: "Attribute[float]", value: object) -> None:
    if not _number(value, 1.0):
        raise InvalidArgumentError(f"{attribute.name} must be a number of at least 1, not {value!r}.")


UNKNOWN_DURATION = DurationPrior().distribution()
"""The distribution of a run's duration when neither it nor any other run is known."""


@frozen(kw_only=True)
class PollContext:
    """What is known right after a poll of a run.

    Attributes:
        unchanged_polls: How many polls in a row have brought no change; 0 right after a change.
        chance: A random number from 0 to 1.
        failed: Whether the poll failed; `unchanged_polls` is then the number of failed polls before it.
        elapsed: Seconds since the run started.
        run: The latest snapshot; `None` before the first.
        duration: The distribution of the run's duration, given its connection's past runs, all runs known, and what the
            poll showed.
        price: The seconds of delay that a poll must save to be worth it.
    """

    unchanged_polls: int = 0
    chance: float
    failed: bool = False
    elapsed: float = 0.0
    run: StorageRun | None = None
    duration: DurationDistribution = field(default=UNKNOWN_DURATION)
    price: float = field(default=LOWEST_PRICE, validator=gt(0))


def check_pacing(pacing: object) -> None:
    """Raise if this is no pacing, before anything is sent.

    Raises:
        InvalidArgumentError: It has no method `delay`, or is a class.
    """
    if pacing is not None and (isinstance(pacing, type) or not callable(getattr(pacing, "delay", None))):
        raise InvalidArgumentError(
            f"pacing must be an object with a method delay, such as FixedPacing(), not {pacing!r}."
        )


class Pacing(Protocol):
    """Decides how long a watch waits between two polls. The wait is never shorter than the service's Retry-After."""

    def delay(self, context: PollContext) -> float:
        """Return the seconds to wait before the next poll."""
        ...


@frozen(kw_only=True)
class FixedPacing:
    """Polls at regular intervals.

    Attributes:
        interval: Seconds between two polls.
        jitter: The part by which a wait may be shortened at random, 0 to 1, so that many watches do not poll at once.
    """

    interval: float = field(default=10.0, validator=is_seconds)
    jitter: float = field(default=0.1, validator=is_part)

    def delay(self, context: PollContext) -> float:
        """Return the seconds to wait before the next poll."""
        return self.interval * (1 - self.jitter * context.chance)


@frozen(kw_only=True)
class BackoffPacing:
    """Polls often while the run changes, and at growing intervals while it does not.

    Attributes:
        shortest: The wait after a change, in seconds.
        factor: The factor by which each wait without a change grows.
        longest: The longest wait in seconds.
        jitter: The part by which a wait may be shortened at random, 0 to 1, so that many watches do not poll at once.
    """

    shortest: float = field(default=2.0, validator=is_seconds)
    factor: float = field(default=1.5, validator=_is_growth)
    longest: float = field(default=30.0, validator=is_seconds)
    jitter: float = field(default=0.1, validator=is_part)

    def delay(self, context: PollContext) -> float:
        """Return the seconds to wait before the next poll."""
        return backoff(
            context.unchanged_polls,
            shortest=self.shortest,
            factor=self.factor,
            longest=self.longest,
            jitter=self.jitter,
            chance=context.chance,
        )
