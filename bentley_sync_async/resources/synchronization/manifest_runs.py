"""The runs of a manifest connection: the files come with the trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import TriggeredRun
from bentley_sync_async.models.manifests import ManifestAction, ManifestFile, ManifestRun
from bentley_sync_async.resources.base import given

from .runs import ConnectionRuns, Trigger


class ManifestRuns(ConnectionRuns):
    """`client.manifest_connections.runs`. To follow a run to its end, use `client.watch_manifest`."""

    _kind = "manifest"

    async def trigger(
        self,
        connection_id: str,
        files: Iterable[ManifestFile],
        *,
        document_attribute_schema_url: str | None = None,
        before_send: Callable[[], None] | None = None,
    ) -> TriggeredRun:
        """Trigger a synchronization of files, unless a run is active on the iModel (`create-manifest-connection-run`).

        An active run that is named instead has other files: these are not synchronized then.

        Args:
            connection_id: The manifest connection.
            files: The files of this run, at least one.
            document_attribute_schema_url: Where the schema of the files' document attributes is, with its signature.
            before_send: Called right before the request is sent; see `Request.before_send`.

        Returns:
            The run, and whether the trigger created it or it was there already.

        Raises:
            InvalidArgumentError: There is no file, or one is impossible; nothing was sent.
            UnprocessableError: The service does not accept something; its details say what.
            SynchronizationError: As `client.storage_connections.runs.trigger`.
        """
        body = {"documentAttributeSchemaUrl": document_attribute_schema_url, "sourceFiles": checked_files(files)}
        request = self._request("POST", self._path(connection_id), body=given(body))
        return await self._trigger(connection_id, request, before_send)

    def trigger_of(self, run: ManifestRun | None) -> Trigger:
        """Return the trigger of a run with its files; without one, a trigger that says that it needs them."""
        if run is None:
            return _no_files
        return partial(
            self.trigger,
            files=checked_files(run.files),
            document_attribute_schema_url=run.document_attribute_schema_url,
        )


async def _no_files(connection_id: str, *, before_send: Callable[[], None] | None = None) -> TriggeredRun:
    del before_send
    raise InvalidArgumentError(
        f"The run of manifest connection {connection_id} is still to be triggered, and its files are not in the resume "
        "token, as their URLs are signed: call client.resume(token, manifest=ManifestRun(...))."
    )


def checked_files(files: Iterable[ManifestFile]) -> tuple[ManifestFile, ...]:
    """Return the files of a manifest run.

    Raises:
        InvalidArgumentError: There is no file, or one is none, or has no URL although it is to be synchronized.
    """
    listed = tuple(files)
    if not listed:
        raise InvalidArgumentError("A manifest run needs at least one file.")
    for file in listed:
        if not isinstance(file, ManifestFile):
            raise InvalidArgumentError(f"A file of a manifest run is a ManifestFile, not {type(file).__name__}.")
        if not file.id:
            raise InvalidArgumentError("A file of a manifest run needs an id.")
        if file.action != ManifestAction.UNMAP and not (file.url and file.name):
            raise InvalidArgumentError(f"File {file.id} of the manifest run needs a name and a url.")
        if file.children:
            checked_files(file.children)
    return listed
