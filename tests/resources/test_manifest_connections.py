"""Manifest connections through the client, against the emulator."""

import uuid

import pytest
from support.manifests.connections import manifest_files, new_manifest_connection
from support.watch import emulated

from bentley_sync_async import (
    AuthenticationType,
    ClientCredentials,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    RunRef,
    SynchronizationClient,
    UnprocessableError,
)
from bentley_sync_async.emulator import Emulator
from bentley_sync_async.models.manifests import ManifestAction, ManifestFile

ABSENT = str(uuid.UUID(int=7))


async def test_a_connection_is_created_read_changed_and_deleted():
    async with emulated() as (emulator, client):
        imodel, connections = emulator.new_imodel_id(), client.manifest_connections
        made = await connections.create(imodel, ["a"], display_name="Bridge")
        read = await connections.get(made.id)
        changed = await connections.update(made.id, display_name="New")
        listed = [one async for one in connections.list(imodel, prefer="representation")]
        await connections.delete(made.id)
        with pytest.raises(NotFoundError):
            await connections.get(made.id)

    assert (made, made.imodel_id, made.display_name) == (read, imodel, "Bridge")
    assert (changed.display_name, changed.authentication_type) == ("New", made.authentication_type)
    assert listed == [changed]


async def test_a_service_application_creates_connections_that_work_as_itself():
    async with Emulator() as emulator:
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=emulator.url) as client:
            made = await client.manifest_connections.create(emulator.new_imodel_id(), ["a"])

    assert made.authentication_type is AuthenticationType.SERVICE


async def test_a_file_that_is_mapped_already_is_a_conflict():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        await client.manifest_connections.create(imodel, ["a"])
        with pytest.raises(ConflictError) as caught:
            await client.manifest_connections.create(imodel, ["a"])

    assert caught.value.code == "FileMappingToTheIModelAlreadyExists"


async def test_an_invalid_imodel_is_named_by_its_detail():
    async with emulated() as (_, client):
        with pytest.raises(UnprocessableError) as caught:
            await client.manifest_connections.create("no-guid", ["a"])

    assert [detail.target for detail in caught.value.details] == ["imodelId"]


@pytest.mark.parametrize(("ids", "problem"), [([], "at least one source file"), ("abc", "a list of ids, not one text")])
async def test_a_connection_needs_a_list_of_files(ids, problem):
    async with emulated() as (emulator, client):
        with pytest.raises(InvalidArgumentError, match=problem):
            await client.manifest_connections.create(emulator.new_imodel_id(), ids)
        assert emulator.requests == []


async def test_a_connection_that_runs_cannot_be_deleted():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        with pytest.raises(ConflictError) as caught:
            await client.manifest_connections.delete(connection)

    assert caught.value.code == "ConnectionAlreadyInUse"


async def test_files_are_added_read_changed_and_removed():
    async with emulated() as (emulator, client):
        connection, files = (
            await new_manifest_connection(emulator, client, "a"),
            client.manifest_connections.source_files,
        )
        added = await files.add(connection, "b")
        read = await files.get(connection, added.id)
        changed = await files.update(connection, added.id, new_source_file_id="c")
        listed = [file.source_file_id async for file in files.list(connection, page_size=1)]
        await files.remove(connection, added.id)
        with pytest.raises(NotFoundError) as caught:
            await files.get(connection, added.id)

    assert (added, added.source_file_id) == (read, "b")
    assert (changed.id, changed.source_file_id, listed) == (added.id, "c", ["a", "c"])
    assert caught.value.code == "ManifestConnectionSourceFileNotFound"


async def test_runs_are_triggered_listed_and_read():
    async with emulated() as (emulator, client):
        connection, runs = await new_manifest_connection(emulator, client), client.manifest_connections.runs
        triggered = await runs.trigger(connection, manifest_files("a"))
        again = await runs.trigger(connection, manifest_files("b"))
        minimal = [run.id async for run in runs.list(connection)]
        full = [run async for run in runs.list(connection, prefer="representation")]
        read = await runs.get(connection, triggered.ref.run_id)

    assert (triggered.created, again.created, again.foreign, again.ref) == (True, False, False, triggered.ref)
    assert triggered.ref == RunRef(connection_id=connection, run_id=read.id, kind="manifest")
    assert (minimal, [run.id for run in full], read.connection_id) == ([read.id], [read.id], connection)


async def test_an_active_run_of_a_storage_connection_is_foreign():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel))
        connection = await new_manifest_connection(emulator, client, imodel_id=imodel)
        triggered = await client.manifest_connections.runs.trigger(connection, manifest_files("a"))

    assert (triggered.created, triggered.foreign, triggered.ref.kind) == (False, True, "storage")


async def test_a_run_is_not_found_in_a_storage_connection_of_the_same_id():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        triggered = await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        with pytest.raises(NotFoundError):
            await client.storage_connections.runs.get(connection, triggered.ref.run_id)


async def test_a_run_that_does_not_exist_is_not_found():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        with pytest.raises(NotFoundError) as caught:
            await client.manifest_connections.runs.get(connection, ABSENT)

    assert caught.value.code == "ConnectionRunNotFound"


async def test_a_forbidden_imodel_cannot_be_run():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connection = await new_manifest_connection(emulator, client, imodel_id=imodel)
        emulator.forbidden_imodels.add(imodel)
        with pytest.raises(PermissionDeniedError):
            await client.manifest_connections.runs.trigger(connection, manifest_files("a"))


async def test_a_mistake_in_a_manifest_is_named():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        with pytest.raises(UnprocessableError) as caught:
            await client.manifest_connections.runs.trigger(connection, manifest_files("a", connector_type="NoSuch"))

    assert caught.value.code == "InvalidManifestConnectionRunRequest"
    assert [detail.target for detail in caught.value.details] == ["connectorType"]


async def test_connections_of_all_kinds_are_listed_whole():
    async with emulated(honour_prefer=False) as (emulator, client):
        imodel = emulator.new_imodel_id()
        manifest = await new_manifest_connection(emulator, client, imodel_id=imodel)
        storage = emulator.add_connection(imodel)
        listed = [one async for one in client.connections.list(imodel, prefer="representation")]

    assert [(one.id, one.imodel_id) for one in listed] == [(manifest, imodel), (storage, imodel)]


def test_a_file_to_unmap_has_neither_name_nor_url():
    file = ManifestFile.unmap("a", "DWG")
    assert (file.action, file.url, file.name) == (ManifestAction.UNMAP, None, None)


def test_a_file_shows_no_url():
    (file,) = manifest_files("a")
    assert "dms.example" not in repr(file)
