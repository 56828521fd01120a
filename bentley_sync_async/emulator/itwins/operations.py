"""The operations on iTwins (pages `itwins/operations/*`, npm `@itwin/itwins-client`)."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.requests.bodies import LONGEST_NAME, Body
from bentley_sync_async.emulator.requests.queries import found_in

from .store import ACCOUNT_ID, ITwin, ITwins

CLASSES = ("Account", "Endeavor", "Thing")
SUB_CLASSES = ("Account", "Asset", "Portfolio", "Program", "Project", "WorkPackage")
STATUSES = ("Active", "Inactive", "Trial")
_CODE = "InvalidiTwinsRequest"
_FREE_TEXTS = {
    "number": "number",
    "type": "type",
    "ianaTimeZone": "iana_time_zone",
    "geographicLocation": "geographic_location",
}


def itwin_not_found() -> ProblemError:
    """Return the 404 for an iTwin."""
    return ProblemError(404, "iTwinNotFound", "Requested iTwin is not available.")


def create_itwin(itwins: ITwins, call: Call) -> Reply:
    """Answer `create-itwin`."""
    body = Body(call, _CODE, "Cannot create iTwin.")
    name = body.string("displayName", required=True, longest=LONGEST_NAME)
    kinds = body.one_of("class", CLASSES, required=True), body.one_of("subClass", SUB_CLASSES, required=True)
    changes = _changes(body)
    parent_id, location = body.string("parentId"), body.string("dataCenterLocation")
    if parent_id is not None and parent_id != ACCOUNT_ID and itwins.get(parent_id) is None:
        body.invalid("parentId")
    body.check()
    itwin = itwins.create(name or "", class_=kinds[0] or "", sub_class=kinds[1] or "")
    itwin.created_by = call.user_id
    itwin.parent_id = parent_id or itwin.parent_id
    itwin.data_center_location = location or itwin.data_center_location
    _apply(itwin, changes)
    return Reply.of_json(201, {"iTwin": full(itwin)})


def get_itwin(itwins: ITwins, call: Call) -> Reply:
    """Answer `get-itwin`."""
    return Reply.of_json(200, {"iTwin": _shown(itwins, call, _itwin(itwins, call))})


def update_itwin(itwins: ITwins, call: Call) -> Reply:
    """Answer `update-itwin`."""
    itwin = _itwin(itwins, call)
    body = Body(call, _CODE, "Cannot update iTwin.")
    changes = _changes(body)
    name = body.string("displayName", longest=LONGEST_NAME)
    body.check()
    if name:
        itwin.display_name = name
    _apply(itwin, changes)
    return Reply.of_json(200, {"iTwin": full(itwin)})


def delete_itwin(itwins: ITwins, call: Call) -> Reply:
    """Answer `delete-itwin`: iModels, files and connections in it are deleted as well."""
    itwins.delete(_itwin(itwins, call))
    return Reply(204)


def list_itwins(itwins: ITwins, call: Call) -> Reply:
    """Answer `get-my-itwins`."""
    _check_choices(call)
    return _list(itwins, call, [itwin for itwin in itwins.state.itwins.values() if _wanted(call, itwin)], "/itwins")


def list_favorites(itwins: ITwins, call: Call) -> Reply:
    """Answer `get-my-favorite-itwins`, the latest first."""
    return _list_of(itwins, call, itwins.state.favorites, "/itwins/favorites")


def list_recents(itwins: ITwins, call: Call) -> Reply:
    """Answer `get-my-recently-used-itwins`, the latest first."""
    return _list_of(itwins, call, itwins.state.recents, "/itwins/recents")


def add_favorite(itwins: ITwins, call: Call) -> Reply:
    """Answer `add-itwin-to-my-favorites`."""
    return _remember(_itwin(itwins, call).id, itwins.state.favorites)


def add_recent(itwins: ITwins, call: Call) -> Reply:
    """Answer `add-itwin-to-my-recents`."""
    return _remember(_itwin(itwins, call).id, itwins.state.recents)


def remove_favorite(itwins: ITwins, call: Call) -> Reply:
    """Answer `remove-itwin-from-my-favorites`."""
    itwin = _itwin(itwins, call)
    if itwin.id in itwins.state.favorites:
        itwins.state.favorites.remove(itwin.id)
    return Reply(204)


def get_primary_account(itwins: ITwins, _call: Call) -> Reply:
    """Answer `get-my-primary-account`."""
    return Reply.of_json(200, {"iTwin": full(itwins.account())})


def minimal(itwin: ITwin) -> dict[str, Any]:
    """Return the minimal form of an iTwin, which lists contain by default."""
    return {
        "id": itwin.id,
        "class": itwin.class_,
        "subClass": itwin.sub_class,
        "type": itwin.type,
        "number": itwin.number,
        "displayName": itwin.display_name,
    }


def full(itwin: ITwin) -> dict[str, Any]:
    """Return the full form of an iTwin."""
    return {
        **minimal(itwin),
        "geographicLocation": itwin.geographic_location,
        "ianaTimeZone": itwin.iana_time_zone,
        "dataCenterLocation": itwin.data_center_location,
        "status": itwin.status,
        "parentId": itwin.parent_id,
        "iTwinAccountId": ACCOUNT_ID,
        "imageName": None,
        "image": None,
        "createdDateTime": itwin.created,
        "createdBy": itwin.created_by,
    }


def _itwin(itwins: ITwins, call: Call) -> ITwin:
    itwin = itwins.get(call.path_parameters["itwinId"])
    if itwin is None:
        raise itwin_not_found()
    return itwin


def _shown(itwins: ITwins, call: Call, itwin: ITwin) -> dict[str, Any]:
    return full(itwin) if wants_representation(call, itwins.context.settings) else minimal(itwin)


def _changes(body: Body) -> dict[str, str | None]:
    changes = {ours: body.string(name) for name, ours in _FREE_TEXTS.items() if name in body}
    if "status" in body:
        changes["status"] = body.one_of("status", STATUSES)
    return changes


def _apply(itwin: ITwin, changes: dict[str, str | None]) -> None:
    for name, value in changes.items():
        if value or name not in {"number", "status"}:
            setattr(itwin, name, value)


def _check_choices(call: Call) -> None:
    for name, allowed in {"subClass": SUB_CLASSES, "class": CLASSES, "status": STATUSES}.items():
        value = call.query.get(name.lower())
        if value and value not in allowed:
            detail = ("InvalidValue", f"'{value}' is not a valid '{name}' value.", name)
            raise ProblemError(422, _CODE, "Cannot get iTwins.", detail)


def _wanted(call: Call, itwin: ITwin) -> bool:
    query = call.query
    values = {
        "class": itwin.class_,
        "subclass": itwin.sub_class,
        "displayname": itwin.display_name,
        "number": itwin.number,
        "type": itwin.type,
        "status": itwin.status,
        "parentid": itwin.parent_id,
        "itwinaccountid": ACCOUNT_ID,
    }
    if itwin.status == "Inactive" and query.get("includeinactive", "").lower() != "true":
        return False
    same = all(not query.get(name) or query[name] == value for name, value in values.items())
    return same and found_in(call, itwin.display_name, itwin.number)


def _list_of(itwins: ITwins, call: Call, ids: list[str], path: str) -> Reply:
    return _list(itwins, call, [itwins.state.itwins[itwin_id] for itwin_id in reversed(ids)], path)


def _list(itwins: ITwins, call: Call, found: list[ITwin], path: str) -> Reply:
    names = ("subClass", "displayName", "number", "type", "status", "parentId", "includeInactive", "$search")
    return page(
        call,
        itwins.context.settings,
        code=_CODE,
        name="iTwins",
        items=found,
        show=lambda itwin: _shown(itwins, call, itwin),
        path=path,
        query={name: call.query[name.lower()] for name in names if name.lower() in call.query},
    )


def _remember(itwin_id: str, ids: list[str]) -> Reply:
    if itwin_id in ids:
        ids.remove(itwin_id)
    ids.append(itwin_id)
    return Reply(204)
