"""Users: the applications and people who have had a token."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

from attrs import frozen

from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.platform.accounts import Account, Accounts
from bentley_sync_async.emulator.platform.ids import is_guid
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.platform.routing import Operation
from bentley_sync_async.emulator.requests.queries import found_in

_CODE = "InvalidUsersRequest"


@frozen(kw_only=True)
class Users:
    """What the operations on users need.

    Attributes:
        context: Options, clock and ids.
        accounts: The users: all who have had a token.
    """

    context: Context
    accounts: Accounts


def get_me(users: Users, call: Call) -> Reply:
    """Answer `get-me`."""
    return Reply.of_json(200, {"user": _users(users, [call.user_id or ""])[0]})


def get_by_ids(users: Users, call: Call) -> Reply:
    """Answer `get-users-by-id-list`; ids of nobody are left out."""
    try:
        ids = json.loads(call.body)
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(is_guid(one) for one in ids):
        detail = ("InvalidRequestBody", "The body must be a list of user ids.", None)
        raise ProblemError.invalid(_CODE, detail)
    return Reply.of_json(200, {"users": _users(users, [one.lower() for one in ids])})


def search(users: Users, call: Call) -> Reply:
    """Answer `get-users`: those whose name or email has the text."""
    found = _users(users, users.accounts.by_subject)
    return Reply.of_json(200, {"users": [user for user in found if found_in(call, user["displayName"], user["email"])]})


def operations(users: Users) -> tuple[Operation, ...]:
    """Return the operations on users."""
    table = (
        ("get-me", "GET", "/users/me", get_me),
        ("get-users-by-id-list", "POST", "/users/getbyidlist", get_by_ids),
        ("get-users", "GET", "/users/?", search),
    )
    return tuple(Operation("users", name, method, path, partial(answer, users)) for name, method, path, answer in table)


def _users(users: Users, user_ids: Iterable[str]) -> list[dict[str, Any]]:
    accounts = filter(None, map(users.accounts.by_subject.get, user_ids))
    return [_user(account, users.context.running_clock.timestamp(0.0)) for account in accounts]


def _user(account: Account, created: str) -> dict[str, Any]:
    return {
        "id": account.subject,
        "displayName": account.email,
        "givenName": account.given_name,
        "surname": account.surname,
        "email": account.email,
        "alternateEmail": "",
        "phone": "",
        "organizationName": "Emulated account",
        "city": "",
        "country": "US",
        "language": "en",
        "createdDateTime": created,
    }
