"""The routes of the iTwins API."""

from __future__ import annotations

from functools import partial

from bentley_sync_async.emulator.platform.routing import Operation

from . import operations as ops
from .store import ITwins

_ITWIN = "/itwins/(?P<itwinId>[^/]+)/?"


def operations(itwins: ITwins) -> tuple[Operation, ...]:
    """Return the operations on iTwins."""
    table = (
        ("create-itwin", "POST", "/itwins/?", ops.create_itwin),
        ("get-my-itwins", "GET", "/itwins/?", ops.list_itwins),
        ("get-my-favorite-itwins", "GET", "/itwins/favorites/?", ops.list_favorites),
        ("add-itwin-to-my-favorites", "POST", "/itwins/favorites/(?P<itwinId>[^/]+)", ops.add_favorite),
        ("remove-itwin-from-my-favorites", "DELETE", "/itwins/favorites/(?P<itwinId>[^/]+)", ops.remove_favorite),
        ("get-my-recently-used-itwins", "GET", "/itwins/recents/?", ops.list_recents),
        ("add-itwin-to-my-recents", "POST", "/itwins/recents/(?P<itwinId>[^/]+)", ops.add_recent),
        ("get-my-primary-account", "GET", "/itwins/myprimaryaccount", ops.get_primary_account),
        ("get-itwin", "GET", _ITWIN, ops.get_itwin),
        ("update-itwin", "PATCH", _ITWIN, ops.update_itwin),
        ("delete-itwin", "DELETE", _ITWIN, ops.delete_itwin),
    )
    return tuple(
        Operation("itwins", name, method, path, partial(answer, itwins)) for name, method, path, answer in table
    )
