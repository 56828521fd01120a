"""Folders and files of the Storage API (pages `storage/operations/*`)."""

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen

from bentley_sync_async.models.links import Link
from bentley_sync_async.models.open_enum import OpenEnum


class StorageItemType(OpenEnum):
    """What an item of Storage is."""

    FILE = "file"
    FOLDER = "folder"


@frozen(kw_only=True)
class StorageItemLinks:
    """Where an item of Storage belongs, and who made it.

    Attributes:
        created_by: Who created it.
        last_modified_by: Who changed it last.
        parent_folder: Its folder.
    """

    created_by: Link | None = None
    last_modified_by: Link | None = None
    parent_folder: Link | None = None


@frozen(kw_only=True)
class StorageItem:
    """A file or a folder in Storage: what both have. Lists of both hold `StorageFile` and `StorageFolder` objects.

    Attributes:
        id: Its id, 43 characters of base64url; the `storage_file_id` of a source file is that of a file.
        type: Whether it is a file or a folder; older answers about one item do not say.
        display_name: Its name; several items of a folder may have the same.
        description: A text about it.
        path: Its names from the root folder on, such as `folderName/test.txt`.
        last_modified_by_display_name: Who changed it last.
        created_date_time: When it was created.
        last_modified_date_time: When it was changed last.
        parent_folder_id: Its folder.
        links: Where it belongs, and who made it.
    """

    KINDS: ClassVar[dict[str, type]] = {}

    id: str
    type: StorageItemType | None = None
    display_name: str | None = None
    description: str | None = None
    path: str | None = None
    last_modified_by_display_name: str | None = None
    created_date_time: datetime | None = None
    last_modified_date_time: datetime | None = None
    parent_folder_id: str | None = None
    links: StorageItemLinks = StorageItemLinks()


@frozen(kw_only=True)
class StorageFolder(StorageItem):
    """A folder in Storage."""


@frozen(kw_only=True)
class StorageFile(StorageItem):
    """A file in Storage.

    Attributes:
        size: Bytes of its content.
    """

    size: int | None = None


StorageItem.KINDS.update(file=StorageFile, folder=StorageFolder)


@frozen(kw_only=True)
class FileUpload:
    """A file that waits for its content: what `files.create` and `files.begin_update` return.

    Attributes:
        file_id: The file; nobody sees the content before `files.complete(file_id)`.
        upload_url: Where the content goes. Whoever has this URL may write the file until it expires, so it is in no
            repr; do not log it.
    """

    file_id: str
    upload_url: str = field(repr=False)
