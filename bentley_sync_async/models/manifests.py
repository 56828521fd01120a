"""The files of a manifest run: they come with each run, at signed URLs (page `create-manifest-connection-run`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field, frozen
from attrs.converters import optional

from .enums import ConnectorType
from .open_enum import OpenEnum


class ManifestAction(OpenEnum):
    """What a run does with a file."""

    BRIDGE = "bridge"
    """Synchronize it."""
    UNMAP = "unmap"
    """Remove what it brought to the iModel."""


@frozen(kw_only=True)
class DocumentAttribute:
    """What a document management system knows of a file; it is written to the iModel with it.

    Attributes:
        class_name: The class of the iModel's schema, such as `ProjectwiseDynamic:PWDocumentLink`.
        properties: The values of its properties.
    """

    class_name: str
    properties: Mapping[str, str] = field(factory=dict)


def _as_tuple(files: Iterable[ManifestFile]) -> tuple[ManifestFile, ...]:
    return tuple(files)


@frozen(kw_only=True)
class ManifestFile:
    """A file of a manifest run.

    Attributes:
        id: The `source_file_id` of the connection's source file; for a child, an id of your own.
        connector_type: The connector that reads it.
        name: Its name; not needed to unmap it.
        url: Where the service reads it, with its signature. Whoever has it may read the file, so it is in no repr.
        action: What the run does with it; `None` for a child.
        relative_path: Where it lies relative to the files that refer to it; `None` beside them.
        document_attribute: What a document management system knows of it.
        parent_id: The `id` of the file that refers to it, for a child.
        children: The files that it refers to.
    """

    id: str
    connector_type: ConnectorType = field(converter=ConnectorType)
    name: str | None = None
    url: str | None = field(default=None, repr=False)
    action: ManifestAction | None = field(default=ManifestAction.BRIDGE, converter=optional(ManifestAction))
    relative_path: str | None = None
    document_attribute: DocumentAttribute | None = None
    parent_id: str | None = None
    children: tuple[ManifestFile, ...] = field(default=(), converter=_as_tuple)


@frozen(kw_only=True)
class ManifestRun:
    """A run of a manifest connection, with its files.

    Attributes:
        connection_id: The manifest connection.
        files: Its files.
        document_attribute_schema_url: Where the schema of the document attributes is, with its signature; in no repr.
    """

    connection_id: str
    files: tuple[ManifestFile, ...] = field(converter=_as_tuple)
    document_attribute_schema_url: str | None = field(default=None, repr=False)
