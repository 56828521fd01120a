"""The store: connections, their source files and runs, the rules that script runs, and the users' consent."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import define, field, frozen

from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.imodels.store import IModels
from bentley_sync_async.emulator.platform.clock import Clock
from bentley_sync_async.emulator.platform.ids import Ids
from bentley_sync_async.emulator.settings import Settings
from bentley_sync_async.emulator.storage.store import Storage
from bentley_sync_async.models import AuthenticationType, ConnectorType, ExecutionResult, ExecutionState, RunRef

from .contents import Contents, FoundFile
from .planning import DEFAULT_FILE, DEFAULT_RUN, PlannedFile, Planner
from .rules import FileRule, RunRule, merged
from .timeline import RunPlan

R = TypeVar("R", RunRule, FileRule)

_NO_CONSENT = RunRule(preprocessing=1, jobs=False, result=ExecutionResult.ERROR, error="UserNotAuthenticated")


@define(kw_only=True)
class SourceFile:
    """A source file of a connection.

    Attributes:
        id: The source file's id, a GUID.
        storage_file_id: The file in Storage.
        connector_type: The connector that reads the file.
    """

    id: str
    storage_file_id: str
    connector_type: ConnectorType


@frozen(kw_only=True)
class Run:
    """A run, with the plan of everything that will happen in it.

    Attributes:
        id: The run's id, a GUID.
        connection_id: The run's connection.
        imodel_id: The iModel, on which no other run can start until this one is completed.
        itwin_id: The iModel's iTwin.
        created: The run's creation, in elapsed seconds of the emulator's clock.
        plan: The states of the run, its jobs and tasks over time, and their results.
        found: The files in Storage, by id, as the run found them.
    """

    id: str
    connection_id: str
    imodel_id: str
    itwin_id: str
    created: float
    plan: RunPlan
    found: Mapping[str, FoundFile] = field(factory=dict)

    @property
    def ref(self) -> RunRef:
        """The reference of the run, as the client uses it."""
        return RunRef(connection_id=self.connection_id, run_id=self.id)

    @property
    def path(self) -> str:
        """The path of the run's URL."""
        return f"/synchronization/imodels/storageconnections/{self.connection_id}/runs/{self.id}"

    def state(self, elapsed: float) -> ExecutionState:
        """Return the run's state at a time of the emulator's clock."""
        return self.plan.timeline.state(elapsed - self.created)

    def completed(self, elapsed: float) -> bool:
        """Return whether the run is completed at a time of the emulator's clock."""
        return self.state(elapsed) == ExecutionState.COMPLETED


@define(kw_only=True)
class Connection:
    """A connection of files to an iModel.

    Attributes:
        id: The connection's id.
        number: The number of connections that were created before this one.
        imodel_id: The connection's iModel.
        itwin_id: The iModel's iTwin.
        display_name: The connection's name.
        authentication_type: The account that the service uses.
        files: The source files, by id.
        runs: The runs, by id, the oldest first.
        synchronized: Which version of each file in Storage a run has synchronized last.
        known_names: The name of each file in Storage at that time.
    """

    id: str
    number: int
    imodel_id: str
    itwin_id: str
    display_name: str | None
    authentication_type: AuthenticationType
    files: dict[str, SourceFile] = field(factory=dict)
    runs: dict[str, Run] = field(factory=dict)
    synchronized: dict[str, str] = field(factory=dict)
    known_names: dict[str, str] = field(factory=dict)

    @property
    def last_run(self) -> Run | None:
        """The latest run; `None` before the first."""
        return next(reversed(self.runs.values()), None)


