"""Hyperlinks, and the pages of lists with their links."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")


@frozen(kw_only=True)
class Link:
    """A hyperlink to an entity (page `get-storage-connection-runs`, "Link").

    Attributes:
        href: The absolute URL; the pages print some that lead nowhere, so the client never follows one blindly.
    """

    href: str | None = None


@frozen(kw_only=True)
class PagingLinks:
    """The links of a page to its neighbours ("Links (paging)").

    Attributes:
        self_: The page itself (`self` on the wire).
        next: The next page; some lists print it on their last page, too.
        prev: The page before; `None` on the first.
        folder: The root folder, of the list of an iTwin's top level of Storage only.
    """

    self_: Link | None = None
    next: Link | None = None
    prev: Link | None = None
    folder: Link | None = None


@frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: Its entities, in the service's order.
        links: Where the service says its neighbours are.
    """

    items: tuple[T, ...] = ()
    links: PagingLinks = PagingLinks()

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
