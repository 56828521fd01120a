"""Connections of an iModel and the source files they synchronize.

Pages: `create-storage-connection`, `update-storage-connection`, `get-storage-connection(s)`,
`get-storage-connection-sourcefile(s)`, `get-connections`.
"""

from attrs import field, frozen

from .enums import AuthenticationType, ConnectorType
from .links import Link
from .runs import RunErrorDetails


@frozen(kw_only=True)
class ConnectionLinks:
    """Where a connection belongs ("Connection Links").

    Attributes:
        imodel: Its iModel.
        itwin: Its iTwin; older answers call it `project`.
        last_run: Its latest run; absent before the first.
    """

    imodel: Link | None = None
    itwin: Link | None = None
    last_run: Link | None = None


@frozen(kw_only=True)
class ConnectionSummary:
    """A connection as a list shows it (`Prefer: return=minimal`).

    Attributes:
        id: The connection's id, 43 characters of base64url.
        display_name: Its name; not unique.
    """

    id: str
    display_name: str | None = None


@frozen(kw_only=True)
class Connection:
    """A connection of any kind, storage or manifest, as the list of all kinds shows it.

    Attributes:
        id: The connection's id, 43 characters of base64url.
        display_name: Its name; not unique.
        imodel_id: Its iModel.
        links: Where it belongs, and its latest run.
    """

    id: str
    display_name: str | None = None
    imodel_id: str | None = None
    links: ConnectionLinks = ConnectionLinks()


@frozen(kw_only=True)
class ConnectionDetails(Connection):
    """What storage and manifest connections have, as the resource of their kind shows them.

    Attributes:
        itwin_id: Its iTwin; absent in older answers.
        authentication_type: As whom the service works; absent in older answers.
        error: What is wrong with the connection; on no page, sent since 2025.
    """

    itwin_id: str | None = None
    authentication_type: AuthenticationType | None = None
    error: RunErrorDetails | None = None


@frozen(kw_only=True)
class StorageConnection(ConnectionDetails):
    """A connection of files in Storage to an iModel ("Storage Connection")."""


@frozen(kw_only=True)
class ManifestConnection(ConnectionDetails):
    """A connection of files that come with each run to an iModel ("Manifest Connection")."""


@frozen
class SourceFileCreate:
    """A file to synchronize: what `create` and `source_files.add` take ("StorageFile (create)").

    Attributes:
        storage_file_id: The file in Storage. It can belong to one connection of an iModel only.
        connector_type: The connector that reads it; the service does not check that it fits the file.
    """

    storage_file_id: str
    connector_type: ConnectorType = field(converter=ConnectorType)


@frozen(kw_only=True)
class SourceFileLinks:
    """Where a source file lies.

    Attributes:
        file: The file in Storage.
    """

    file: Link | None = None


@frozen(kw_only=True)
class SourceFileSummary:
    """A source file as a list shows it (`Prefer: return=minimal`): all but its connector type.

    Attributes:
        id: The source file's id in its connection, a GUID.
        storage_file_id: The file in Storage.
        last_known_file_name: Its name at the latest run; absent or empty before the first.
        links: Where it lies.
    """

    id: str
    storage_file_id: str | None = None
    last_known_file_name: str | None = None
    links: SourceFileLinks = SourceFileLinks()


@frozen(kw_only=True)
class SourceFile:
    """A source file of a storage connection.

    Attributes:
        id: The source file's id in its connection, a GUID.
        storage_file_id: The file in Storage.
        connector_type: The connector that reads it.
        last_known_file_name: Its name at the latest run; absent or empty before the first.
        links: Where it lies.
    """

    id: str
    storage_file_id: str | None = None
    connector_type: ConnectorType | None = None
    last_known_file_name: str | None = None
    links: SourceFileLinks = SourceFileLinks()


@frozen(kw_only=True)
class ManifestSourceFile:
    """A source file of a manifest connection.

    Attributes:
        id: The source file's id in its connection, a GUID.
        source_file_id: Your own id of the file; the `id` of a `ManifestFile`.
    """

    id: str
    source_file_id: str | None = None
