import anyio
import pytest
from support.bulk import in_place


@pytest.fixture
def state(monkeypatch, tmp_path):
    """The folder for locks and files of tokens; threads' work is done in place, as time is virtual."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)
    return tmp_path / "bentley-sync"
