"""A user's program that touches the neighbouring products. Type checkers read it; nothing runs it."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import assert_type

from bentley_sync_async import (
    AmbiguousNameError,
    Extent,
    FileTransferError,
    IModel,
    IModelNotInitializedError,
    ITwin,
    StorageFile,
    StorageFolder,
    SynchronizationClient,
    SynchronizationError,
)
from bentley_sync_async.models.platform import (
    Application,
    Changeset,
    ChangesetLinks,
    ChangesetState,
    FileUpload,
    IModelCreation,
    IModelCreationState,
    IModelLinks,
    IModelState,
    IModelSummary,
    ITwinClass,
    ITwinStatus,
    ITwinSubClass,
    ITwinSummary,
    NamedVersion,
    NamedVersionLinks,
    NamedVersionState,
    Point,
    StorageItem,
    StorageItemLinks,
    StorageItemType,
    SynchronizationInfo,
    Webhook,
    WebhookScope,
)
from bentley_sync_async.resources import Listing


async def files(client: SynchronizationClient) -> None:
    storage = client.storage
    assert_type(await storage.root_folder_id("t"), str)
    assert_type(storage.list("t"), Listing[StorageItem])
    assert_type(storage.folders.list("d"), Listing[StorageFolder])
    assert_type(storage.folders.list_items("d", page_size=50), Listing[StorageItem])
    assert_type(storage.folders.search("d", "n"), Listing[StorageItem])
    assert_type(await storage.folders.create("d", "n", description="x"), StorageFolder)
    assert_type(await storage.folders.get("d"), StorageFolder)
    assert_type(await storage.folders.update("d", display_name="n"), StorageFolder)
    await storage.folders.delete("d")
    assert_type(storage.files.list("d"), Listing[StorageFile])
    assert_type(await storage.files.upload("d", "Station.dgn", progress=lambda sent, total: None), StorageFile)
    assert_type(await storage.files.upload("d", Path("Station.dgn"), display_name="n", description="x"), StorageFile)
    assert_type(await storage.files.update_content("f", b"content"), StorageFile)
    assert_type(await storage.files.update_content("f", chunks()), StorageFile)
    assert_type(await storage.files.download("f", Path("Station.dgn")), int)
    assert_type(await storage.files.get("f"), StorageFile)
    assert_type(await storage.files.update("f", description="x"), StorageFile)
    begun = await storage.files.create("d", "n")
    assert_type(begun, FileUpload)
    assert_type(await storage.files.begin_update("f"), FileUpload)
    await storage.files.put(begun, b"content")
    assert_type(await storage.files.complete(begun.file_id), StorageFile)
    await storage.files.delete("f")
    assert_type(storage.recycle_bin.list("t"), Listing[StorageItem])
    await storage.recycle_bin.restore_file("f")
    await storage.recycle_bin.delete_folder("d")
    async for item in storage.list("t"):
        assert_type(
            (item.type, item.links, item.created_date_time),
            tuple[StorageItemType | None, StorageItemLinks, datetime | None],
        )
        if isinstance(item, StorageFile):
            assert_type(item.size, int | None)


async def chunks() -> AsyncIterator[bytes]:
    yield b"content"


async def models_and_twins(client: SynchronizationClient) -> None:
    extent = Extent(Point(46.1, 7.6), Point(latitude=46.3, longitude=7.8))
    assert_type(client.imodels.list("t"), Listing[IModelSummary])
    assert_type(client.imodels.list("t", search="a", prefer="representation"), Listing[IModel])
    assert_type(await client.imodels.find("t", "n"), IModel | None)
    imodel = await client.imodels.create("t", "n", extent=extent, timeout=60)
    assert_type(imodel, IModel)
    assert_type((imodel.state, imodel.links), tuple[IModelState | None, IModelLinks])
    assert_type((await client.imodels.creation("i")).state, IModelCreationState)
    assert_type(await client.imodels.creation("i"), IModelCreation)
    assert_type(await client.imodels.update("i", description="d"), IModel)
    await client.imodels.delete("i")
    assert_type(client.imodels.changesets.list("i", after_index=3), Listing[Changeset])
    changeset = await client.imodels.changesets.get("i", 7)
    assert_type((changeset.state, changeset.links), tuple[ChangesetState | None, ChangesetLinks])
    assert_type(changeset.application, Application | None)
    assert_type(changeset.synchronization_info, SynchronizationInfo | None)
    assert_type(client.imodels.named_versions.list("i"), Listing[NamedVersion])
    version = await client.imodels.named_versions.create("i", "n", changeset_id="c")
    assert_type((version.state, version.links), tuple[NamedVersionState | None, NamedVersionLinks])
    assert_type(await client.imodels.named_versions.get("i", "v"), NamedVersion)
    assert_type(client.itwins.list(sub_class=ITwinSubClass.PROJECT), Listing[ITwinSummary])
    assert_type(client.itwins.list(include_inactive=True, prefer="representation"), Listing[ITwin])
    assert_type(await client.itwins.find(number="7"), ITwin | None)
    itwin = await client.itwins.create("n", sub_class=ITwinSubClass.ASSET, class_=ITwinClass.THING)
    assert_type((itwin.class_, itwin.status), tuple[ITwinClass | None, ITwinStatus | None])
    assert_type(await client.itwins.update("t", status=ITwinStatus.INACTIVE), ITwin)
    await client.itwins.delete("t")
    webhook = await client.webhooks.create("https://example.com/", itwin_id="t", secret="s" * 32)
    assert_type((webhook.secret, webhook.scope), tuple[str | None, WebhookScope | None])
    assert_type(await client.webhooks.activate(webhook.id), Webhook)
    assert_type(client.webhooks.list(), Listing[Webhook])


def transfers(error: SynchronizationError) -> str:
    match error:
        case FileTransferError(file_id=file_id, status=status, code=code):
            assert_type((status, code), tuple[int | None, str | None])
            return file_id
        case IModelNotInitializedError(imodel_id=imodel_id, state=state):
            return imodel_id + state
        case AmbiguousNameError(ids=ids):
            assert_type(ids, tuple[str, ...])
            return ids[0]
        case _:
            return ""
