import anyio
import pytest
from support.bulk import in_place


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch):
    """Read and write files in place: a virtual clock runs on while a thread works."""
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)
