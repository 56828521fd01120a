"""The operation on a user of an iModel (page `get-imodel-user-details`), to whom the creators of its parts link."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.accounts import Account, Accounts
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError

from .operations import imodel_of
from .store import IModels

SERVICE = Account(
    subject="2b3a0a86-5c1c-4c0a-9a51-7a3c4d0c9f10",
    email="synchronization@apps.imsoidc.bentley.com",
    given_name="Synchronization",
    surname="Service",
)
"""The user who pushes changesets: the service itself."""


def get_user(accounts: Accounts, imodels: IModels, call: Call) -> Reply:
    """Answer `get-imodel-user-details`."""
    imodel, user_id = imodel_of(imodels, call), call.path_parameters["userId"].lower()
    account = SERVICE if user_id == SERVICE.subject else accounts.by_subject.get(user_id)
    if account is None:
        raise ProblemError(404, "UserNotFound", "Requested User is not available.")
    pushed = imodel.changesets if account is SERVICE else ()
    user = {
        "id": account.subject,
        "displayName": account.email,
        "givenName": account.given_name,
        "surname": account.surname,
        "email": account.email,
        "statistics": {
            "pushedChangesetsCount": len(pushed),
            "lastChangesetPushDate": pushed[-1].pushed if pushed else None,
            "createdVersionsCount": len(imodel.named_versions) if account.subject == imodel.created_by else 0,
            "briefcasesCount": 0,
            "applications": [],
        },
        "_links": {"self": {"href": f"{call.root}/imodels/{imodel.id}/users/{account.subject}"}},
    }
    return Reply.of_json(200, {"user": user})
