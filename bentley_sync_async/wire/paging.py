"""Paging: how to read a list to its end although its links cannot be trusted.

The pages print paging links with paths that do not exist (`imodels/connection/{id}/runs`) and lists that print `next`
on their last page; the service may shrink a page, and its default page size is unknown for most lists. So links are
never requested. They only say whether there may be more, and how large a page the service makes.
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
        top: The page size asked for; `None` leaves it to the service.
        skip: How many items to skip for the next page.
        done: Whether there is no next page.
    """

    top: int | None = None
    skip: int = 0
    done: bool = False
    _seen: set[str] = field(factory=set, alias="_seen")
    _doubted: bool = field(default=False, alias="_doubted")

    def take(self, page: Page[T], ids: Iterable[str], *, gone: int = 0) -> tuple[T, ...]:
        """Take the next page; return those of its items that no earlier page had.

        The walk is done after a page that is empty, is shorter than a page has to be, has nothing new, or has no
        `next` where only that could tell. A full page with nothing new may be the answer to an earlier request: it is
        asked for once more before it ends the walk.
        """
        fresh = tuple(self._unseen(page, ids))
        size = _page_size(self.top, page.links)
        full = len(page) >= size if size is not None else page.links.next is not None
        self._doubted = full and len(page) > 0 and not fresh and not self._doubted
        if not self._doubted:
            self.skip += len(page) - gone  # what was deleted meanwhile no longer takes up a place in the list
        self.done = not self._doubted and not (fresh and full)
        return fresh

    def _unseen(self, page: Page[T], ids: Iterable[str]) -> Iterator[T]:
        for item, key in zip(page, ids, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                yield item


def _page_size(asked: int | None, links: PagingLinks) -> int | None:
    """Return how many items a full page has: what was asked for, or less if the service's own links say so."""
    sizes = [asked, _top(links.self_), _top(links.next)]
    return min((size for size in sizes if size), default=None)


def _top(link: Link | None) -> int | None:
    if link is None or not link.href:
        return None
    try:
        values = [value for name, value in parse_qsl(urlsplit(link.href).query) if name.lower() == "$top"]
        return int(values[0]) if values and int(values[0]) > 0 else None
    except ValueError:
        return None
