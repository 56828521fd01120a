"""When to poll a run: strategies, what they know of durations, and the shared price of a poll. Pure."""

from .completion import CompletionNotifier, CompletionSignal
from .distribution import DurationDistribution
from .learned import LearnedPacing
from .price import PollDemand
from .strategies import BackoffPacing, FixedPacing, Pacing, PollContext

__all__ = [
    "BackoffPacing",
    "CompletionNotifier",
    "CompletionSignal",
    "DurationDistribution",
    "FixedPacing",
    "LearnedPacing",
    "Pacing",
    "PollContext",
    "PollDemand",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
