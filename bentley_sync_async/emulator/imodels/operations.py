"""The operations on iModels (pages `imodels-v2/operations/*`, repository iTwin/imodels-clients)."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.itwins.operations import itwin_not_found
from bentley_sync_async.emulator.platform.ids import is_guid
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.requests.bodies import LONGEST_NAME, Body
from bentley_sync_async.emulator.requests.queries import found_in, ordered

from .store import IModel, IModels

CODE = "InvalidiModelsRequest"
_LIST = "Cannot get iModels."


def imodel_not_found() -> ProblemError:
    """Return the 404 for an iModel."""
    return ProblemError(404, "iModelNotFound", "Requested iModel is not available.")


def imodel_of(imodels: IModels, call: Call) -> IModel:
    """Return the iModel that the path names.

    Raises:
        ProblemError: 404.
    """
    imodel = imodels.get(call.path_parameters["imodelId"])
    if imodel is None:
        raise imodel_not_found()
    return imodel


def create_imodel(imodels: IModels, call: Call) -> Reply:
    """Answer `create-imodel`: an empty iModel, which can be used at once."""
    body = Body(call, CODE, "Cannot create iModel.")
    itwin_id = body.string("iTwinId", required=True)
    if itwin_id and not is_guid(itwin_id):
        body.invalid("iTwinId")
    name = body.string("name", required=True, longest=LONGEST_NAME) or ""
    description, extent = body.string("description", longest=LONGEST_NAME), _extent(body)
    body.check()
    if imodels.itwins.get(itwin_id or "") is None:
        raise itwin_not_found()
    _refuse_taken(imodels, itwin_id or "", name)
    imodel = imodels.create(itwin_id or "", name)
    imodel.description, imodel.extent = description, extent
    imodel.created_by = call.user_id
    return Reply.of_json(201, {"iModel": full(imodel, call.root)})


def get_imodel(imodels: IModels, call: Call) -> Reply:
    """Answer `get-imodel-details`."""
    return Reply.of_json(200, {"iModel": full(imodel_of(imodels, call), call.root)})


def get_create_operation(imodels: IModels, call: Call) -> Reply:
    """Answer `get-create-imodel-operation-details`."""
    imodel_of(imodels, call)
    return Reply.of_json(200, {"createOperation": {"state": "successful"}})


def update_imodel(imodels: IModels, call: Call) -> Reply:
    """Answer `update-imodel`."""
    imodel = imodel_of(imodels, call)
    body = Body(call, CODE, "Cannot update iModel.")
    name = body.string("name", longest=LONGEST_NAME)
    description, extent = body.string("description", longest=LONGEST_NAME), _extent(body)
    body.check()
    if name and name != imodel.name:
        _refuse_taken(imodels, imodel.itwin_id, name)
        imodel.name = name
    if "description" in body:
        imodel.description = description
    if "extent" in body:
        imodel.extent = extent
    return Reply.of_json(200, {"iModel": full(imodel, call.root)})


def delete_imodel(imodels: IModels, call: Call) -> Reply:
    """Answer `delete-imodel`: its connections are deleted as well."""
    imodels.delete(imodel_of(imodels, call))
    return Reply(204)


def list_imodels(imodels: IModels, call: Call) -> Reply:
    """Answer `get-itwin-imodels`."""
    itwin_id = call.query.get("itwinid") or call.query.get("projectid") or ""
    if not is_guid(itwin_id):
        text = f"'{itwin_id}' is not a valid 'iTwinId' value." if itwin_id else "Required parameter is missing."
        detail = ("InvalidValue" if itwin_id else "MissingRequiredParameter", text, "iTwinId")
        raise ProblemError(422, CODE, _LIST, detail)
    if imodels.itwins.get(itwin_id) is None:
        raise itwin_not_found()
    name = call.query.get("name")
    found = [
        imodel
        for imodel in imodels.of_itwin(itwin_id)
        if name in {None, "", imodel.name} and found_in(call, imodel.name, imodel.description)
    ]
    order = {"createdDateTime": lambda imodel: imodel.created, "name": lambda imodel: imodel.name}
    whole = wants_representation(call, imodels.context.settings)
    return page(
        call,
        imodels.context.settings,
        code=CODE,
        name="iModels",
        items=ordered(call, found, order, code=CODE, message=_LIST),
        show=lambda imodel: full(imodel, call.root) if whole else _minimal(imodel),
        path="/imodels",
        query={"iTwinId": itwin_id, **kept(call, "name", "$search", "$orderBy")},
    )


def kept(call: Call, *names: str) -> dict[str, str]:
    """Return those query parameters of a request that the links of its pages repeat."""
    return {name: call.query[name.lower()] for name in names if call.query.get(name.lower())}


def full(imodel: IModel, root: str) -> dict[str, Any]:
    """Return the full form of an iModel."""
    url = f"{root}/imodels/{imodel.id}"
    return {
        **_minimal(imodel),
        "name": imodel.name,
        "description": imodel.description,
        "state": "initialized",
        "createdDateTime": imodel.created,
        "iTwinId": imodel.itwin_id,
        "extent": imodel.extent,
        "dataCenterLocation": "East US",
        "containersEnabled": 0,
        "_links": {
            "creator": {"href": f"{url}/users/{imodel.created_by}"} if imodel.created_by else None,
            "changesets": {"href": f"{url}/changesets"},
            "namedVersions": {"href": f"{url}/namedversions"},
        },
    }


def _minimal(imodel: IModel) -> dict[str, Any]:
    return {"id": imodel.id, "displayName": imodel.name}


def _extent(body: Body) -> dict[str, Any] | None:
    extent: dict[str, Any] | None = body.other("extent", dict)
    if extent is not None and not all(_is_point(extent.get(corner)) for corner in ("southWest", "northEast")):
        body.invalid("extent")
    return extent


def _is_point(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    latitude, longitude = value.get("latitude"), value.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return False
    return -90 <= latitude <= 90 and -180 <= longitude <= 180  # noqa: PLR2004 - degrees


def _refuse_taken(imodels: IModels, itwin_id: str, name: str) -> None:
    if any(imodel.name == name for imodel in imodels.of_itwin(itwin_id)):
        raise ProblemError(409, "iModelExists", "iModel with the same name already exists within the iTwin.")
