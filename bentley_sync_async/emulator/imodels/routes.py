"""The routes of the iModels API."""

from __future__ import annotations

from functools import partial

from bentley_sync_async.emulator.platform.accounts import Accounts
from bentley_sync_async.emulator.platform.routing import Operation

from . import history, users
from . import operations as ops
from .store import IModels

_IMODEL = "/imodels/(?P<imodelId>[^/]+)"
_CHANGESETS = f"{_IMODEL}/changesets"
_VERSIONS = f"{_IMODEL}/namedversions"
_VERSION = f"{_VERSIONS}/(?P<namedVersionId>[^/]+)"


def operations(imodels: IModels, accounts: Accounts) -> tuple[Operation, ...]:
    """Return the operations on iModels."""
    table = (
        ("create-imodel", "POST", "/imodels/?", ops.create_imodel),
        ("get-itwin-imodels", "GET", "/imodels/?", ops.list_imodels),
        ("get-imodel-details", "GET", _IMODEL, ops.get_imodel),
        ("update-imodel", "PATCH", _IMODEL, ops.update_imodel),
        ("delete-imodel", "DELETE", _IMODEL, ops.delete_imodel),
        ("get-create-imodel-operation-details", "GET", f"{_IMODEL}/operations/create", ops.get_create_operation),
        ("get-imodel-changesets", "GET", f"{_CHANGESETS}/?", history.list_changesets),
        ("get-imodel-changeset-details", "GET", f"{_CHANGESETS}/(?P<changeset>[^/]+)", history.get_changeset),
        ("create-imodel-named-version", "POST", f"{_VERSIONS}/?", history.create_named_version),
        ("get-imodel-named-versions", "GET", f"{_VERSIONS}/?", history.list_named_versions),
        ("get-imodel-named-version-details", "GET", _VERSION, history.get_named_version),
        ("update-imodel-named-version", "PATCH", _VERSION, history.update_named_version),
        ("get-imodel-user-details", "GET", f"{_IMODEL}/users/(?P<userId>[^/]+)", partial(users.get_user, accounts)),
    )
    return tuple(
        Operation("imodels", name, method, path, partial(answer, imodels)) for name, method, path, answer in table
    )
