"""Watches of manifest connections that another process resumes: tokens hold no URL of a file."""

import zlib
from base64 import urlsafe_b64decode

import pytest
from support.manifests.connections import SIGNATURE, manifest_files, new_manifest_connection
from support.watch import RESUME_STATE, emulated, events_of, names

from bentley_sync_async import InvalidArgumentError, SynchronizationClient
from bentley_sync_async.watch.resume_state import ResumeState
from bentley_sync_async.wire.resume import unpack


async def resumed(emulator, token, **options):
    async with SynchronizationClient(emulator.token(lifetime=1e9), base_url=emulator.url) as client:
        return await events_of(client.resume(token, **options))


def plain(token):
    body = urlsafe_b64decode(token.partition(".")[2] + "==")
    return zlib.decompress(body[4:])


async def test_a_watch_goes_on_without_its_files_once_its_run_is_known():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        watcher = client.watch_manifest(connection, manifest_files("a"))
        before = [await anext(watcher) for _ in range(2)]
        after = await resumed(emulator, watcher.resume_token())

    assert [event.seq for event in [*before, *after]] == list(range(1, len(before) + len(after) + 1))
    assert after[-1].run.succeeded
    assert len(emulator.runs) == 1


async def test_a_watch_that_was_not_triggered_needs_its_files():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        token = client.watch_manifest(connection, manifest_files("a")).resume_token()
        with pytest.raises(InvalidArgumentError, match=r"client\.resume\(token, files=") as caught:
            await resumed(emulator, token)

    assert caught.value.resume_token is not None
    assert emulator.runs == ()


async def test_a_watch_that_was_not_triggered_is_triggered_with_the_files_of_the_resumption():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        token = client.watch_manifest(connection, manifest_files("a")).resume_token()
        events = await resumed(emulator, token, files=manifest_files("b"))

    assert [task.source_file_id for task in events[-1].run.tasks] == ["b"]


async def test_a_watch_that_may_have_been_triggered_looks_for_its_run_even_without_files():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        token = client.watch_manifest(connection, manifest_files("a")).intent_token()
        await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        events = await resumed(emulator, token)

    assert (names(events)[0], events[0].recovered) == ("RunTriggered", True)
    assert len(emulator.runs) == 1


async def test_a_token_knows_the_kind_of_its_connection_and_holds_no_url():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        watcher = client.watch_manifest(
            connection, manifest_files("a"), document_attribute_schema_url="https://h/?sig=x"
        )
        tokens = [watcher.resume_token(), watcher.intent_token()]
        await anext(watcher)
        tokens.append(watcher.resume_token())

    for token in tokens:
        assert token.startswith("bsr3.")
        assert ResumeState.from_token(token, origin=emulator.url).kind == "manifest"
        assert b"https://dms.example" not in plain(token)
        assert SIGNATURE.encode() not in plain(token)
        assert b"sig=" not in plain(token)


async def test_files_are_refused_for_a_storage_connection():
    async with emulated() as (emulator, client):
        token = client.watch(emulator.add_connection()).resume_token()
        with pytest.raises(InvalidArgumentError, match="resume it without files"):
            client.resume(token, files=manifest_files("a"))


def test_a_token_of_a_storage_connection_is_of_an_earlier_version():
    assert RESUME_STATE.token().startswith("bsr1.")
    assert len(unpack(RESUME_STATE.token())) == 15
