"""Folders and files in Storage."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from bentley_sync_async.emulator.blobs.containers import Container, Content
from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.itwins.store import ITwins
from bentley_sync_async.emulator.platform.ids import decode_pair, encode_pair, is_pair


@define(kw_only=True)
class Item:
    """A folder or a file.

    Attributes:
        id: The iTwin and a GUID, as the service encodes them.
        type: folder or file.
        itwin_id: The iTwin that it belongs to.
        parent_id: The folder that it is in.
        display_name: Its name, which several items of a folder may have.
        description: A text about it.
        created: When it was created, in the API's format.
        modified: When it was changed last.
        created_by: The id of the user who created it.
        deleted: Whether it is in the recycle bin.
        uploads: How often a file was offered an upload URL.
        version: How often the upload of a file was completed; 0 for a file without content, which nobody sees.
        blob: The blob with a file's content.
        size: Bytes of a file's content.
        etag: Identifies a file's content.
        is_zip: Whether a file's content is a readable zip archive; `None` if it is not known.
    """

    id: str
    type: str
    itwin_id: str
    parent_id: str
    display_name: str
    description: str | None = None
    created: str
    modified: str
    created_by: str | None = None
    deleted: bool = False
    uploads: int = 0
    version: int = 0
    blob: str | None = None
    size: int = 0
    etag: str = ""
    is_zip: bool | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.type == "folder"

    @property
    def pending_blob(self) -> str:
        """The blob that the latest upload URL leads to."""
        return f"{self.itwin_id}/{decode_pair(self.id)[1]}.{self.uploads}"


@define(kw_only=True)
class StorageState:
    """What is kept of Storage.

    Attributes:
        items: Folders and files by id, the oldest first; not the root folders.
        gone: Ids of files that were deleted for good.
    """

    items: dict[str, Item] = field(factory=dict)
    gone: list[str] = field(factory=list)


class Storage:
    """All folders and files.

    Attributes:
        context: Options, clock and ids.
        itwins: The iTwins that they belong to.
        container: Where the content is.
        state: What is kept.
    """

    def __init__(self, context: Context, itwins: ITwins, container: Container) -> None:
        self.context = context
        self.itwins = itwins
        self.container = container
        self.state = StorageState()
        itwins.on_delete.append(self._forget_itwin)

    def root_folder(self, folder_id: str) -> Item | None:
        """Return the root folder of this id, which is the id of its iTwin twice; `None` if it is another id."""
        if not is_pair(folder_id):
            return None
        itwin_id, second = decode_pair(folder_id)
        itwin = self.itwins.get(itwin_id) if itwin_id == second else None
        if itwin is None:
            return None
        return Item(
            id=folder_id,
            type="folder",
            itwin_id=itwin.id,
            parent_id="",
            display_name="",
            created=itwin.created,
            modified=itwin.created,
        )

    def folder(self, folder_id: str) -> Item | None:
        """Return a folder that can be used; `None` if there is none."""
        return self.root_folder(folder_id) or self._usable(folder_id, "folder")

    def file(self, file_id: str, *, incomplete: bool = False) -> Item | None:
        """Return a file that can be used, with `incomplete` also one without content; `None` if there is none."""
        file = self._usable(file_id, "file")
        return file if file is not None and (file.version > 0 or incomplete) else None

    def was_created(self, file_id: str) -> bool:
        """Return whether a file of this id was ever created here."""
        return file_id in self.state.items or file_id in self.state.gone

    def create(self, kind: str, parent: Item, name: str, description: str | None = None) -> Item:
        """Create a folder, or a file without content."""
        now = self.context.now()
        item = Item(
            id=encode_pair(parent.itwin_id, self.context.product_ids.guid()),
            type=kind,
            itwin_id=parent.itwin_id,
            parent_id=parent.id,
            display_name=name,
            description=description,
            created=now,
            modified=now,
        )
        self.state.items[item.id] = item
        return item

    def complete(self, file: Item, content: Content) -> None:
        """Put the content that was uploaded last in force; completing it once more changes nothing."""
        if (file.blob, file.etag) == (file.pending_blob, content.etag):
            return
        if file.blob is not None and file.blob != file.pending_blob:
            self.container.delete(file.blob)
        file.blob, file.etag = file.pending_blob, content.etag
        file.size, file.is_zip = content.size, content.is_zip
        file.version += 1
        file.modified = self.context.now()

    def children(self, folder: Item, kind: str | None = None) -> list[Item]:
        """Return what is in a folder, folders before files, each in the order of creation."""
        inside = [item for item in self._inside(folder.id) if not item.deleted and kind in {None, item.type}]
        shown = [item for item in inside if item.is_folder or item.version > 0]
        return sorted(shown, key=lambda item: not item.is_folder)

    def below(self, folder: Item) -> Iterator[Item]:
        """Yield all that is in a folder and its folders."""
        for item in self.children(folder):
            yield item
            if item.is_folder:
                yield from self.below(item)

    def path(self, item: Item) -> str:
        """Return the names of an item and of the folders that it is in, without the root folder."""
        parent = self.state.items.get(item.parent_id)
        return item.display_name if parent is None else f"{self.path(parent)}/{item.display_name}"

    def in_recycle_bin(self, itwin_id: str) -> list[Item]:
        """Return what was deleted from an iTwin and can be restored."""
        return [item for item in self.state.items.values() if item.itwin_id == itwin_id and item.deleted]

    def remove(self, item: Item) -> None:
        """Delete an item for good, with all that is in it."""
        for inside in self._inside(item.id):
            self.remove(inside)
        del self.state.items[item.id]
        if not item.is_folder:
            self.state.gone.append(item.id)
            for number in range(1, item.uploads + 1):
                self.container.delete(f"{item.pending_blob.rpartition('.')[0]}.{number}")

    def _usable(self, item_id: str, kind: str) -> Item | None:
        item = found = self.state.items.get(item_id)
        while found is not None and not found.deleted:
            if self.root_folder(found.parent_id) is not None:
                return item if item is not None and item.type == kind else None
            found = self.state.items.get(found.parent_id)
        return None

    def _inside(self, folder_id: str) -> list[Item]:
        return [item for item in self.state.items.values() if item.parent_id == folder_id]

    def _forget_itwin(self, itwin_id: str) -> None:
        for item in [item for item in self.state.items.values() if item.itwin_id == itwin_id]:
            if item.id in self.state.items:
                self.remove(item)
