"""iModels, their changesets and named versions (pages `imodels-v2/operations/*`)."""

from datetime import datetime

from attrs import field, frozen

from bentley_sync_async.models.links import Link
from bentley_sync_async.models.open_enum import OpenEnum


class IModelState(OpenEnum):
    """Whether an iModel can be used."""

    INITIALIZED = "initialized"
    NOT_INITIALIZED = "notInitialized"


class IModelCreationState(OpenEnum):
    """How far the creation of an iModel is."""

    SUCCESSFUL = "successful"
    WAITING_FOR_FILE = "waitingForFile"
    SCHEDULED = "scheduled"
    FAILED = "failed"
    MAIN_IMODEL_IS_MISSING_FEDERATION_GUIDS = "mainIModelIsMissingFederationGuids"


class ChangesetState(OpenEnum):
    """Whether the file of a changeset is there."""

    WAITING_FOR_FILE = "waitingForFile"
    FILE_UPLOADED = "fileUploaded"


class NamedVersionState(OpenEnum):
    """Whether lists of named versions should show one."""

    VISIBLE = "visible"
    HIDDEN = "hidden"


@frozen
class Point:
    """A place on Earth.

    Attributes:
        latitude: Degrees, -90 to 90.
        longitude: Degrees, -180 to 180.
    """

    latitude: float
    longitude: float


@frozen
class Extent:
    """The area that an iModel covers.

    Attributes:
        south_west: Its corner in the south-west.
        north_east: Its corner in the north-east.
    """

    south_west: Point
    north_east: Point


@frozen(kw_only=True)
class IModelLinks:
    """Where to go from an iModel.

    Attributes:
        creator: Who created it.
        changesets: Its changesets.
        named_versions: Its named versions.
    """

    creator: Link | None = None
    changesets: Link | None = None
    named_versions: Link | None = None


@frozen(kw_only=True)
class IModelSummary:
    """An iModel as a list shows it (`Prefer: return=minimal`).

    Attributes:
        id: The iModel's id, a GUID.
        display_name: Its name.
    """

    id: str
    display_name: str | None = None


@frozen(kw_only=True)
class IModel(IModelSummary):
    """An iModel.

    Attributes:
        name: Its name, unique in its iTwin.
        description: A text about it.
        state: Whether it can be used.
        created_date_time: When it was created.
        itwin_id: Its iTwin.
        extent: The area that it covers.
        data_center_location: Where its data is kept, such as `East US`.
        containers_enabled: Its containers, a sum of flags: 1 schema sync, 2 code store, 4 view store.
        links: Where to go from it.
    """

    name: str | None = None
    description: str | None = None
    state: IModelState | None = None
    created_date_time: datetime | None = None
    itwin_id: str | None = None
    extent: Extent | None = None
    data_center_location: str | None = None
    containers_enabled: int | None = None
    links: IModelLinks = IModelLinks()


@frozen(kw_only=True)
class IModelCreation:
    """How far the creation of an iModel is.

    Attributes:
        state: Its state.
    """

    state: IModelCreationState


@frozen(kw_only=True)
class Application:
    """The application that made a changeset or a named version.

    Attributes:
        id: Its client id.
        name: Its name.
    """

    id: str | None = None
    name: str | None = None


@frozen(kw_only=True)
class SynchronizationInfo:
    """Which synchronization made a changeset.

    Attributes:
        task_id: The task of a run.
        changed_files: The files that it processed.
    """

    task_id: str | None = None
    changed_files: tuple[str, ...] = ()


@frozen(kw_only=True)
class ChangesetLinks:
    """Where to go from a changeset.

    Attributes:
        self_: The changeset itself (`self` on the wire).
        creator: Who made it.
        named_version: The named version on it.
        current_or_preceding_checkpoint: The checkpoint on it or before it.
        download: Where its file is. The URL is signed: whoever has it may read the file, so it is in no repr.
    """

    self_: Link | None = None
    creator: Link | None = None
    named_version: Link | None = None
    current_or_preceding_checkpoint: Link | None = None
    download: Link | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Changeset:
    """A changeset of an iModel: one step of its history.

    Attributes:
        id: The changeset's id, 40 hexadecimal digits.
        display_name: Its name.
        description: A text about it.
        index: Its place in the history, from 1.
        parent_id: The changeset before it; empty for the first.
        creator_id: Who made it.
        push_date_time: When it was made.
        state: Whether its file is there.
        containing_changes: What it changes, a sum of flags: 1 schema, 2 definition, 4 spatial data, 8 sheets and
            drawings, 16 views and models, 32 global properties, 64 schema sync; 0 is none of them.
        file_size: Bytes of its file.
        briefcase_id: The briefcase that it was made with.
        group_id: The changeset group that it belongs to.
        application: The application that made it; lists do not say.
        synchronization_info: Which synchronization made it; lists do not say.
        links: Where to go from it.
    """

    id: str
    display_name: str | None = None
    description: str | None = None
    index: int | None = None
    parent_id: str | None = None
    creator_id: str | None = None
    push_date_time: datetime | None = None
    state: ChangesetState | None = None
    containing_changes: int | None = None
    file_size: int | None = None
    briefcase_id: int | None = None
    group_id: str | None = None
    application: Application | None = None
    synchronization_info: SynchronizationInfo | None = None
    links: ChangesetLinks = ChangesetLinks()


@frozen(kw_only=True)
class NamedVersionLinks:
    """Where to go from a named version.

    Attributes:
        creator: Who made it.
        changeset: The changeset that it names.
    """

    creator: Link | None = None
    changeset: Link | None = None


@frozen(kw_only=True)
class NamedVersion:
    """A named version of an iModel: a changeset, or its beginning, with a name.

    Attributes:
        id: The named version's id, a GUID.
        display_name: Its name.
        name: Its name, unique in the iModel; minimal lists do not say.
        description: A text about it.
        changeset_id: The changeset that it names; `None` for the beginning of the iModel.
        changeset_index: The place of that changeset in the history; 0 for the beginning.
        created_date_time: When it was made.
        state: Whether lists should show it.
        application: The application that made it.
        links: Where to go from it.
    """

    id: str
    display_name: str | None = None
    name: str | None = None
    description: str | None = None
    changeset_id: str | None = None
    changeset_index: int | None = None
    created_date_time: datetime | None = None
    state: NamedVersionState | None = None
    application: Application | None = None
    links: NamedVersionLinks = NamedVersionLinks()
