"""The columns of each kind of record, declared: their headings, where the value is, how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from .values import last_part, result_text, seconds_text, size_text, yes_or_no

Get = str | Callable[[Any], object]
"""Where a value is: the names of attributes with dots between, or a function of the record."""


@frozen
class Column:
    """A column of a table, and a line of a card.

    Attributes:
        heading: Its name, as a card shows it.
        get: Where the value is.
        show: The text of a value for people; by default the text of its type.
        listed: Whether tables have it.
        carded: Whether cards and tsv have it.
        rank: What is left out first where there is no room: the columns of the highest rank. 0 always stays.
        whole: Whether a value is of no use if it is cut, as an id.
    """

    heading: str
    get: Get
    show: Callable[[Any], str] | None = None
    listed: bool = True
    carded: bool = True
    rank: int = 0
    whole: bool = False

    def value(self, record: object) -> object:
        """Return the value of a record; `None` if it has none."""
        if not isinstance(self.get, str):
            return self.get(record)
        found: object = record
        for name in self.get.split("."):
            found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
        return found


def ident(get: Get = "id", heading: str = "Id", rank: int = 0, *, listed: bool = True) -> Column:
    """Return a column of ids."""
    return Column(heading, get, rank=rank, listed=listed, whole=True)


def card_only(heading: str, get: Get, show: Callable[[Any], str] | None = None) -> Column:
    """Return a column that tables do not have."""
    return Column(heading, get, show, listed=False)


def _error(error: Any) -> str:
    return ": ".join(part for part in (error.error_key, error.description) if part)


def status_text(run: Any) -> str:
    """Return the result of a run or task, or how far it is."""
    return result_text(run.result) or str(run.state)


def _how_triggered(triggered: Any) -> str:
    if triggered.created:
        return "triggered"
    return "active before, of another connection" if triggered.foreign else "active before"


def _files_text(run: Any) -> str | None:
    tasks = list(run.tasks)
    failed = sum(task.failed for task in tasks)
    return (f"{len(tasks)}, {failed} failed" if failed else str(len(tasks))) if tasks else None


def _settings(values: Any) -> str:
    return ", ".join(f"{name}={value_text(value)}" for name, value in values.items())


def value_text(value: object) -> str:
    """Return the value of a setting as it is given on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_NAME = Column("Name", "display_name")
_CONNECTION = (
    _NAME,
    Column("Authentication", "authentication_type", rank=2),
    card_only("iModel", "imodel_id"),
    card_only("iTwin", "itwin_id"),
    card_only("Last run", lambda connection: last_part(connection.links.last_run and connection.links.last_run.href)),
    Column("Error", "error", _error, rank=3),
    ident(),
)
_SOURCE_FILE = (
    Column("File", "last_known_file_name"),
    Column("Connector", "connector_type", rank=1),
    ident("storage_file_id", "Storage file", 2),
    ident(),
)
_RUN = (
    Column("Status", status_text, carded=False),
    card_only("State", "state"),
    card_only("Result", "result", result_text),
    Column("Started", "start_date_time"),
    Column("Duration", "duration", seconds_text, rank=1),
    card_only("Phase", "phase"),
    Column("Files", _files_text, rank=2),
    Column("Error", "error", _error, rank=3),
    ident(),
)
_ITEM = (
    Column("Name", lambda item: f"{item.display_name}{'/' * (type(item).__name__ == 'StorageFolder')}"),
    Column("Size", lambda item: getattr(item, "size", None), size_text, rank=1),
    Column("Changed", "last_modified_date_time", rank=2),
    card_only("Created", "created_date_time"),
    card_only("Path", "path"),
    card_only("Description", "description"),
    card_only("By", "last_modified_by_display_name"),
    ident(rank=3),
)
_IMODEL = (
    _NAME,
    Column("State", "state", rank=1),
    Column("Created", "created_date_time", rank=2),
    card_only("Description", "description"),
    card_only("iTwin", "itwin_id"),
    card_only("Data center", "data_center_location"),
    ident(),
)
_ITWIN = (
    _NAME,
    Column("Number", lambda itwin: itwin.number if itwin.number != itwin.id else None, rank=3),
    Column("Class", "sub_class", rank=2),
    Column("Status", "status", rank=1),
    card_only("Type", "type"),
    card_only("Location", "geographic_location"),
    card_only("Time zone", "iana_time_zone"),
    card_only("Data center", "data_center_location"),
    card_only("Created", "created_date_time"),
    ident(),
)

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "AuthorizationInformation": (
        Column("Authorized", "is_user_authorized", yes_or_no),
        card_only("Consent page", "links.authorization_url.href"),
    ),
    "Changeset": (
        Column("Index", "index"),
        Column("Pushed", "push_date_time"),
        Column("Size", "file_size", size_text, rank=1),
        Column("Description", "description", rank=2),
        card_only("State", "state"),
        card_only("Application", "application.name"),
        card_only("Task", "synchronization_info.task_id"),
        ident(),
    ),
    "Configuration": (
        Column("Settings", "settings", _settings),
        Column("In force", "resolved_settings", _settings, rank=1),
        ident("scope_id", "Of"),
    ),
    "Connection": (_NAME, card_only("iModel", "imodel_id"), ident()),
    "ConnectionSummary": (_NAME, ident()),
    "DiagnosticReport": (
        Column("Created", "created_time_stamp"),
        ident("task_id", "Task", 1),
        card_only("Run", "run_id"),
        ident(),
    ),
    "IModel": _IMODEL,
    "IModelCreation": (Column("State", "state"),),
    "IModelSummary": (_NAME, ident()),
    "ITwin": _ITWIN,
    "ITwinSummary": (_NAME, ident()),
    "ManifestConnection": _CONNECTION,
    "ManifestSourceFile": (Column("Your file", "source_file_id"), ident()),
    "NamedVersion": (
        _NAME,
        Column("Changeset", "changeset_index", rank=1),
        Column("Created", "created_date_time", rank=2),
        card_only("Description", "description"),
        card_only("State", "state"),
        ident(),
    ),
    "SourceFile": _SOURCE_FILE,
    "SourceFileSummary": _SOURCE_FILE,
    "StorageConnection": _CONNECTION,
    "StorageFile": _ITEM,
    "StorageFolder": _ITEM,
    "StorageItem": _ITEM,
    "StorageRun": _RUN,
    "TriggeredRun": (
        Column("Run", _how_triggered),
        ident("ref.connection_id", "Connection", 2),
        ident("ref.run_id"),
    ),
    "Webhook": (
        Column("URL", "callback_url"),
        Column("Active", "active", yes_or_no),
        Column("Events of", "scope", rank=2),
        card_only("Scope", "scope_id"),
        card_only("Event types", lambda hook: ", ".join(hook.event_types)),
        card_only("Created", "created"),
        ident(rank=1),
    ),
}
"""The columns, by the names of the records' classes."""


def columns_of(record: object) -> tuple[Column, ...]:
    """Return the columns of a record; for a mapping, one for each of its keys."""
    if isinstance(record, dict):
        return tuple(Column(name, name, whole=name in {"id", "name", "file"}) for name in record)
    return COLUMNS[type(record).__name__]


def id_of(record: object) -> str:
    """Return the id of a record: what `-q` prints."""
    if isinstance(record, dict):
        return str(record.get("id", next(iter(record.values()), "")))
    if type(record).__name__ == "TriggeredRun":
        return str(record.ref.run_id)  # type: ignore[attr-defined]
    return str(getattr(record, "id", None) or getattr(record, "scope_id", ""))
