"""iTwins (pages `itwins/operations/*`)."""

from datetime import datetime

from attrs import frozen

from bentley_sync_async.models.open_enum import OpenEnum


class ITwinClass(OpenEnum):
    """What an iTwin stands for."""

    ACCOUNT = "Account"
    ENDEAVOR = "Endeavor"
    THING = "Thing"


class ITwinSubClass(OpenEnum):
    """What an iTwin stands for, in detail; `Thing` has `Asset`, `Endeavor` the others."""

    ACCOUNT = "Account"
    ASSET = "Asset"
    PORTFOLIO = "Portfolio"
    PROGRAM = "Program"
    PROJECT = "Project"
    WORK_PACKAGE = "WorkPackage"


class ITwinStatus(OpenEnum):
    """Whether an iTwin is in use."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    TRIAL = "Trial"


@frozen(kw_only=True)
class ITwinSummary:
    """An iTwin as a list shows it (`Prefer: return=minimal`).

    Attributes:
        id: The iTwin's id, a GUID.
        class_: What it stands for (`class` on the wire).
        sub_class: The same in detail.
        type: Its type, a word of the organization's own.
        number: A number or code of the organization's own; by default the id.
        display_name: Its name; not unique.
    """

    id: str
    class_: ITwinClass | None = None
    sub_class: ITwinSubClass | None = None
    type: str | None = None
    number: str | None = None
    display_name: str | None = None


@frozen(kw_only=True)
class ITwin(ITwinSummary):
    """An iTwin.

    Attributes:
        geographic_location: Where it is, such as `Exton, PA`.
        iana_time_zone: Its time zone, such as `America/New_York`.
        data_center_location: Where its data is kept, such as `East US`.
        status: Whether it is in use. Lists show inactive ones only if asked to.
        parent_id: The iTwin above it; by default the account.
        itwin_account_id: The account that owns it.
        image_name: Name of its picture.
        image: URL of its picture.
        created_date_time: When it was created.
        created_by: Who created it.
    """

    geographic_location: str | None = None
    iana_time_zone: str | None = None
    data_center_location: str | None = None
    status: ITwinStatus | None = None
    parent_id: str | None = None
    itwin_account_id: str | None = None
    image_name: str | None = None
    image: str | None = None
    created_date_time: datetime | None = None
    created_by: str | None = None
