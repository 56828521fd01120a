from datetime import timedelta

import anyio
import anyio.to_thread
import pytest
from support.bulk import in_place
from support.runs import NOW

from bentley_sync_async.watch import watcher as watcher_module


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the journal write where it is called."""
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)


@pytest.fixture
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that keeps step with the event loop's, as real ones do."""
    monkeypatch.setattr(watcher_module, "utc_now", lambda: NOW + timedelta(seconds=anyio.current_time()))
