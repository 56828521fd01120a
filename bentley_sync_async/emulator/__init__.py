"""A faithful server of the iTwin Synchronization API for demos and tests, with a folder for each API product.

`async with Emulator() as emulator:` serves on `emulator.url`; `python -m bentley_sync_async.emulator` does the same
from a shell. The emulator shares only the models and the errors with the client, so the two cannot share a mistake.
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
