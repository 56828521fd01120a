import anyio.to_thread
import pytest
from support.bulk import in_place


@pytest.fixture(autouse=True)
def no_threads(monkeypatch):
    """A virtual clock runs on by minutes while a thread works."""
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)
