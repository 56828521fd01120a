"""A client and an emulator for tests of a watch, and helpers that read events and requests."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Unpack

from bentley_sync_async import RunWatcher, SynchronizationClient, TaskCompleted, WatchEvent
from bentley_sync_async.emulator import Emulator, FileRule, RunRule
from bentley_sync_async.emulator.settings import Options
from bentley_sync_async.watch.resume_state import ResumeState

RUN_PATH = "/runs/"
TRIGGER_PATH = "/run$"
RESUME_STATE = ResumeState(
    origin="https://api.bentley.com",
    connection_id="c",
    run=("storage", "c", "r"),
    seq=3,
    timeout=None,
    ends_at=None,
    attempted_at=None,
    when_active="join",
    when_busy="wait",
    unknown_values=[],
    fingerprint=None,
    unreported_completions=[],
    grace_ends=None,
    blocking_run=None,
    blocking_fingerprint=None,
)


@asynccontextmanager
async def emulated(**options: Unpack[Options]) -> AsyncIterator[tuple[Emulator, SynchronizationClient]]:
    """An emulator whose runs take just over five minutes and succeed, and its client."""
    plain: Options = {"error_rate": 0.0, "retry_rate": 0.0, "accept_window": 0.0}
    async with Emulator(**(plain | options)) as emulator:
        emulator.add_run_rule(RunRule(queued=10, waiting=60, preprocessing=30, references=30, finalizing=10))
        emulator.add_file_rule(FileRule(queued=5, duration=180))
        token = emulator.token(lifetime=1e9)
        async with SynchronizationClient(token, base_url=emulator.url) as client:
            yield emulator, client


async def events_of(watcher: RunWatcher) -> list[WatchEvent]:
    return [event async for event in watcher]


def names(events: list[WatchEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def completed_tasks(events: list[WatchEvent]) -> list[str]:
    return [event.task.id for event in events if isinstance(event, TaskCompleted)]


def triggers(emulator: Emulator) -> list[float]:
    """The instants at which triggers arrived."""
    return [request.time for request in emulator.requests if re.search(TRIGGER_PATH, request.path)]


def polls(emulator: Emulator) -> list[float]:
    """The instants at which polls arrived."""
    return [request.time for request in emulator.requests if RUN_PATH in request.path]
