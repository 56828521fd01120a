"""An emulator in its own thread and in real time, for tests that run complete programs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Unpack

from anyio.from_thread import BlockingPortal, start_blocking_portal

from bentley_sync_async.emulator import Emulator, FileRule, Run, RunRule
from bentley_sync_async.emulator.settings import Options

NAMES = (
    *("ENVIRONMENT", "BASE_URL", "ISSUER", "TOKEN", "CLIENT_ID", "CLIENT_SECRET", "RATE_TIER"),
    *("PROFILE", "REDIRECT_URI", "ITWIN", "IMODEL", "OUTPUT"),
)
COMMAND = (sys.executable, "-m", "bentley_sync_async.cli")


class Served:
    """A running emulator whose runs complete as soon as they are triggered, unless a test adds a rule."""

    def __init__(self, emulator: Emulator, portal: BlockingPortal) -> None:
        self.emulator = emulator
        self._portal = portal
        emulator.add_run_rule(RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0))
        emulator.add_file_rule(FileRule(queued=0, duration=0, retries=0))

    def start_run(self, connection_id: str) -> Run:
        return self._portal.call(self.emulator.start_run, connection_id)

    def token(self) -> str:
        return self._portal.call(self.emulator.token)

    @property
    def variables(self) -> dict[str, str]:
        return service_variables(self.emulator)

    def triggers(self) -> int:
        return sum(request.operation == "run-storage-connection" for request in self.emulator.requests)


def service_variables(emulator: Emulator) -> dict[str, str]:
    """The BENTLEY_SYNC_* variables with the emulator's URL and the credentials of its service application."""
    return settings(
        BENTLEY_SYNC_BASE_URL=emulator.url,
        BENTLEY_SYNC_ISSUER=emulator.url,
        BENTLEY_SYNC_CLIENT_ID=emulator.client_id,
        BENTLEY_SYNC_CLIENT_SECRET=emulator.client_secret,
    )


@contextmanager
def served(**options: Unpack[Options]) -> Iterator[Served]:
    plain: Options = {"error_rate": 0.0, "retry_rate": 0.0, "accept_window": 0.0}
    with start_blocking_portal() as portal:
        emulator = portal.call(lambda: Emulator(**(plain | options)))
        with portal.wrap_async_context_manager(emulator):
            yield Served(emulator, portal)


def settings(**variables: str) -> dict[str, str]:
    """The variables, with all others of the package empty, no profile or keyring of whoever runs the tests, and a wide
    terminal without colours.
    """
    empty = {f"BENTLEY_SYNC_{name}": "" for name in NAMES}
    nobodys = {"BENTLEY_SYNC_CONFIG": os.devnull, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return empty | nobodys | {"COLUMNS": "140", "NO_COLOR": "1", "FORCE_COLOR": "", "PYTHONUNBUFFERED": "1"} | variables


def environment(variables: dict[str, str]) -> dict[str, str]:
    """The environment of this process with the given variables, for a subprocess; empty ones are removed."""
    return {name: text for name, text in {**os.environ, **variables}.items() if text}
