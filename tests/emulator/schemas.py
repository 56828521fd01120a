"""JSON schemas of the platform's answers, from the pages and the public clients, without code of the package."""

from __future__ import annotations

import re

import jsonschema

GUID = {"type": "string", "pattern": "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"}
PAIR = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
DATE = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$"}
STORAGE_DATE = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$"}
TEXT = {"type": "string", "minLength": 1}
MAYBE = {"type": ["string", "null"]}
COUNT = {"type": "integer", "minimum": 0}


def closed(optional=(), **properties):
    """Return the schema of an object that has exactly these properties, some of which may be missing."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def listed(item):
    return {"type": "array", "items": item}


LINK = closed(href={"type": "string", "pattern": "^https?://"})
MAYBE_LINK = {"anyOf": [LINK, {"type": "null"}]}
PAGING = closed(self=LINK, prev=LINK, next=LINK, optional=("prev", "next"))

ERROR = closed(
    error=closed(
        code=TEXT,
        message=TEXT,
        target=MAYBE,
        details=listed(closed(code=TEXT, message=TEXT, target=TEXT, optional=("target",))),
        optional=("target", "details"),
    )
)
TOKEN = closed(
    access_token=TEXT,
    expires_in={"type": "integer", "minimum": 1},
    token_type={"const": "Bearer"},
    scope=TEXT,
)
_ITWIN = {
    "id": GUID,
    "class": {"enum": ["Account", "Endeavor", "Thing"]},
    "subClass": {"enum": ["Account", "Asset", "Portfolio", "Program", "Project", "WorkPackage"]},
    "type": MAYBE,
    "number": TEXT,
    "displayName": TEXT,
}
ITWIN_SUMMARY = closed(**_ITWIN)
ITWIN = closed(
    **_ITWIN,
    geographicLocation=MAYBE,
    ianaTimeZone=MAYBE,
    dataCenterLocation=TEXT,
    status={"enum": ["Active", "Inactive", "Trial"]},
    parentId=GUID,
    iTwinAccountId=GUID,
    imageName=MAYBE,
    image=MAYBE,
    createdDateTime=DATE,
    createdBy={"anyOf": [GUID, {"type": "null"}]},
)
IMODEL_SUMMARY = closed(id=GUID, displayName=TEXT)
IMODEL = closed(
    id=GUID,
    displayName=TEXT,
    name=TEXT,
    description=MAYBE,
    state={"const": "initialized"},
    createdDateTime=DATE,
    iTwinId=GUID,
    extent={"type": ["object", "null"]},
    dataCenterLocation=TEXT,
    containersEnabled=COUNT,
    _links=closed(creator=MAYBE_LINK, changesets=LINK, namedVersions=LINK),
)
_CHANGESET = {
    "id": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
    "displayName": TEXT,
    "description": {"type": "string"},
    "index": {"type": "integer", "minimum": 1},
    "parentId": {"type": "string", "pattern": "^([0-9a-f]{40})?$"},
    "creatorId": TEXT,
    "pushDateTime": DATE,
    "state": {"const": "fileUploaded"},
    "containingChanges": COUNT,
    "fileSize": COUNT,
    "briefcaseId": COUNT,
    "groupId": MAYBE,
}
IMODEL_USER = closed(
    id=GUID,
    displayName=TEXT,
    givenName=TEXT,
    surname=TEXT,
    email=TEXT,
    statistics=closed(
        pushedChangesetsCount=COUNT,
        lastChangesetPushDate={"anyOf": [DATE, {"type": "null"}]},
        createdVersionsCount=COUNT,
        briefcasesCount=COUNT,
        applications=listed({}),
    ),
    _links=closed(self=LINK),
)
CHANGESET_SUMMARY = closed(**_CHANGESET, _links=closed(self=LINK, creator=LINK))
CHANGESET = closed(
    **_CHANGESET,
    application=closed(id=TEXT, name=TEXT),
    synchronizationInfo=closed(taskId=MAYBE, changedFiles=listed(TEXT)),
    _links=closed(
        self=LINK, creator=LINK, namedVersion=MAYBE_LINK, currentOrPrecedingCheckpoint=MAYBE_LINK, download=MAYBE_LINK
    ),
)
_VERSION = {"id": GUID, "displayName": TEXT, "changesetId": MAYBE, "changesetIndex": COUNT}
NAMED_VERSION_SUMMARY = closed(**_VERSION)
NAMED_VERSION = closed(
    **_VERSION,
    name=TEXT,
    description=MAYBE,
    createdDateTime=DATE,
    state={"enum": ["visible", "hidden"]},
    application=closed(id=TEXT, name=TEXT),
    _links=closed(creator=MAYBE_LINK, changeset=MAYBE_LINK),
)
_ITEM = {
    "id": PAIR,
    "displayName": {"type": "string"},
    "description": MAYBE,
    "path": {"type": "string"},
    "lastModifiedByDisplayName": TEXT,
    "createdDateTime": STORAGE_DATE,
    "lastModifiedDateTime": STORAGE_DATE,
    "parentFolderId": PAIR,
    "_links": closed(
        createdBy=LINK, lastModifiedBy=LINK, parentFolder=LINK, optional=("createdBy", "lastModifiedBy", "parentFolder")
    ),
}
FOLDER = closed(**_ITEM, type={"const": "folder"}, optional=("parentFolderId",))
FILE = closed(**_ITEM, type={"const": "file"}, size=COUNT)
ITEM = {"anyOf": [FOLDER, FILE]}
UPLOAD = closed(_links=closed(completeUrl=LINK, uploadUrl=LINK))
TOP_LEVEL = closed(
    items=listed(ITEM), _links=closed(self=LINK, prev=LINK, next=LINK, folder=LINK, optional=("prev", "next"))
)
CONNECTION = closed(
    id=PAIR,
    displayName=TEXT,
    iModelId=GUID,
    iTwinId=GUID,
    authenticationType={"enum": ["User", "Service"]},
    error={"type": ["object", "null"]},
    _links=closed(iModel=LINK, iTwin=LINK, lastRun=LINK, optional=("lastRun",)),
    optional=("displayName", "error"),
)
SOURCE_FILE = closed(
    id=GUID,
    storageFileId=PAIR,
    connectorType=TEXT,
    lastKnownFileName=TEXT,
    _links=closed(file=LINK),
    optional=("connectorType", "lastKnownFileName"),
)
USER = closed(
    id=GUID,
    displayName=TEXT,
    givenName=TEXT,
    surname={"type": "string"},
    email=TEXT,
    alternateEmail={"type": "string"},
    phone={"type": "string"},
    organizationName=TEXT,
    city={"type": "string"},
    country=TEXT,
    language=TEXT,
    createdDateTime=DATE,
)
_WEBHOOK = {
    "id": GUID,
    "scope": {"enum": ["Account", "iTwin"]},
    "scopeId": GUID,
    "active": {"type": "boolean"},
    "callbackUrl": LINK["properties"]["href"],
    "eventTypes": listed(TEXT),
    "created": DATE,
    "modified": DATE,
}
WEBHOOK = closed(**_WEBHOOK)
CREATED_WEBHOOK = closed(**_WEBHOOK, secret={"type": "string", "minLength": 32})

_FORMATS = {
    "Date": r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$",
    "Content-Type": r"^application/json; charset=utf-8$",
}


def validate(value, schema):
    jsonschema.Draft7Validator(schema).validate(value)


def check_headers(headers, *, body):
    """Check the headers that every answer of the platform has; an answer without a body has no content type."""
    assert re.match(_FORMATS["Date"], headers["Date"])
    if body:
        assert re.match(_FORMATS["Content-Type"], headers["Content-Type"])
    else:
        assert "Content-Type" not in headers
