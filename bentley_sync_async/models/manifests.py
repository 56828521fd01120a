"""Manifest connections, and the manifest that each of their runs gets. Loaded when first used.

A manifest connection declares the ids of files in a document management system; each run gets a manifest with their
URLs. Pages: `create-manifest-connection`, `get-manifest-connection`, `get-manifest-connection-sourcefile`,
`create-manifest-connection-run`. Runs are those of `runs`.
"""

from collections.abc import Iterable, Mapping

from attrs import field, frozen
from attrs.converters import optional

from .connections import ConnectionLinks
from .enums import AuthenticationType, ConnectorType
from .open_enum import OpenEnum
from .runs import RunErrorDetails

__all__ = [
    "DocumentAttribute",
    "ManifestAction",
    "ManifestChildFile",
    "ManifestConnection",
    "ManifestFile",
    "ManifestRunCreate",
    "ManifestSourceFile",
]


class ManifestAction(OpenEnum):
    """What a run does with a file of its manifest."""

    BRIDGE = "bridge"
    """Synchronize the file."""
    UNMAP = "unmap"
    """Remove from the iModel what the file brought to it."""


@frozen(kw_only=True)
class ManifestConnection:
    """A connection of files outside of Storage to an iModel ("Manifest Connection").

    Attributes:
        id: The connection's id, 43 characters of base64url.
        display_name: Its name; not unique.
        imodel_id: Its iModel.
        itwin_id: Its iTwin; absent in older answers.
        authentication_type: As whom the service works; absent in older answers.
        error: What is wrong with the connection; on no page.
        links: Where it belongs, and its latest run.
    """

    id: str
    display_name: str | None = None
    imodel_id: str | None = None
    itwin_id: str | None = None
    authentication_type: AuthenticationType | None = None
    error: RunErrorDetails | None = None
    links: ConnectionLinks = ConnectionLinks()  # noqa: RUF009 - it is frozen


@frozen(kw_only=True)
class ManifestSourceFile:
    """A file that a manifest connection declares ("ManifestFile" of the connection).

    Attributes:
        id: The source file's id in its connection, a GUID.
        source_file_id: The file's id in manifests, of the caller's own choice.
    """

    id: str
    source_file_id: str | None = None


def _copy(properties: Mapping[str, str]) -> Mapping[str, str]:
    return dict(properties)


@frozen(kw_only=True)
class DocumentAttribute:
    """Attributes of a document that the run writes to the iModel, beside the file's data.

    Attributes:
        class_name: The class in the schema behind `ManifestRunCreate.document_attribute_schema_url`, such as
            `ProjectwiseDynamic:PWDocumentLink`.
        properties: The values, by the names of the class's properties.
    """

    class_name: str
    properties: Mapping[str, str] = field(factory=dict, converter=_copy, hash=False)


@frozen(kw_only=True)
class ManifestChildFile:
    """A file that a file of the manifest refers to. Its URL is a secret, and is not shown.

    Attributes:
        id: The file's id.
        url: A URL that needs no other authorization.
        name: The file's name.
        connector_type: The connector that reads it.
        parent_id: The file that refers to it; `None` for the file that it is a child of.
        relative_path: Where the parent expects it.
        document_attribute: Attributes of the document.
    """

    id: str
    url: str = field(repr=False)
    name: str | None = None
    connector_type: ConnectorType | None = field(default=None, converter=optional(ConnectorType))
    parent_id: str | None = None
    relative_path: str | None = None
    document_attribute: DocumentAttribute | None = None


def _tuple_of_children(files: Iterable[ManifestChildFile]) -> tuple[ManifestChildFile, ...]:
    return tuple(files)


@frozen(kw_only=True)
class ManifestFile:
    """A file of a manifest: what one run does with it. Its URL is a secret, and is not shown.

    Attributes:
        id: The file's id, which the connection declares as `ManifestSourceFile.source_file_id`.
        connector_type: The connector that reads it.
        url: A URL that needs no other authorization, valid until the run has ended; a file that is unmapped has none.
        name: The file's name.
        action: What the run does with it.
        relative_path: Where other files expect it.
        document_attribute: Attributes of the document.
        children: The files that it refers to, those of its children included.
    """

    id: str
    connector_type: ConnectorType = field(converter=ConnectorType)
    url: str | None = field(default=None, repr=False)
    name: str | None = None
    action: ManifestAction = field(default=ManifestAction.BRIDGE, converter=ManifestAction)
    relative_path: str | None = None
    document_attribute: DocumentAttribute | None = None
    children: tuple[ManifestChildFile, ...] = field(
        default=(), converter=_tuple_of_children, metadata={"omit_default": True}
    )

    @classmethod
    def unmap(cls, file_id: str, connector_type: ConnectorType | str) -> "ManifestFile":
        """Return the entry of a file whose data the run removes from the iModel.

        Args:
            file_id: The file's id.
            connector_type: The connector that has read it.
        """
        return cls(id=file_id, connector_type=ConnectorType(connector_type), action=ManifestAction.UNMAP)


def _tuple_of_files(files: Iterable[ManifestFile]) -> tuple[ManifestFile, ...]:
    return tuple(files)


@frozen(kw_only=True)
class ManifestRunCreate:
    """The manifest of one run ("Manifest for Run Create").

    Attributes:
        source_files: Its files.
        document_attribute_schema_url: The URL of the JSON file with the schema of document attributes; `None` without.
    """

    source_files: tuple[ManifestFile, ...] = field(converter=_tuple_of_files)
    document_attribute_schema_url: str | None = field(default=None, repr=False)


for _name in __all__:
    globals()[_name].__module__ = __name__
