from datetime import timedelta

import anyio
import pytest
from support.runs import NOW

from bentley_sync_async.watch import watcher as watcher_module


@pytest.fixture(autouse=True)
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that keeps step with the event loop's, as real ones do."""
    monkeypatch.setattr(watcher_module, "utc_now", lambda: NOW + timedelta(seconds=anyio.current_time()))
