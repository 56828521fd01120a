"""Where content is: in the emulator itself, or in another blob store such as Azurite. Both sign URLs the same way."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, urlsplit

import aiohttp
from attrs import frozen
from yarl import URL

from bentley_sync_async.emulator.context import Context

from .sas import SERVICE_VERSION, Signer
from .store import BlobStore

ROOT = "/blobs/"
"""The path of the emulator's own blobs: `/{account}/{container}/{blob}`, as other local blob stores have it."""

_TIMEOUT = aiohttp.ClientTimeout(total=30.0)
_WRITE, _READ = "rw", "r"


@frozen(kw_only=True)
class Content:
    """What an upload has brought.

    Attributes:
        size: Bytes of the content.
        etag: Identifies the content.
        is_zip: Whether it is a readable zip archive; `None` if nobody looked.
    """

    size: int
    etag: str
    is_zip: bool | None


class Container(Protocol):
    """Where content is."""

    def upload_url(self, blob: str, root: str) -> str:
        """Return a URL that permits to write and read a blob; `root` is the emulator's URL for the caller."""
        ...

    def download_url(self, blob: str, root: str) -> str:
        """Return a URL that permits to read a blob."""
        ...

    async def inspect(self, blob: str) -> Content | None:
        """Return what is in a blob; `None` if nothing was written."""
        ...

    def delete(self, blob: str) -> None:
        """Delete a blob, if it can be."""
        ...


class LocalContainer:
    """The emulator's own blobs.

    Attributes:
        store: The blobs.
        signer: Signs their URLs.
    """

    def __init__(self, context: Context, store: BlobStore) -> None:
        self.store = store
        self._context = context
        secret = f"blobs/{context.settings.seed}/{context.settings.client_secret}"
        key = base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()
        self.signer = Signer(account=ROOT.strip("/"), key=key)

    def now(self) -> datetime:
        """Return the instant that decides whether a URL has expired."""
        return self._context.running_clock.unscaled()

    def http_date(self) -> str:
        """Return the current instant in the format of HTTP headers."""
        return self._context.running_clock.http_date()

    def upload_url(self, blob: str, root: str) -> str:
        """Return a URL that permits to write and read a blob."""
        return self._url(blob, root, _WRITE)

    def download_url(self, blob: str, root: str) -> str:
        """Return a URL that permits to read a blob."""
        return self._url(blob, root, _READ)

    async def inspect(self, blob: str) -> Content | None:
        """Return what is in a blob; `None` if nothing was written."""
        found = self.store.state.blobs.get(blob)
        if found is None:
            return None
        return Content(size=found.size, etag=found.etag, is_zip=self.store.is_zip(found))

    def delete(self, blob: str) -> None:
        """Delete a blob."""
        self.store.delete(blob)

    def _url(self, blob: str, root: str, permissions: str) -> str:
        lifetime = self._context.settings.upload_lifetime
        query = self.signer.query(blob, permissions=permissions, now=self.now(), lifetime=lifetime)
        return f"{root}{ROOT}{quote(blob)}?{query}"


class RemoteContainer:
    """A container of another blob store, whose URL and account key are settings.

    What is in a file is not known then, only its size: the emulator does not read another store's content. Nothing is
    deleted there.
    """

    def __init__(self, context: Context, url: str, key: str) -> None:
        self._context = context
        self._url = url.rstrip("/")
        parts = urlsplit(self._url)
        path = parts.path.strip("/").split("/")
        # As local stores have it, http://127.0.0.1:10000/account/container; or https://account.blob.../container.
        host = (parts.hostname or "").partition(".")[0]
        account, container = (path[0], path[1]) if len(path) > 1 else (host, path[0])
        self._container = container
        self._signer = Signer(account=account, key=key)

    def upload_url(self, blob: str, root: str) -> str:  # noqa: ARG002 - the other store has a URL of its own
        """Return a URL that permits to write and read a blob."""
        return self._signed(blob, _WRITE)

    def download_url(self, blob: str, root: str) -> str:  # noqa: ARG002 - as above
        """Return a URL that permits to read a blob."""
        return self._signed(blob, _READ)

    async def inspect(self, blob: str) -> Content | None:
        """Return the size of a blob; `None` if there is none, or the store does not answer."""
        url, version = self._signed(blob, _READ), {"x-ms-version": SERVICE_VERSION}
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.head(URL(url, encoded=True), headers=version) as answer,
            ):
                headers = answer.headers
                if answer.status != 200:  # noqa: PLR2004
                    return None
        except (aiohttp.ClientError, TimeoutError):
            return None
        return Content(size=int(headers.get("Content-Length", "0")), etag=headers.get("ETag", ""), is_zip=None)

    def delete(self, blob: str) -> None:
        """Leave the blob where it is."""

    def _signed(self, blob: str, permissions: str) -> str:
        name = blob.replace("/", "-")  # one container holds the blobs of all iTwins
        query = self._signer.query(
            f"{self._container}/{name}",
            permissions=permissions,
            now=datetime.now(UTC),
            lifetime=self._context.settings.upload_lifetime,
        )
        return f"{self._url}/{quote(name)}?{query}"


def container_of(context: Context, store: BlobStore) -> Container:
    """Return the container that the settings name, or the emulator's own."""
    settings = context.settings
    if settings.blob_url is None:
        return LocalContainer(context, store)
    return RemoteContainer(context, settings.blob_url, settings.blob_key)
