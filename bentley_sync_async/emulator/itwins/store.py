"""The iTwins of one account."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.platform.ids import itwin_of

ACCOUNT_ID = "78202ffd-272b-4207-a765-bb4c0a6ba2ef"
"""The account that owns every iTwin; it is an iTwin itself."""


@define(kw_only=True)
class ITwin:
    """An iTwin.

    Attributes:
        id: A GUID.
        class_: Thing, Endeavor or Account.
        sub_class: Asset, Project, Portfolio, Program, WorkPackage or Account.
        display_name: The name, which several iTwins may have.
        number: A code of the organization's own; by default the id.
        type: A word of the organization's own.
        status: Active, Inactive or Trial.
        parent_id: The iTwin above it.
        data_center_location: Where its data is kept.
        iana_time_zone: Its time zone.
        geographic_location: Where it is.
        created: When it was created, in the API's format.
        created_by: The id of the user who created it.
    """

    id: str
    class_: str
    sub_class: str
    display_name: str
    number: str
    type: str | None = None
    status: str = "Active"
    parent_id: str = ACCOUNT_ID
    data_center_location: str = "East US"
    iana_time_zone: str | None = None
    geographic_location: str | None = None
    created: str
    created_by: str | None = None


@define(kw_only=True)
class ITwinState:
    """What is kept of iTwins.

    Attributes:
        itwins: The iTwins by id, the oldest first.
        favorites: Ids of the favorites, the latest last.
        recents: Ids of those used lately, the latest last.
    """

    itwins: dict[str, ITwin] = field(factory=dict)
    favorites: list[str] = field(factory=list)
    recents: list[str] = field(factory=list)


class ITwins:
    """All iTwins.

    Attributes:
        context: Options, clock and ids.
        state: What is kept.
        on_delete: Functions that are called with the id of every iTwin that is deleted.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.state = ITwinState()
        self.on_delete: list[Callable[[str], None]] = []

    def get(self, itwin_id: str) -> ITwin | None:
        """Return an iTwin; `None` if there is none."""
        return self.state.itwins.get(itwin_id.lower())

    def account(self) -> ITwin:
        """Return the account as an iTwin."""
        return ITwin(
            id=ACCOUNT_ID,
            class_="Account",
            sub_class="Account",
            display_name="Emulated account",
            number=ACCOUNT_ID,
            created=self.context.running_clock.timestamp(0.0),
        )

    def create(
        self, display_name: str, *, itwin_id: str | None = None, class_: str = "Endeavor", sub_class: str = "Project"
    ) -> ITwin:
        """Create an iTwin, by default with a new id."""
        itwin_id = itwin_id or self.context.product_ids.guid()
        itwin = ITwin(
            id=itwin_id,
            class_=class_,
            sub_class=sub_class,
            display_name=display_name,
            number=itwin_id,
            created=self.context.now(),
        )
        self.state.itwins[itwin_id] = itwin
        return itwin

    def adopt(self, imodel_id: str) -> str:
        """Return the id of the iTwin of an iModel that nobody created; it is created unless it exists."""
        itwin_id = itwin_of(imodel_id)
        if self.get(itwin_id) is None:
            self.create(f"iTwin of iModel {imodel_id}", itwin_id=itwin_id)
        return itwin_id

    def delete(self, itwin: ITwin) -> None:
        """Delete an iTwin with all that is in it."""
        state = self.state
        del state.itwins[itwin.id]
        for ids in (state.favorites, state.recents):
            if itwin.id in ids:
                ids.remove(itwin.id)
        for forget in self.on_delete:
            forget(itwin.id)
