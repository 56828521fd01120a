"""The fixtures in this process; `test_plugin.py` tests them in separate projects."""

import anyio
import pytest

from bentley_sync_async.emulator import FileRule

pytest_plugins = ["bentley_sync_async.testing.plugin"]


async def test_hours_pass_in_virtual_time(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_file_rule(FileRule(duration=3 * 3600))
    began = anyio.current_time()
    assert (await synchronization_client.watch(synchronization_emulator.add_connection()).result()).succeeded
    assert 3 * 3600 < anyio.current_time() - began < 4 * 3600


@pytest.mark.looptime(False)
async def test_a_mark_leaves_a_test_in_real_time(synchronization_emulator, synchronization_client):
    await synchronization_client.watch(synchronization_emulator.add_connection()).result()
    assert sum("/runs/" in request.path for request in synchronization_emulator.requests) == 1


class TestOptions:
    @pytest.fixture
    def synchronization_options(self):
        return {"client_id": "service-of-mine"}

    async def test_options_are_those_of_the_class(self, synchronization_emulator):
        assert synchronization_emulator.client_id == "service-of-mine"
