"""A faithful server of the iTwin Synchronization API, for demos, for tests, and for trying things out.

`async with Emulator() as emulator:` serves on `emulator.url`; `python -m bentley_sync_async.emulator` does so from a
shell. It shares no code with the client but the models, so that the two cannot share a mistake.
"""

from .platform.faults import FaultAction, FaultRule
from .scenario import Scenario, load_scenario, parse_scenario
from .server import Emulator, RecordedRequest
from .settings import Options, Settings
from .synchronization.catalogue import CATALOGUE, CatalogueEntry
from .synchronization.rules import FileRule, RunRule
from .synchronization.store import Run
from .synchronization.webhooks import Delivery, Webhook

__all__ = [
    "CATALOGUE",
    "CatalogueEntry",
    "Delivery",
    "Emulator",
    "FaultAction",
    "FaultRule",
    "FileRule",
    "Options",
    "RecordedRequest",
    "Run",
    "RunRule",
    "Scenario",
    "Settings",
    "Webhook",
    "load_scenario",
    "parse_scenario",
]
