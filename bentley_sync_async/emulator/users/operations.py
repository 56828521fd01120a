"""Users: one for each application that has called, and for each person who has signed in."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from attrs import define, field

from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.platform.ids import email_of, is_guid, user_of
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.platform.routing import Operation
from bentley_sync_async.emulator.requests.queries import found_in

_CODE = "InvalidUsersRequest"


@define(kw_only=True)
class Users:
    """The users who have called.

    Attributes:
        context: Options, clock and ids.
        clients: For each user's id, the application or person.
    """

    context: Context
    clients: dict[str, str] = field(factory=dict)

    def note(self, client_id: str) -> None:
        """Note that an application or a person calls."""
        self.clients.setdefault(user_of(client_id), client_id)


def get_me(users: Users, call: Call) -> Reply:
    """Answer `get-me`."""
    users.note(call.client_id)
    return Reply.of_json(200, {"user": _user(users, user_of(call.client_id))})


def get_by_ids(users: Users, call: Call) -> Reply:
    """Answer `get-users-by-id-list`; ids of nobody are left out."""
    try:
        ids = json.loads(call.body)
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(is_guid(one) for one in ids):
        detail = ("InvalidRequestBody", "The body must be a list of user ids.", None)
        raise ProblemError.invalid(_CODE, detail)
    return Reply.of_json(200, {"users": [_user(users, one.lower()) for one in ids if one.lower() in users.clients]})


def search(users: Users, call: Call) -> Reply:
    """Answer `get-users`: those whose name or email has the text."""
    found = [_user(users, user_id) for user_id in users.clients]
    return Reply.of_json(200, {"users": [user for user in found if found_in(call, user["displayName"], user["email"])]})


def operations(users: Users) -> tuple[Operation, ...]:
    """Return the operations on users."""
    table = (
        ("get-me", "GET", "/users/me", get_me),
        ("get-users-by-id-list", "POST", "/users/getbyidlist", get_by_ids),
        ("get-users", "GET", "/users/?", search),
    )
    return tuple(Operation("users", name, method, path, partial(answer, users)) for name, method, path, answer in table)


def _user(users: Users, user_id: str) -> dict[str, Any]:
    client_id = users.clients[user_id]
    email = email_of(client_id)
    return {
        "id": user_id,
        "displayName": email,
        "givenName": client_id,
        "surname": "",
        "email": email,
        "alternateEmail": "",
        "phone": "",
        "organizationName": "Emulated account",
        "city": "",
        "country": "US",
        "language": "en",
        "createdDateTime": users.context.running_clock.timestamp(0.0),
    }
