"""Hyperlinks, alone and as the set that a page of a list carries."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Link:
    """A hyperlink to an entity (page `get-storage-connection-runs`, "Link").

    Attributes:
        href: The absolute URL; the pages print some that lead nowhere, so the client never follows one blindly.
    """

    href: str | None = None


@frozen(kw_only=True)
class PagingLinks:
    """Where a page of a list says its neighbours are ("Links (paging)").

    Attributes:
        self_: The page itself (`self` on the wire).
        next: The next page; some lists print it on their last page, too.
        prev: The page before; `None` on the first.
    """

    self_: Link | None = None
    next: Link | None = None
    prev: Link | None = None
