"""Paging: reads a list to its end without its links, which cannot be trusted.

The API's pages show paging links with paths that do not exist (`imodels/connection/{id}/runs`) and lists with a `next`
link on their last page. The service may shrink a page, and its default page size is unknown for most lists. So links
are never requested. They are used only to see whether there may be more items, and how large a page of the service is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field

from bentley_sync_async.models import Link, Page, PagingLinks

T = TypeVar("T")


@define
class PageWalk(Generic[T]):
    """The position in a list, and whether it has been read to the end.

    Attributes:
        top: The requested page size; `None` leaves it to the service.
        skip: How many items to skip for the next page.
        done: Whether there is no next page.
    """

    top: int | None = None
    skip: int = 0
    done: bool = False
    _seen: set[str] = field(factory=set, alias="_seen")
    _repeating: bool = field(default=False, alias="_repeating")

    def take(self, page: Page[T], ids: Iterable[str], *, gone: int = 0) -> tuple[T, ...]:
        """Take the next page; return those of its items that no earlier page had.

        The walk is done after a page that is empty, is shorter than the page size, or has nothing new; if the page size
        is unknown, after a page without a `next` link. A full page with nothing new may be the answer to an earlier
        request, so it is requested once more before it ends the walk.

        Args:
            page: The page.
            ids: The ids of its items.
            gone: How many of its items were deleted after the service answered.
        """
        fresh = tuple(self._unseen(page, ids))
        size = _page_size(self.top, page.links)
        full = len(page) >= size if size is not None else page.links.next is not None
        self._repeating = full and len(page) > 0 and not fresh and not self._repeating
        if not self._repeating:
            self.skip += len(page) - gone  # deleted items have no place in the list any more
        self.done = not self._repeating and not (fresh and full)
        return fresh

    def _unseen(self, page: Page[T], ids: Iterable[str]) -> Iterator[T]:
        for item, key in zip(page, ids, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                yield item


def _page_size(requested: int | None, links: PagingLinks) -> int | None:
    """Return how many items a full page has: as many as requested, or fewer if the service's own links say so."""
    sizes = [requested, _top(links.self_), _top(links.next)]
    return min((size for size in sizes if size), default=None)


def _top(link: Link | None) -> int | None:
    if link is None or not link.href:
        return None
    try:
        values = [value for name, value in parse_qsl(urlsplit(link.href).query) if name.lower() == "$top"]
        return int(values[0]) if values and int(values[0]) > 0 else None
    except ValueError:
        return None
