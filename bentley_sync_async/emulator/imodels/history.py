"""The operations on changesets and named versions (pages `get-imodel-changesets`, ...)."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.requests.bodies import LONGEST_NAME, Body
from bentley_sync_async.emulator.requests.queries import found_in, integer, ordered

from .operations import CODE, imodel_of, kept
from .store import Changeset, IModel, IModels, NamedVersion
from .users import SERVICE

_APPLICATION = {"id": "emulated-synchronization", "name": "Emulated Synchronization"}
_LIST = "Cannot get Changesets."
_LIST_VERSIONS = "Cannot get Named Versions."


def list_changesets(imodels: IModels, call: Call) -> Reply:
    """Answer `get-imodel-changesets`."""
    imodel = _with_history(imodels, call)
    last = len(imodel.changesets)
    after, until = (
        integer(call, name, default, code=CODE, message=_LIST)
        for name, default in (("afterIndex", 0), ("lastIndex", last))
    )
    whole = wants_representation(call, imodels.context.settings)
    found = [changeset for changeset in imodel.changesets if after < changeset.index <= until]
    return page(
        call,
        imodels.context.settings,
        code=CODE,
        name="changesets",
        items=ordered(call, found, {"index": lambda changeset: changeset.index}, code=CODE, message=_LIST),
        show=lambda changeset: _changeset(imodel, changeset, call.root, whole=whole),
        path=f"/imodels/{imodel.id}/changesets",
        query=kept(call, "afterIndex", "lastIndex", "$orderBy"),
    )


def get_changeset(imodels: IModels, call: Call) -> Reply:
    """Answer `get-imodel-changeset-details`."""
    imodel = _with_history(imodels, call)
    changeset = imodel.changeset(call.path_parameters["changeset"])
    if changeset is None:
        raise _changeset_not_found()
    return Reply.of_json(200, {"changeset": _changeset(imodel, changeset, call.root, whole=True)})


def create_named_version(imodels: IModels, call: Call) -> Reply:
    """Answer `create-imodel-named-version`; without a changeset, it names the beginning of the iModel."""
    imodel = _with_history(imodels, call)
    body = Body(call, CODE, "Cannot create Named Version.")
    name = body.string("name", required=True, longest=LONGEST_NAME) or ""
    description, changeset_id = body.string("description"), body.string("changesetId")
    body.check()
    changeset = imodel.changeset(changeset_id) if changeset_id else None
    if changeset_id and changeset is None:
        raise _changeset_not_found()
    index = changeset.index if changeset else 0
    if any(version.changeset_index == index for version in imodel.named_versions.values()):
        raise ProblemError(
            409, "NamedVersionOnChangesetExists", "Named Version already exists on the requested Changeset."
        )
    _refuse_taken(imodel, name)
    version = NamedVersion(
        id=imodels.context.product_ids.guid(),
        name=name,
        description=description,
        changeset_index=index,
        created=imodels.context.now(),
    )
    imodel.named_versions[version.id] = version
    return Reply.of_json(201, {"namedVersion": _version(imodel, version, call.root)})


def get_named_version(imodels: IModels, call: Call) -> Reply:
    """Answer `get-imodel-named-version-details`."""
    imodel = imodel_of(imodels, call)
    return Reply.of_json(200, {"namedVersion": _version(imodel, _version_of(imodel, call), call.root)})


def update_named_version(imodels: IModels, call: Call) -> Reply:
    """Answer `update-imodel-named-version`."""
    imodel = imodel_of(imodels, call)
    version = _version_of(imodel, call)
    body = Body(call, CODE, "Cannot update Named Version.")
    name, description = body.string("name", longest=LONGEST_NAME), body.string("description")
    state = body.one_of("state", ("visible", "hidden"))
    body.check()
    if name and name != version.name:
        _refuse_taken(imodel, name)
        version.name = name
    if "description" in body:
        version.description = description
    version.state = state or version.state
    return Reply.of_json(200, {"namedVersion": _version(imodel, version, call.root)})


def list_named_versions(imodels: IModels, call: Call) -> Reply:
    """Answer `get-imodel-named-versions`."""
    imodel = imodel_of(imodels, call)
    name = call.query.get("name")
    found = [
        version
        for version in imodel.named_versions.values()
        if name in {None, "", version.name} and found_in(call, version.name, version.description)
    ]
    order = {
        "createdDateTime": lambda version: version.created,
        "changesetIndex": lambda version: version.changeset_index,
    }
    whole = wants_representation(call, imodels.context.settings)
    return page(
        call,
        imodels.context.settings,
        code=CODE,
        name="namedVersions",
        items=ordered(call, found, order, code=CODE, message=_LIST_VERSIONS),
        show=lambda version: _version(imodel, version, call.root) if whole else _minimal(imodel, version),
        path=f"/imodels/{imodel.id}/namedversions",
        query=kept(call, "name", "$search", "$orderBy"),
    )


def _with_history(imodels: IModels, call: Call) -> IModel:
    imodel = imodel_of(imodels, call)
    imodels.before_history(imodel.id)
    return imodel


def _changeset_not_found() -> ProblemError:
    return ProblemError(404, "ChangesetNotFound", "Requested Changeset is not available.")


def _version_of(imodel: IModel, call: Call) -> NamedVersion:
    version = imodel.named_versions.get(call.path_parameters["namedVersionId"].lower())
    if version is None:
        raise ProblemError(404, "NamedVersionNotFound", "Requested Named Version is not available.")
    return version


def _refuse_taken(imodel: IModel, name: str) -> None:
    if any(version.name == name for version in imodel.named_versions.values()):
        raise ProblemError(
            409, "NamedVersionExists", "Named Version with the same name already exists within the iModel."
        )


def _changeset(imodel: IModel, changeset: Changeset, root: str, *, whole: bool) -> dict[str, Any]:
    url = f"{root}/imodels/{imodel.id}"
    links: dict[str, Any] = {
        "self": {"href": f"{url}/changesets/{changeset.id}"},
        "creator": {"href": f"{url}/users/{SERVICE.subject}"},
    }
    shown = {
        "id": changeset.id,
        "displayName": str(changeset.index),
        "description": changeset.description,
        "index": changeset.index,
        "parentId": changeset.parent_id,
        "creatorId": SERVICE.subject,
        "pushDateTime": changeset.pushed,
        "state": "fileUploaded",
        "containingChanges": changeset.containing_changes,
        "fileSize": changeset.file_size,
        "briefcaseId": 2,
        "groupId": None,
        "_links": links,
    }
    if whole:
        named = [one for one in imodel.named_versions.values() if one.changeset_index == changeset.index]
        links["namedVersion"] = {"href": f"{url}/namedversions/{named[0].id}"} if named else None
        links["currentOrPrecedingCheckpoint"] = links["download"] = None
        shown["application"] = _APPLICATION
        shown["synchronizationInfo"] = {"taskId": changeset.task_id, "changedFiles": list(changeset.changed_files)}
    return shown


def _minimal(imodel: IModel, version: NamedVersion) -> dict[str, Any]:
    changeset = imodel.changeset(str(version.changeset_index))
    return {
        "id": version.id,
        "displayName": version.name,
        "changesetId": changeset.id if changeset else None,
        "changesetIndex": version.changeset_index,
    }


def _version(imodel: IModel, version: NamedVersion, root: str) -> dict[str, Any]:
    url = f"{root}/imodels/{imodel.id}"
    short = _minimal(imodel, version)
    at = short["changesetId"]
    return {
        **short,
        "name": version.name,
        "description": version.description,
        "createdDateTime": version.created,
        "state": version.state,
        "application": _APPLICATION,
        "_links": {
            "creator": {"href": f"{url}/users/{imodel.created_by}"} if imodel.created_by else None,
            "changeset": {"href": f"{url}/changesets/{at}"} if at else None,
        },
    }
