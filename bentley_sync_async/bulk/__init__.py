"""Many connections, each run once: plan, schedule, dispatcher, journal, report."""

from .events import BulkEvent, ConnectionFinished, ConnectionProgressed, ConnectionStarted
from .manifests import ManifestRun
from .outcomes import FailedFile, Outcome, OutcomeStatus
from .plan import BulkPlan, PlannedRun
from .progress import BulkProgress
from .report import BulkReport
from .runner import BulkRun

__all__ = [
    "BulkEvent",
    "BulkPlan",
    "BulkProgress",
    "BulkReport",
    "BulkRun",
    "ConnectionFinished",
    "ConnectionProgressed",
    "ConnectionStarted",
    "FailedFile",
    "ManifestRun",
    "Outcome",
    "OutcomeStatus",
    "PlannedRun",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
