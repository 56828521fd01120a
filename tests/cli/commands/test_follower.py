from support.watch import emulated

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.cli.commands.run import Follower
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import FileRule


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
