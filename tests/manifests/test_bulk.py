"""Bulks with manifest connections."""

from pathlib import Path

import anyio.to_thread
import pytest
from support.bulk import in_place, outcomes_of, runs_created
from support.manifests.connections import SIGNATURE, manifest_files, new_manifest_connection
from support.watch import emulated

from bentley_sync_async import InvalidArgumentError
from bentley_sync_async.bulk import ManifestRun, OutcomeStatus
from bentley_sync_async.emulator import FileRule


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_bulk_runs_storage_and_manifest_connections_of_an_imodel_one_after_the_other():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        storage = emulator.add_connection(imodel)
        manifest = await new_manifest_connection(emulator, client, imodel_id=imodel)
        outcomes = await outcomes_of(client.run_many([storage, ManifestRun(manifest, manifest_files("a"))]))

    assert {one: outcome.status for one, outcome in outcomes.items()} == dict.fromkeys(
        (storage, manifest), OutcomeStatus.SUCCEEDED
    )
    assert outcomes[manifest].ref.kind == "manifest"
    assert outcomes[manifest].imodel_id == imodel
    assert not any(outcome.joined for outcome in outcomes.values())


async def test_an_active_run_of_a_manifest_connection_is_not_joined():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        outcomes = await outcomes_of(client.run_many([ManifestRun(connection, manifest_files("b"))]))

    assert (outcomes[connection].joined, runs_created(emulator)[connection]) == (False, 2)


async def test_a_failed_file_is_named_by_its_id_in_the_manifest():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(file_name="b.dgn", error="ZeroByte"))
        connection = await new_manifest_connection(emulator, client)
        async with client.run_many([ManifestRun(connection, manifest_files("a", "b"))]) as bulk:
            report = await bulk.result()

    (file,) = report.outcomes[0].failed_files
    assert (file.storage_file_id, file.source_file_id, file.file_id) == (None, "b", "b")
    assert "file b: ZeroByte" in str(report)


async def test_a_bulk_continues_from_its_journal_which_holds_no_url(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)
    journal = tmp_path / "nightly.db"
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        job = ManifestRun(connection, manifest_files("a"))
        async with client.run_many([job], journal=journal) as bulk:
            for _ in range(3):
                await anext(bulk)
        kept = content_of(tmp_path)
        outcomes = await outcomes_of(client.run_many([job], journal=journal))

    assert outcomes[connection].status == OutcomeStatus.SUCCEEDED
    assert runs_created(emulator)[connection] == 1
    assert SIGNATURE.encode() not in kept


async def test_a_connection_that_does_not_exist_is_refused():
    async with emulated() as (_, client):
        outcomes = await outcomes_of(client.run_many([ManifestRun("A" * 43, manifest_files("a"))]))

    assert outcomes["A" * 43].status == OutcomeStatus.REFUSED


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([ManifestRun("c", [])], "at least one file"),
        ([ManifestRun("c", manifest_files("a")), ManifestRun("c", manifest_files("b"))], "is listed twice"),
        (["c", ManifestRun("c", manifest_files("a"))], "is listed twice"),
    ],
)
async def test_what_cannot_be_right_is_refused_at_once(items, problem):
    async with emulated() as (_, client):
        with pytest.raises(InvalidArgumentError, match=problem):
            client.run_many(items)


def test_a_manifest_run_shows_no_url():
    assert SIGNATURE not in repr(ManifestRun("c", manifest_files("a"), document_attribute_schema_url="https://h?sig=x"))
    assert "sig=" not in repr(ManifestRun("c", manifest_files("a"), document_attribute_schema_url="https://h?sig=x"))
