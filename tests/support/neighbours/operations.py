"""The operations of the neighbouring products: what each sends, and its documented refusals."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from bentley_sync_async.models.platform import Extent, ITwinStatus, ITwinSubClass, Point

ROOT = "https://api.example"
STORAGE, IMODELS, ITWINS, WEBHOOKS = (f"{ROOT}/{path}" for path in ("storage", "imodels", "itwins", "webhooks"))
EXTENT = Extent(Point(46.1, 7.6), Point(46.3, 7.8))
EXTENT_JSON = {
    "southWest": {"latitude": 46.1, "longitude": 7.6},
    "northEast": {"latitude": 46.3, "longitude": 7.8},
}
SECRET = "s" * 32


async def everything(listing: Any) -> list[Any]:
    return [item async for item in listing]


@frozen(kw_only=True)
class Operation:
    """An operation as it goes over the wire.

    Attributes:
        method: HTTP method.
        url: URL.
        call: The call that sends it.
        body: The body that is sent.
        key: The member of the answer with the entity.
        many: Whether it is a list.
        status: With which it succeeds.
        version: Of the API.
        prefer: The Prefer header.
        named: Whether the entity has an id.
    """

    method: str
    url: str
    call: Any
    body: object = None
    key: str | None = None
    many: bool = False
    status: int
    version: int = 1
    prefer: str | None = None
    named: bool = True


STATUSES = {"GET": 200, "POST": 201, "PATCH": 200, "DELETE": 204}


def listing(url: str, key: str, call: Any, *, prefer: str | None = "return=minimal", version: int = 1) -> Operation:
    return Operation(
        method="GET",
        url=url,
        key=key,
        many=True,
        call=lambda api: everything(call(api)),
        status=200,
        prefer=prefer,
        version=version,
    )


def one(method: str, url: str, key: str, call: Any, **more: Any) -> Operation:
    return Operation(**{"method": method, "url": url, "key": key, "call": call, "status": STATUSES[method], **more})


def none(method: str, url: str, call: Any, **more: Any) -> Operation:
    return Operation(**{"method": method, "url": url, "call": call, "status": STATUSES[method], **more})


V2 = {"version": 2}
PLAIN: dict[str, Any] = {"prefer": None}
NAMED = {"displayName": "n", "description": "d"}

PLATFORM: dict[str, Operation] = {
    "get-top-level-folders-and-files-by-itwin": listing(
        f"{STORAGE}/?iTwinId=t", "items", lambda api: api.storage.list("t"), **PLAIN
    ),
    "get-folders-in-folder": listing(
        f"{STORAGE}/folders/d/folders", "folders", lambda api: api.storage.folders.list("d"), **PLAIN
    ),
    "get-folders-and-files-in-folder": listing(
        f"{STORAGE}/folders/d/list", "items", lambda api: api.storage.folders.list_items("d"), **PLAIN
    ),
    "search-for-folders-and-files-in-folder": listing(
        f"{STORAGE}/folders/d/search?name=a%20b", "items", lambda api: api.storage.folders.search("d", "a b"), **PLAIN
    ),
    "create-folder": one(
        "POST",
        f"{STORAGE}/folders/d/folders",
        "folder",
        lambda api: api.storage.folders.create("d", "n", description="d"),
        body=NAMED,
    ),
    "get-folder": one("GET", f"{STORAGE}/folders/d", "folder", lambda api: api.storage.folders.get("d")),
    "update-folder": one(
        "PATCH",
        f"{STORAGE}/folders/d",
        "folder",
        lambda api: api.storage.folders.update("d", display_name="n", description="d"),
        body=NAMED,
    ),
    "delete-folder": none("DELETE", f"{STORAGE}/folders/d", lambda api: api.storage.folders.delete("d")),
    "get-files-in-folder": listing(
        f"{STORAGE}/folders/d/files", "files", lambda api: api.storage.files.list("d"), **PLAIN
    ),
    "create-file": one(
        "POST",
        f"{STORAGE}/folders/d/files",
        "_links",
        lambda api: api.storage.files.create("d", "n", description="d"),
        body=NAMED,
        status=202,
        named=False,
    ),
    "update-file-content": one(
        "POST",
        f"{STORAGE}/files/f/updatecontent",
        "_links",
        lambda api: api.storage.files.begin_update("f"),
        status=202,
        named=False,
    ),
    "complete-file-upload": one(
        "POST", f"{STORAGE}/files/f/complete", "file", lambda api: api.storage.files.complete("f"), status=200
    ),
    "get-file": one("GET", f"{STORAGE}/files/f", "file", lambda api: api.storage.files.get("f")),
    "update-file": one(
        "PATCH",
        f"{STORAGE}/files/f",
        "file",
        lambda api: api.storage.files.update("f", display_name="n", description="d"),
        body=NAMED,
    ),
    "delete-file": none("DELETE", f"{STORAGE}/files/f", lambda api: api.storage.files.delete("f")),
    "download-file": none(
        "GET", f"{STORAGE}/files/f/download", lambda api: api.storage.files.download("f", "target"), status=302
    ),
    "get-folders-and-files-in-recycle-bin": listing(
        f"{STORAGE}/recyclebin?iTwinId=t", "items", lambda api: api.storage.recycle_bin.list("t"), **PLAIN
    ),
    "restore-file": none(
        "POST",
        f"{STORAGE}/recyclebin/files/f/restore",
        lambda api: api.storage.recycle_bin.restore_file("f"),
        status=204,
    ),
    "restore-folder": none(
        "POST",
        f"{STORAGE}/recyclebin/folders/d/restore",
        lambda api: api.storage.recycle_bin.restore_folder("d"),
        status=204,
    ),
    "delete-file-from-recycle-bin": none(
        "DELETE", f"{STORAGE}/recyclebin/files/f", lambda api: api.storage.recycle_bin.delete_file("f")
    ),
    "delete-folder-from-recycle-bin": none(
        "DELETE", f"{STORAGE}/recyclebin/folders/d", lambda api: api.storage.recycle_bin.delete_folder("d")
    ),
    "get-itwin-imodels": listing(
        f"{IMODELS}/?iTwinId=t&$search=a&$orderBy=name%20asc",
        "iModels",
        lambda api: api.imodels.list("t", search="a", order_by="name asc"),
        **V2,
    ),
    "create-imodel": one(
        "POST",
        f"{IMODELS}/",
        "iModel",
        lambda api: api.imodels.create("t", "n", description="d", extent=EXTENT),
        body={"iTwinId": "t", "name": "n", "description": "d", "extent": EXTENT_JSON},
        **V2,
    ),
    "get-imodel-details": one("GET", f"{IMODELS}/i", "iModel", lambda api: api.imodels.get("i"), **V2),
    "get-create-imodel-operation-details": one(
        "GET",
        f"{IMODELS}/i/operations/create",
        "createOperation",
        lambda api: api.imodels.creation("i"),
        named=False,
        **V2,
    ),
    "update-imodel": one(
        "PATCH",
        f"{IMODELS}/i",
        "iModel",
        lambda api: api.imodels.update("i", name="n", description="d", extent=EXTENT),
        body={"name": "n", "description": "d", "extent": EXTENT_JSON},
        **V2,
    ),
    "delete-imodel": none("DELETE", f"{IMODELS}/i", lambda api: api.imodels.delete("i"), **V2),
    "get-imodel-changesets": listing(
        f"{IMODELS}/i/changesets?afterIndex=3&lastIndex=9&$orderBy=index%20desc",
        "changesets",
        lambda api: api.imodels.changesets.list("i", after_index=3, last_index=9, order_by="index desc"),
        **V2,
    ),
    "get-imodel-changeset-details": one(
        "GET", f"{IMODELS}/i/changesets/7", "changeset", lambda api: api.imodels.changesets.get("i", 7), **V2
    ),
    "get-imodel-named-versions": listing(
        f"{IMODELS}/i/namedversions?name=n&$search=a&$orderBy=changesetIndex%20asc",
        "namedVersions",
        lambda api: api.imodels.named_versions.list("i", name="n", search="a", order_by="changesetIndex asc"),
        **V2,
    ),
    "get-imodel-named-version-details": one(
        "GET",
        f"{IMODELS}/i/namedversions/v",
        "namedVersion",
        lambda api: api.imodels.named_versions.get("i", "v"),
        **V2,
    ),
    "create-imodel-named-version": one(
        "POST",
        f"{IMODELS}/i/namedversions",
        "namedVersion",
        lambda api: api.imodels.named_versions.create("i", "n", changeset_id="c", description="d"),
        body={"name": "n", "description": "d", "changesetId": "c"},
        **V2,
    ),
    "get-my-itwins": listing(
        f"{ITWINS}/?subClass=Asset&status=Inactive&type=y&parentId=p&$search=a&includeInactive=true",
        "iTwins",
        lambda api: api.itwins.list(
            sub_class=ITwinSubClass.ASSET,
            status=ITwinStatus.INACTIVE,
            type="y",
            parent_id="p",
            search="a",
            include_inactive=True,
        ),
    ),
    "create-itwin": one(
        "POST",
        f"{ITWINS}/",
        "iTwin",
        lambda api: api.itwins.create(
            "n",
            type="y",
            number="7",
            parent_id="p",
            status=ITwinStatus.ACTIVE,
            data_center_location="East US",
            iana_time_zone="America/New_York",
            geographic_location="Exton, PA",
        ),
        body={
            "displayName": "n",
            "class": "Endeavor",
            "subClass": "Project",
            "type": "y",
            "number": "7",
            "parentId": "p",
            "status": "Active",
            "dataCenterLocation": "East US",
            "ianaTimeZone": "America/New_York",
            "geographicLocation": "Exton, PA",
        },
    ),
    "get-itwin": one("GET", f"{ITWINS}/t", "iTwin", lambda api: api.itwins.get("t"), prefer="return=representation"),
    "update-itwin": one(
        "PATCH",
        f"{ITWINS}/t",
        "iTwin",
        lambda api: api.itwins.update(
            "t",
            display_name="n",
            number="7",
            type="y",
            status=ITwinStatus.INACTIVE,
            iana_time_zone="America/New_York",
            geographic_location="Exton, PA",
        ),
        body={
            "displayName": "n",
            "number": "7",
            "type": "y",
            "status": "Inactive",
            "ianaTimeZone": "America/New_York",
            "geographicLocation": "Exton, PA",
        },
    ),
    "delete-itwin": none("DELETE", f"{ITWINS}/t", lambda api: api.itwins.delete("t")),
    "get-webhooks": listing(f"{WEBHOOKS}/", "webhooks", lambda api: api.webhooks.list(), **PLAIN, **V2),
    "create-webhook": one(
        "POST",
        f"{WEBHOOKS}/",
        "webhook",
        lambda api: api.webhooks.create("https://callback.example/", itwin_id="t", secret=SECRET),
        body={
            "callbackUrl": "https://callback.example/",
            "scope": "iTwin",
            "scopeId": "t",
            "secret": SECRET,
            "eventTypes": ["synchronization.jobCompleted.v1"],
        },
        **V2,
    ),
    "get-webhook": one("GET", f"{WEBHOOKS}/w", "webhook", lambda api: api.webhooks.get("w"), **V2),
    "update-webhook": one(
        "PATCH", f"{WEBHOOKS}/w", "webhook", lambda api: api.webhooks.activate("w"), body={"active": True}, **V2
    ),
    "delete-webhook": none("DELETE", f"{WEBHOOKS}/w", lambda api: api.webhooks.delete("w"), **V2),
}

FOLDER = [(404, "FolderNotFound"), (422, "InvalidStorageRequest")]
FILE = [(404, "FileNotFound"), (422, "InvalidStorageRequest")]
IMODEL = [(404, "iModelNotFound"), (422, "InvalidiModelsRequest")]
ITWIN = [(404, "iTwinNotFound"), (422, "InvalidiTwinsRequest")]
WEBHOOK = [(404, "WebhookNotFound"), (422, "InvalidWebhooksRequest")]
BY_KIND = {"folder": FOLDER, "file": FILE, "imodel": IMODEL, "itwin": ITWIN, "webhook": WEBHOOK, "recycle": FILE}
PLATFORM_REFUSALS: dict[str, list[tuple[int, str]]] = {
    name: next(refusals for kind, refusals in BY_KIND.items() if kind in name) for name in PLATFORM
}
PLATFORM_REFUSALS["get-imodel-changeset-details"] = [*IMODEL, (404, "ChangesetNotFound")]
PLATFORM_REFUSALS["get-imodel-named-version-details"] = [*IMODEL, (404, "NamedVersionNotFound")]
PLATFORM_REFUSALS["create-imodel"] = [*IMODEL, (404, "iTwinNotFound"), (409, "iModelExists")]
PLATFORM_REFUSALS["create-imodel-named-version"] = [
    *IMODEL,
    (404, "ChangesetNotFound"),
    (409, "NamedVersionExists"),
    (409, "NamedVersionOnChangesetExists"),
]
PLATFORM_REFUSALS["create-itwin"] = [*ITWIN, (409, "iTwinExists")]
