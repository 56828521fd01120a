import anyio
import pytest
from support.bulk import in_place


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch):
    """Read and write files in place: a virtual clock runs on while a thread works."""

    async def run_sync(work, *args, **options):
        return await in_place(lambda: work(*args), **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
