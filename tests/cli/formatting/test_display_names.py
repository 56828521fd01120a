"""The names of connections and files that people see instead of ids."""

from support.watch import emulated

from bentley_sync_async import ConnectorType, SourceFileCreate
from bentley_sync_async.cli.formatting.display_names import DisplayNames


def test_two_connections_of_one_name_are_told_apart_by_the_ends_of_their_ids():
    names = DisplayNames()
    for connection_id, name in (("first-00000001", "Station"), ("second-0000002", "Station"), ("third", None)):
        names.learn(connection_id, name)
        names.learn(connection_id, "another name")
    assert names.connections["first-00000001"] == "Station"
    assert names.connections["second-0000002"] == "Station (...-0000002)"
    assert names.connection("third") == "another name"


async def test_files_that_no_run_has_read_have_the_names_of_storage():
    async with emulated(strict=True) as (emulator, client):
        itwin_id = emulator.add_itwin("Station West")
        imodel = await client.imodels.create(itwin_id, "Combined")
        file_id = emulator.add_file(itwin_id, "roof.dgn")
        files = [SourceFileCreate(file_id, ConnectorType.MSTN)]
        connection = await client.storage_connections.create(imodel.id, files, display_name="Roofs")
        names = DisplayNames()
        await names.fetch(client, connection.id)
    assert (names.connections, names.files) == ({connection.id: "Roofs"}, {file_id: "roof.dgn"})


async def test_names_that_nobody_knows_stay_unknown():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        names = DisplayNames()
        await names.fetch(client, connection_id)
    assert names.files == {}
