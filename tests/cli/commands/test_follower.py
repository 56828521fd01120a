import asyncio

import anyio
import pytest
from support.watch import emulated

from bentley_sync_async import ConnectionLostError, SynchronizationClient
from bentley_sync_async.cli.commands.run import Follower
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule


async def test_the_summary_names_a_file_that_had_its_first_run_just_now(capsys):
    async with emulated() as (emulator, _):
        emulator.add_file_rule(FileRule(file_name="Roof.dgn", error="SourceFileCorrupted"))
        connection_id = emulator.add_connection(files=[("Roof.dgn", "MSTN"), ("Hall.dgn", "MSTN")])
        follower = Follower(
            make_client=lambda: SynchronizationClient(emulator.token(), base_url=emulator.url),
            open_watch=lambda client: client.watch(connection_id),
            arguments=[],
        )
        code = await follower.follow()
    assert code == ExitCode.PARTIAL_SUCCESS
    assert "Roof.dgn" in capsys.readouterr().out.rpartition("Failed file")[2]


async def test_a_host_that_was_never_reached_ends_the_command_after_a_minute(capsys):
    clock = asyncio.get_running_loop()
    began = clock.time()
    follower = Follower(
        make_client=lambda: SynchronizationClient("token", base_url="http://127.0.0.1:9"),
        open_watch=lambda client: client.watch("connection"),
        arguments=[],
    )
    with pytest.raises(ConnectionLostError, match=r"127\.0\.0\.1:9"):
        await follower.follow()
    assert 60 <= clock.time() - began < 120
    assert "not triggered yet" in capsys.readouterr().out


async def test_an_outage_after_the_first_answer_does_not_end_the_command():
    async with emulated() as (emulator, _):
        refused = emulator.add_fault(FaultRule(path="/runs/", action=FaultAction.RESET_BEFORE_HEADERS))

        async def end_the_outage():
            await anyio.sleep(600)
            refused.path = "^never$"

        connection_id = emulator.add_connection()
        follower = Follower(
            make_client=lambda: SynchronizationClient(emulator.token(), base_url=emulator.url),
            open_watch=lambda client: client.watch(connection_id),
            arguments=[],
        )
        async with anyio.create_task_group() as group:
            group.start_soon(end_the_outage)
            assert await follower.follow() == ExitCode.SUCCESS
