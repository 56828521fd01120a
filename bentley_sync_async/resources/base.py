"""The base of all resources: requests, decoding of answers, lists and their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import ClassVar, Generic, Literal, Protocol, TypeVar, cast

import anyio
import anyio.to_thread

from bentley_sync_async.errors import DecodeError, InvalidArgumentError, NotFoundError
from bentley_sync_async.models import Page
from bentley_sync_async.redaction import redact
from bentley_sync_async.transport.messages import SYNCHRONIZATION, Product, Request, Response
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.transport.tasks import ClientTasks
from bentley_sync_async.wire.codec import decode_one, decode_page, encode
from bentley_sync_async.wire.ids import query_string
from bentley_sync_async.wire.paging import PageWalk

_LARGEST_IN_LOOP = 2**19
"""Bytes of a body that is decoded in the event loop: at most a few milliseconds."""

Prefer = Literal["minimal", "representation"]
"""How much of each entity a list returns: its id and little else, or all of it."""


class _Entity(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
E = TypeVar("E", bound=_Entity)


class Resource:
    """A resource of an API product, of Synchronization if it does not say."""

    _product: ClassVar[Product] = SYNCHRONIZATION

    def __init__(self, pipeline: Pipeline) -> None:
        """Make the resource on top of a client's pipeline."""
        self._pipeline = pipeline

    @property
    def base_url(self) -> str:
        """The platform's root that the resource talks to."""
        return self._pipeline.base_url

    @property
    def tasks(self) -> ClientTasks:
        """The tasks of the client."""
        return self._pipeline.tasks

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str | int | None] | None = None,
        prefer: Prefer | None = None,
        body: object = None,
    ) -> Request:
        headers: Mapping[str, str] = self._product.headers
        if prefer is not None:
            headers = {**headers, "Prefer": f"return={prefer}"}
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        return Request(
            method=method,
            url=self._pipeline.url(path, self._product) + query_string(query or {}),
            headers=headers,
            body=None if body is None else encode(body),
        )

    async def _one(self, request: Request, key: str, cls: type[T], *, expected: frozenset[int] | None = None) -> T:
        # No local name for the answer: the traceback of an error would keep it.
        return await decoded(
            request, await self._pipeline.call(request, expected=expected), lambda body: decode_one(body, key, cls)
        )

    def _list(
        self,
        path: str,
        key: str,
        cls: type[E],
        *,
        query: dict[str, str | int | None] | None = None,
        prefer: Prefer,
        page_size: int | None,
        complete: Callable[[E], Awaitable[E | None]] | None = None,
    ) -> Listing[E]:
        if prefer not in {"minimal", "representation"}:
            raise InvalidArgumentError(f"prefer must be 'minimal' or 'representation', not {prefer!r}.")
        return self._listing(path, key, cls, query=query, prefer=prefer, page_size=page_size, complete=complete)

    def _listing(
        self,
        path: str,
        key: str,
        cls: type[E],
        *,
        query: dict[str, str | int | None] | None = None,
        prefer: Prefer | None = None,
        page_size: int | None = None,
        complete: Callable[[E], Awaitable[E | None]] | None = None,
    ) -> Listing[E]:
        if page_size is not None and page_size < 1:
            raise InvalidArgumentError(f"page_size must be at least 1, not {page_size}.")

        async def fetch(skip: int, top: int | None) -> Page[E]:
            window = {**(query or {}), "$top": top, "$skip": skip or None}
            request = self._request("GET", path, query=window, prefer=prefer)
            return await decoded(request, await self._pipeline.call(request), lambda body: decode_page(body, key, cls))

        return Listing(fetch, page_size, complete)


async def decoded(request: Request, response: Response, decode: Callable[[bytes], T]) -> T:
    """Return the decoded body of an answer; a `DecodeError` names the request, and holds nothing of the answer.

    A large body is decoded in a thread, so that the event loop goes on.
    """
    failures: list[DecodeError] = []

    def decode_it(body: bytes) -> T | None:
        try:
            return decode(body)
        except DecodeError as exc:
            failures.append(exc.answering(f"{request.method} {redact(request.url)}"))
            return None

    if len(response.body) <= _LARGEST_IN_LOOP:
        entity = decode_it(response.body)
    else:
        entity = await anyio.to_thread.run_sync(decode_it, response.body)
    del response
    if failures:
        raise failures.pop()
    return cast("T", entity)


class Listing(Generic[E]):
    """A list of the API, read page by page while it is iterated; every `async for` starts anew.

    Each entity is returned once, even if the service repeats it. The links of the service are never requested. Like
    every list that is read by offsets, it may miss entities when others are deleted while it is read.
    """

    def __init__(
        self,
        fetch: Callable[[int, int | None], Awaitable[Page[E]]],
        page_size: int | None,
        complete: Callable[[E], Awaitable[E | None]] | None = None,
    ) -> None:
        """Make a listing.

        Args:
            fetch: Reads one page: how many items to skip, how many to read at the most (`None`: the service decides).
            page_size: Entities per request; `None` leaves it to the service.
            complete: Returns the whole entity; `None` if it was deleted since its page was read.
        """
        self._fetch = fetch
        self._page_size = page_size
        self._complete = complete

    def __aiter__(self) -> AsyncIterator[E]:
        return _Items(self.pages())

    def pages(self) -> Pages[E]:
        """Return an iterator over the pages, from the first."""
        return Pages(self._fetch, self._page_size, self._complete)


class Pages(Generic[E]):
    """Iterates over the pages of a list. Cancelling a step loses nothing: the next step requests that page again."""

    def __init__(
        self,
        fetch: Callable[[int, int | None], Awaitable[Page[E]]],
        page_size: int | None,
        complete: Callable[[E], Awaitable[E | None]] | None = None,
    ) -> None:
        """Start at the first page; see `Listing`."""
        self._fetch = fetch
        self._complete = complete
        self._walk: PageWalk[E] = PageWalk(top=page_size)

    def __aiter__(self) -> Pages[E]:
        return self

    async def __anext__(self) -> Page[E]:
        while not self._walk.done:
            page = await self._fetch(self._walk.skip, self._walk.top)
            whole = {item.id: item if self._complete is None else await self._complete(item) for item in page}
            gone = sum(item is None for item in whole.values())
            fresh = [whole[item.id] for item in self._walk.take(page, [item.id for item in page], gone=gone)]
            items = tuple(item for item in fresh if item is not None)
            if items:
                return Page(items=items, links=page.links)
        raise StopAsyncIteration


class _Items(Generic[E]):
    def __init__(self, pages: Pages[E]) -> None:
        self._pages = pages
        self._waiting: list[E] = []

    def __aiter__(self) -> _Items[E]:
        return self

    async def __anext__(self) -> E:
        if not self._waiting:
            self._waiting = list(reversed((await anext(self._pages)).items))
        return self._waiting.pop()


def given(body: Mapping[str, object]) -> dict[str, object]:
    """Return the members of a body that are not `None`."""
    return {name: value for name, value in body.items() if value is not None}


async def found(entity: Awaitable[T]) -> T | None:
    """Return the entity of a request; `None` if it was deleted since its list was read."""
    try:
        return await entity
    except NotFoundError:
        return None