class Store:
    """All state that is kept between requests.

    Attributes:
        settings: The emulator's options.
        context: Options, clock and ids.
        contents: Files and iModels as connections and runs see them.
        connections: The connections by id, the oldest first.
        runs: Every run ever created, the oldest first.
        run_rules: The rules that script runs; the first one has precedence.
        file_rules: The rules that script tasks; the first one has precedence.
        file_names: Names of files in Storage, by id.
        consent: Whether users have authorized the service.
        forbidden_imodels: iModels on which triggers and changes of source files are refused.
        observers: Functions that are called with every run that is created.
        number: The number of connections that were ever created.
        unsettled: By iModel, the run whose changes were not added yet, and its connection; only one run is active.
    """

    def __init__(
        self,
        context: Context,
        imodels: IModels,
        storage: Storage,
        run_rules: Iterable[RunRule] = (),
        file_rules: Iterable[FileRule] = (),
        file_names: Mapping[str, str] | None = None,
    ) -> None:
        self.settings: Settings = context.settings
        self.context = context
        self.contents = Contents(imodels, storage)
        self.connections: dict[str, Connection] = {}
        self.runs: list[Run] = []
        self.run_rules = list(run_rules)
        self.file_rules = list(file_rules)
        self.file_names = dict(file_names or {})
        self.consent = self.settings.consent
        self.forbidden_imodels: set[str] = set()
        self.observers: list[Callable[[Run], None]] = []
        self.number = 0
        self._of_imodel: dict[str, dict[str, Connection]] = {}
        self._triggered_at: dict[str, float] = {}
        self._latest_runs: dict[str, Run] = {}
        self.unsettled: dict[str, tuple[Run, Connection]] = {}
        self._planner = Planner(
            new_id=lambda: self.ids.guid(),  # noqa: PLW0108 - a kept state brings other ids
            error_rate=self.settings.error_rate,
            retry_rate=self.settings.retry_rate,
        )
        imodels.on_delete.append(self._forget_imodel)
        imodels.before_history = self.settle

    def connect(
        self,
        imodel_id: str,
        files: Iterable[tuple[str, ConnectorType]],
        *,
        display_name: str | None,
        authentication_type: AuthenticationType,
    ) -> Connection:
        """Create a connection."""
        connection = Connection(
            id=self.ids.pair(imodel_id),
            number=self.number,
            imodel_id=imodel_id,
            itwin_id=self.contents.imodel(imodel_id).itwin_id,
            display_name=display_name,
            authentication_type=authentication_type,
        )
        self.number += 1
        for storage_file_id, connector_type in files:
            self.add_file(connection, storage_file_id, connector_type)
        self.connections[connection.id] = connection
        self._of_imodel.setdefault(imodel_id.lower(), {})[connection.id] = connection
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Delete a connection."""
        del self.connections[connection.id]
        del self._of_imodel[connection.imodel_id.lower()][connection.id]

    def add_file(self, connection: Connection, storage_file_id: str, connector_type: ConnectorType) -> SourceFile:
        """Add a source file to a connection."""
        file = SourceFile(id=self.ids.guid(), storage_file_id=storage_file_id, connector_type=connector_type)
        connection.files[file.id] = file
        return file

    def connections_of(self, imodel_id: str) -> list[Connection]:
        """Return the connections of an iModel, the oldest first."""
        return list(self._of_imodel.get(imodel_id.lower(), {}).values())

    def mapped_files(self, imodel_id: str) -> set[str]:
        """Return the ids of the files in Storage that the iModel's connections map to it."""
        return {
            file.storage_file_id for connection in self.connections_of(imodel_id) for file in connection.files.values()
        }

    def active_run(self, imodel_id: str) -> Run | None:
        """Return the iModel's run that is not completed, if there is one."""
        run = self._latest_runs.get(imodel_id.lower())
        return run if run is not None and not run.completed(self.elapsed()) else None

    def name_of(self, file: SourceFile) -> str:
        """Return the name of a source file in Storage."""
        name = self.contents.name(file.storage_file_id) or self.file_names.get(file.storage_file_id)
        return name or f"{file.storage_file_id[-6:]}.{_EXTENSIONS.get(file.connector_type, 'dat')}"

    def last_known_name(self, connection: Connection, file: SourceFile) -> str | None:
        """Return a source file's name; `None` until a run has synchronized that file."""
        self.settle(connection.imodel_id)
        return connection.known_names.get(file.storage_file_id)

    def settle(self, imodel_id: str) -> None:
        """Add what the last run on an iModel has changed, if it has ended and that was not done yet."""
        run, connection = self.unsettled.get(imodel_id.lower(), (None, None))
        if run is not None and connection is not None and run.completed(self.elapsed()):
            del self.unsettled[imodel_id.lower()]
            self.contents.settle(run, connection)

    def start_run(self, connection: Connection) -> Run:
        """Create a run and plan everything that will happen in it."""
        self.settle(connection.imodel_id)
        nth = len(connection.runs) + 1
        seed = f"{self.settings.seed}/{connection.number}/{nth}"
        found = {
            file.storage_file_id: self.contents.found(file, self.name_of(file)) for file in connection.files.values()
        }
        files = [
            PlannedFile(
                storage_file_id=file.storage_file_id,
                connector_type=file.connector_type,
                rule=self._file_rule(connection, file, nth, found[file.storage_file_id]),
                rng=random.Random(f"{seed}/{number}"),
            )
            for number, file in enumerate(connection.files.values())
        ]
        run = Run(
            id=self.ids.guid(),
            connection_id=connection.id,
            imodel_id=connection.imodel_id,
            itwin_id=connection.itwin_id,
            created=self.elapsed(),
            plan=self._planner.plan(self._run_rule(connection, nth), files, random.Random(seed)),
            found=found,
        )
        connection.runs[run.id] = run
        self.runs.append(run)
        self._latest_runs[connection.imodel_id.lower()] = run
        self.unsettled[connection.imodel_id.lower()] = run, connection
        for notify in self.observers:
            notify(run)
        return run

    @property
    def ids(self) -> Ids:
        """The generator of new ids."""
        return self.context.ids

    @property
    def running_clock(self) -> Clock:
        """The clock of the running emulator."""
        return self.context.running_clock

    def open_accept_window(self, imodel_id: str) -> None:
        """Start the window in which other triggers of the iModel are refused."""
        self._triggered_at[imodel_id.lower()] = self.elapsed()

    def in_accept_window(self, imodel_id: str) -> bool:
        """Return whether another trigger of the iModel is still being accepted."""
        triggered_at = self._triggered_at.get(imodel_id.lower())
        window = self.settings.accept_window * self.settings.speed
        return triggered_at is not None and self.elapsed() - triggered_at < window

    def elapsed(self) -> float:
        """Return the clock's elapsed seconds."""
        return self.running_clock.elapsed()

    def reindex(self) -> None:
        """Find connections and runs by their iModels again, after both were replaced."""
        self._of_imodel.clear()
        for connection in self.connections.values():
            self._of_imodel.setdefault(connection.imodel_id.lower(), {})[connection.id] = connection
        self._latest_runs = {run.imodel_id.lower(): run for run in self.runs}

    def _run_rule(self, connection: Connection, nth: int) -> RunRule:
        rules = _use(
            self.run_rules,
            connection_id=connection.id,
            display_name=connection.display_name or "",
            imodel_id=connection.imodel_id,
            nth=nth,
        )
        if connection.authentication_type == AuthenticationType.USER and not self.consent:
            rules.insert(0, _NO_CONSENT)
        return merged(RunRule, [*rules, DEFAULT_RUN])

    def _file_rule(self, connection: Connection, file: SourceFile, nth: int, found: FoundFile) -> FileRule:
        rules = _use(
            self.file_rules,
            connection_id=connection.id,
            connector_type=file.connector_type,
            file_name=self.name_of(file),
            storage_file_id=file.storage_file_id,
            nth=nth,
        )
        follows = self.contents.rule(found, connection, file)
        if follows is not None and all(rule.result is None and rule.error is None for rule in rules):
            rules.append(follows)
        return merged(FileRule, [*rules, DEFAULT_FILE])

    def _forget_imodel(self, imodel_id: str) -> None:
        for connection in self.connections_of(imodel_id):
            self.disconnect(connection)
        for by_imodel in (self.unsettled, self._latest_runs, self._triggered_at):
            by_imodel.pop(imodel_id.lower(), None)


def _use(rules: Iterable[R], **subject: Any) -> list[R]:
    """Return the rules that apply to the subject, and count this use of them."""
    applicable = [rule for rule in rules if rule.applies(**subject)]
    for rule in applicable:
        rule.used += 1
    return applicable


_EXTENSIONS: Mapping[ConnectorType, str] = {
    ConnectorType.AUTOPLANT: "dwg",
    ConnectorType.CIVIL: "dgn",
    ConnectorType.CIVIL3D: "dwg",
    ConnectorType.DWG: "dwg",
    ConnectorType.GEOSPATIAL: "geojson",
    ConnectorType.IFC: "ifc",
    ConnectorType.MSTN: "dgn",
    ConnectorType.NWD: "nwd",
    ConnectorType.OBD: "dgn",
    ConnectorType.OPENTOWER: "otxml",
    ConnectorType.PROSTRUCTURES: "dgn",
    ConnectorType.REVIT: "rvt",
    ConnectorType.RVM: "rvm",
    ConnectorType.SPPID: "zip",
    ConnectorType.SPXREVIEW: "vue",
}
